"""One object, read now: the answer's status becomes a value, never an exception."""

from msgspec import Raw

from tokencheck.clients.kube.decode import HEAD, decode
from tokencheck.clients.kube.resources import Resource
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError
from tokencheck.model.evidence import Absent, Denied, Failed, Unread

_TOO_NEW = 504  # "Too large resource version"


def what_of(resource: Resource, namespace: str, name: str) -> str:
    """Return how messages call an object: ``Secret shop/payments-api``."""
    return str(resource.key(namespace if resource.namespaced else "", name))


async def read_object(
    transport: Transport, resource: Resource, namespace: str, name: str, *, at_least: int = 0
) -> bytes | Unread:
    """Return the bytes of one object, or why there are none.

    A 401 is a failure as a 500 is: no right is missing, and it may work at any moment.

    Args:
        at_least: a resourceVersion that was seen already: the server may answer from its watch
            cache when that is as new, which spares etcd a read; 0 asks etcd.
            Source: API concepts, "resourceVersion parameter", get with "not older than". A server
            that does not get there (it lags behind, or was restored to an earlier state) says 504
            after 3 s, and etcd is asked.
    """
    what = what_of(resource, namespace, name)
    path = resource.path(namespace, name)
    if path is None:
        return Absent(what=what)  # no object can be called so
    try:
        params = {"resourceVersion": str(at_least)} if at_least else None
        answer = await transport.get(path, params)
        if answer.status == _TOO_NEW and params:
            answer = await transport.get(path)
    except ClusterError:
        return Failed(what=what)
    match answer.status:
        case 200:
            return answer.body
        case 404:
            return Absent(what=what)
        case 403:
            return Denied(what=what)
        case _:
            return Failed(what=what)


def version_in(body: bytes | Raw) -> int:
    """Return the resourceVersion of an object, 0 when it has none."""
    head = decode(HEAD, body)
    return head.metadata.version if head else 0
