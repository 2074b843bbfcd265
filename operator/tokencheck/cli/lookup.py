"""TokenChecks of the cluster, with the caller's rights; what goes wrong is told as usage."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokencheck.api.tokencheck import WorkloadRef
from tokencheck.api.tokenprovider import parse_tokenprovider
from tokencheck.cli.naming import CHECK_KIND, Named
from tokencheck.clients.kube.discovery import Discovery
from tokencheck.clients.kube.objects import get_object, list_objects
from tokencheck.clients.kube.reads import read_object
from tokencheck.clients.kube.resources import WORKLOADS, Resource
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError, UsageError
from tokencheck.model.evidence import Absent, Denied, Unread
from tokencheck.model.keys import Key

PROVIDER_KIND = "TokenProvider"
_MAX_OWNERS = 4  # Pod, ReplicaSet or Job, Deployment or CronJob, and what an operator put above
Object = Mapping[str, Any]


async def all_checks(transport: Transport, namespace: str) -> list[Object]:
    """Return the TokenChecks of a namespace, or of all when it is "", sorted.

    Raises:
        UsageError: the cluster has no such kind.
        ClusterError: they cannot be listed.
    """
    where = f"in namespace {namespace}" if namespace else "in all namespaces"
    refused = (
        f"You may not list tokenchecks {where}. Ask for the right, or name a namespace with -n."
    )
    found = await _all(transport, CHECK_KIND, namespace, refused)
    return sorted(found, key=lambda o: (o["metadata"]["namespace"], o["metadata"]["name"]))


async def all_providers(transport: Transport, refused: str) -> list[Object]:
    """Return the TokenProviders, sorted.

    Args:
        refused: what is said to who may not list them.

    Raises:
        UsageError: the cluster has no such kind.
        ClusterError: they cannot be listed.
    """
    found = await _all(transport, PROVIDER_KIND, "", refused)
    return sorted(found, key=lambda o: str(o["metadata"]["name"]))


async def _all(transport: Transport, kind: str, namespace: str, refused: str) -> list[Object]:
    try:
        return await list_objects(transport, kind, namespace)
    except ClusterError as error:
        match error.status:
            case 404:
                raise UsageError(
                    f"The cluster knows no {kind}s. Install their CRDs: helm install tokencheck"
                ) from None
            case 403:
                raise ClusterError(refused, status=error.status) from None
            case _:
                raise


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidersNeed:
    """What TokenProviders need of the operator beside its Secrets.

    Args:
        credentials: names of the Secrets by which they know it, sorted.
        token_reviews: whether one has it ask the API server about tokens.
    """

    credentials: tuple[str, ...] = ()
    token_reviews: bool = False


async def needs_of_providers(transport: Transport) -> ProvidersNeed | Denied:
    """Return what the TokenProviders of the cluster need.

    Raises:
        ClusterError: the TokenProviders cannot be listed for another reason than the right to.
    """
    try:
        found = await list_objects(transport, PROVIDER_KIND)
    except ClusterError as error:
        if error.status != 403:
            raise
        return Denied(what="the TokenProviders")
    every = [parse_tokenprovider(obj) for obj in found]
    return ProvidersNeed(
        credentials=tuple(sorted({one.credentials for one in every if one.credentials})),
        token_reviews=any(one.vendor is not None and one.vendor.server is None for one in every),
    )


async def one_check(transport: Transport, namespace: str, name: str) -> Object:
    """Return one TokenCheck.

    Raises:
        UsageError: there is none.
        ClusterError: it cannot be read.
    """
    found = await get_object(transport, Key(CHECK_KIND, namespace, name))
    if isinstance(found, Absent):
        raise UsageError(
            f"There is no TokenCheck {namespace}/{name}. List them: tokencheck get -n {namespace}"
        )
    if isinstance(found, Unread):
        raise unread_error(found)
    return found


def unread_error(unread: Unread) -> ClusterError:
    """Return the error that says why something could not be read."""
    if isinstance(unread, Denied):
        return ClusterError(
            f"You may not read {unread.what}. Ask for the right to get it.", status=403
        )
    if isinstance(unread, Absent):
        return ClusterError(f"{unread.what} does not exist.", status=404)
    return ClusterError(f"{unread.what} could not be read: the API server did not answer.")


async def checks_of(transport: Transport, namespace: str, about: Named) -> list[Object]:
    """Return the TokenCheck that is named, or those of the workload or Pod that is named.

    Raises:
        UsageError: there are none.
    """
    if about.kind == CHECK_KIND:
        return [await one_check(transport, namespace, about.name)]
    workloads = {(about.kind, about.name)}
    if about.kind in ("Pod", "Job", "ReplicaSet"):
        workloads |= set(await _above(transport, namespace, about))
    checks = [c for c in await all_checks(transport, namespace) if _workload(c) in workloads]
    if not checks:
        raise UsageError(
            f"No TokenCheck in namespace {namespace} is about {about}. Write one:"
            f" tokencheck init {about.kind.lower()}/{about.name} -n {namespace}"
        )
    return checks


def _workload(check: Object) -> tuple[str, str]:
    ref = check.get("spec", {}).get("workloadRef") or {}
    return ref.get("kind", ""), ref.get("name", "")


async def _above(transport: Transport, namespace: str, about: Named) -> list[tuple[str, str]]:
    """Return the controllers above an object, nearest first; the search ends where rights do."""
    above: list[tuple[str, str]] = []
    resource: Resource | Unread = WORKLOADS[about.kind]
    name = about.name
    discovery = Discovery(transport)
    while isinstance(resource, Resource) and len(above) < _MAX_OWNERS:
        body = await read_object(transport, resource, namespace, name)
        if isinstance(body, Absent) and not above:
            raise UsageError(f"There is no {about.kind} {namespace}/{name}.")
        if not isinstance(body, bytes):
            break
        owners = json.loads(body)["metadata"].get("ownerReferences") or ()
        owner = next((o for o in owners if o.get("controller")), None)
        if owner is None:
            break
        above.append((owner["kind"], owner["name"]))
        name = owner["name"]
        resource = await discovery.resource(owner["apiVersion"], owner["kind"])
    return above


async def live_workload(transport: Transport, namespace: str, ref: WorkloadRef) -> tuple[str, int]:
    """Return UID and generation of a workload as it is now; ("", 0) when it does not exist.

    Raises:
        ClusterError: it cannot be read.
    """
    resource = await Discovery(transport).resource(ref.api_version, ref.kind)
    if not isinstance(resource, Resource):
        raise unread_error(resource)
    body = await read_object(transport, resource, namespace, ref.name)
    if isinstance(body, Absent):
        return "", 0
    if not isinstance(body, bytes):
        raise unread_error(body)
    meta = json.loads(body)["metadata"]
    return meta["uid"], meta.get("generation", 0)
