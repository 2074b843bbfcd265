"""How far a caller's rights reach: the whole cluster, else each namespace, else a named gap."""

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec import Raw

from tokencheck.clients.kube.credentials import Trouble
from tokencheck.clients.kube.decode import HEAD, decode
from tokencheck.clients.kube.media import JSON, METADATA_LIST
from tokencheck.clients.kube.pages import pages
from tokencheck.clients.kube.reads import read_object
from tokencheck.clients.kube.resources import NAMESPACES, Resource
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError, UsageError
from tokencheck.model.evidence import Absent, Denied, Failed, Unread
from tokencheck.model.reasons import Reason
from tokencheck.model.report import Gap

_REFUSED = (401, 403)
_MISSING = 404
_EVERYWHERE = ""


class Reach:
    """Lists resources as far as the caller may, and remembers where it could not."""

    def __init__(self, transport: Transport, namespaces: tuple[str, ...], *, wide: bool) -> None:
        """Use `reach_of` instead."""
        self.namespaces = namespaces
        self._transport = transport
        self._wide = wide
        self._unread: dict[tuple[str, str], Unread] = {}  # plural and namespace
        self._gaps: list[Gap] = []
        self._unneeded: dict[str, list[str]] = {}  # kinds -> namespaces

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Return what could not be listed, in the order of trying."""
        return tuple(self._gaps)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what else could not be listed; no token is missed by it."""
        return tuple(
            f"{kinds} could not be read {_where(places)}, so what they expect was not judged"
            for kinds, places in self._unneeded.items()
        )

    def unread(self, resource: Resource, namespace: str) -> Unread | None:
        """Return why the resource could not be listed in a namespace; None when it was."""
        for place in (namespace, _EVERYWHERE):
            if (why := self._unread.get((resource.plural, place))) is not None:
                return why
        return None

    async def objects(
        self, resource: Resource, *, accept: str = JSON, needed: bool = True
    ) -> AsyncGenerator[list[Raw], None]:
        """Yield every object within reach, a page at a time.

        Args:
            resource: of which kind.
            accept: media type.
            needed: whether one that cannot be listed is a gap.
        """
        wide = self._wide or not resource.namespaced
        tried = deque((_EVERYWHERE,) if wide else self.namespaces)
        while tried:
            namespace = tried.popleft()
            listed = pages(self._transport, resource, namespace, accept=accept)
            try:
                async with aclosing(listed):
                    async for page in listed:
                        yield page
            except ClusterError as error:
                narrower = self.namespaces if namespace == _EVERYWHERE else ()
                if resource.namespaced and error.status in _REFUSED and narrower:
                    tried.extend(narrower)
                else:
                    self._remember(resource, namespace, error, needed=needed)

    def _remember(
        self, resource: Resource, namespace: str, error: ClusterError, *, needed: bool
    ) -> None:
        if error.status == _MISSING:
            return  # the kind is not installed, so nothing of it exists
        what = f"{_plural(resource)} {_where([namespace])}"
        denied = error.status in _REFUSED
        why: Unread = Denied(what=what) if denied else Failed(what=what)
        self._unread[resource.plural, namespace] = why
        if needed:
            self._gaps.append(_gap(resource, namespace, what, denied=denied))
        else:
            self._unneeded.setdefault(_plural(resource), []).append(namespace)


async def reach_of(transport: Transport, namespaces: tuple[str, ...]) -> Reach:
    """Return how far the caller reaches: the named namespaces, or with none the whole cluster.

    Raises:
        ClusterError: the API server cannot be reached, or takes no credentials.
        UsageError: a named namespace does not exist.
    """
    if namespaces:
        return await _named(transport, namespaces)
    try:
        names = await _all_namespaces(transport)
    except ClusterError as error:
        if error.status != _REFUSED[1]:
            raise _unreachable(transport) from None
        names = ()
    return Reach(transport, names, wide=True)


async def _named(transport: Transport, namespaces: tuple[str, ...]) -> Reach:
    for name in namespaces:
        found = await read_object(transport, NAMESPACES, "", name)
        if isinstance(found, Absent):
            raise UsageError(f"There is no namespace {name!r}: see kubectl get namespaces")
        if isinstance(found, Failed):
            raise _unreachable(transport)
    return Reach(transport, tuple(dict.fromkeys(namespaces)), wide=False)


async def _all_namespaces(transport: Transport) -> tuple[str, ...]:
    names: list[str] = []
    async with aclosing(pages(transport, NAMESPACES, accept=METADATA_LIST)) as listed:
        async for page in listed:
            heads = (decode(HEAD, raw) for raw in page)
            names += (head.metadata.name for head in heads if head is not None)
    return tuple(names)


def unaccepted(transport: Transport) -> ClusterError | None:
    """Return what to tell a caller whose credentials the API server does not accept; else None."""
    if not transport.credentials.troubles[Trouble.REFUSED]:
        return None
    return ClusterError(
        f"{transport.server} does not accept these credentials. Log in again, or name another"
        " --context.",
        status=_REFUSED[0],
    )


def _unreachable(transport: Transport) -> ClusterError:
    return unaccepted(transport) or ClusterError(
        f"{transport.server} does not answer. Check that the cluster runs and that --context names"
        " the right one (kubectl cluster-info)."
    )


def _gap(resource: Resource, namespace: str, what: str, *, denied: bool) -> Gap:
    action = "audit again; if this lasts, look at the API server"
    if denied:
        group = resource.api_version.partition("/")[0] if "/" in resource.api_version else ""
        name = f"{resource.plural}.{group}" if group else resource.plural
        scope = f"-n {namespace}" if namespace else "-A"
        action = f"ask for the right that `kubectl auth can-i list {name} {scope}` denies"
        action += "" if namespace else ", or name your namespaces with -n"
    return Gap(
        what=what,
        reason=Reason.ACCESS_DENIED if denied else Reason.READ_FAILED,
        action=action,
        kinds=_plural(resource),
        namespace=namespace,
    )


def _where(namespaces: list[str]) -> str:
    if not any(namespaces):
        return "in the whole cluster"
    return (
        f"in namespace {namespaces[0]}"
        if len(namespaces) == 1
        else f"in {len(namespaces)} namespaces"
    )


def _plural(resource: Resource) -> str:
    return f"{resource.kind}s"
