"""Everything that `tokencheck doctor` looks at, read with the caller's rights; judged elsewhere."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tokencheck.api import API_VERSION, clustertokencheck
from tokencheck.api.crds import digest_of
from tokencheck.api.quantity import parse_time
from tokencheck.api.tokencheck import ANNOTATION_REQUESTER, Requester, requester_of
from tokencheck.clients.kube.admission import read_guard, read_installed, stamps, try_probe
from tokencheck.clients.kube.decode import object_in
from tokencheck.clients.kube.installation import LABEL, held_of, port_of, replica_of, setup_of
from tokencheck.clients.kube.page import page_of_pod
from tokencheck.clients.kube.reach import unaccepted
from tokencheck.clients.kube.reviews import caller_name, review_of_user
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.doctor.facts import (
    MOST_AUTHORS,
    Admission,
    CheckSeen,
    ClusterCheckSeen,
    Crd,
    Held,
    ProviderSeen,
    Replica,
    Server,
    Setup,
)
from tokencheck.core.rights.guards import Installation
from tokencheck.model.admission import Guard
from tokencheck.model.errors import ClusterError
from tokencheck.model.evidence import Absent, Denied, Failed, Unread
from tokencheck.model.rights import AUTHOR_OF_CLUSTER_CHECKS

T = TypeVar("T")
Object = Mapping[str, Any]
MAX_TRIED = 50  # namespaces; the operator tries all
_OURS = f"/apis/{API_VERSION}"
_MAKER = (API_VERSION, clustertokencheck.KIND)
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Examination:
    """Reads what stands in one cluster; a fault of the world is a value in what it returns."""

    def __init__(self, transport: Transport, clock: Callable[[], datetime]) -> None:
        """Read through `transport`; `clock` gives the caller's aware UTC time."""
        self._transport = transport
        self._clock = clock
        self._ahead_s: float | None = None

    def now(self) -> datetime | None:
        """Return the API server's time; None before `server` was read, or when it told none."""
        if self._ahead_s is None:
            return None
        return self._clock() + timedelta(seconds=self._ahead_s)

    async def server(self) -> Server:
        """Return which server answers; from then on its clock is known.

        Raises:
            ClusterError: none does, or it takes no credentials.
        """
        asked_at = self._clock()
        answer = await self._transport.get("/version")
        middle = asked_at + (self._clock() - asked_at) / 2
        url = self._transport.server
        if (refused := unaccepted(self._transport)) is not None:
            raise refused
        if (told := answer.server_time) is not None:
            # The header has whole seconds: half of one more is its middle.
            self._ahead_s = (told - middle).total_seconds() + 0.5
        version = object_in(answer.body).get("gitVersion") if answer.status == 200 else None
        return Server(
            url=url,
            version=str(version or "of unknown version"),
            ahead_s=self._ahead_s,
            user=await caller_name(self._transport),
        )

    async def crds(self, names: Iterable[str]) -> dict[str, Crd | Unread]:
        """Return these CRDs as they are installed."""
        return {name: await self._crd(name) for name in names}

    async def setups(self, namespace: str) -> tuple[Setup, ...] | Unread:
        """Return the operators of the cluster, of `namespace` alone for who may not see all."""
        everywhere = await self._listed("/apis/apps/v1/deployments", setup_of, LABEL)
        if not isinstance(everywhere, Denied):
            return everywhere
        return await self._listed(
            f"/apis/apps/v1/namespaces/{namespace}/deployments", setup_of, LABEL
        )

    async def replicas(self, setups: Iterable[Setup]) -> tuple[Replica, ...] | Unread:
        """Return the operators' Pods, each with what it says of itself."""
        replicas: list[Replica] = []
        for setup in setups:
            path = f"/api/v1/namespaces/{setup.namespace}/pods"
            pods = await self._listed(path, _operator_pod(setup), LABEL)
            if isinstance(pods, Unread):
                return pods
            replicas += [await self._replica(setup.namespace, pod) for pod in pods]
        return tuple(replicas)

    async def leases(self, namespace: str) -> tuple[Held, ...] | Unread:
        """Return the operator's Leases in its namespace."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        now = self.now() or self._clock()
        return await self._listed(path, lambda lease: held_of(lease, now))

    async def checks(self) -> tuple[CheckSeen, ...] | Unread:
        """Return what all TokenChecks give away about the operator."""
        now = self.now() or self._clock()
        return await self._listed(f"{_OURS}/tokenchecks", lambda check: _check(check, now))

    async def providers(self) -> tuple[ProviderSeen, ...] | Unread:
        """Return whether each TokenProvider is ready."""
        return await self._listed(f"{_OURS}/tokenproviders", _provider)

    async def cluster_checks(self) -> tuple[ClusterCheckSeen, ...] | Unread:
        """Return how each ClusterTokenCheck stands, and whether its author may still ask for it."""
        now = self.now() or self._clock()
        path = f"{_OURS}/clustertokenchecks"
        found = await self._listed(path, lambda one: (_cluster_check(one, now), _author(one)))
        if isinstance(found, Unread):
            return found
        authors = list(dict.fromkeys(author for _, author in found if author))[:MOST_AUTHORS]
        may = {one: await self._may(one) for one in authors}
        return tuple(
            replace(seen, author=author.name, allowed=may.get(author)) if author else seen
            for seen, author in found
        )

    async def _may(self, author: Requester) -> bool | None:
        return (await review_of_user(self._transport, AUTHOR_OF_CLUSTER_CHECKS, author)).allowed

    async def admission(self, namespaces: Iterable[str], setups: Sequence[Setup]) -> Admission:
        """Return the chart's policies, and what dry runs in these namespaces show.

        Args:
            setups: the operators of the cluster, whom the policies name.
        """
        installed = await read_installed(self._transport)
        stamped = any(setup.review_authors for setup in setups) or await stamps(self._transport)
        known = Installation(
            operators=frozenset(setup.user for setup in setups), stamps=stamped is True
        )
        tried = {
            name: await try_probe(self._transport, name, installed)
            for name in sorted(set(namespaces))[:MAX_TRIED]
        }
        read = {guard: await read_guard(self._transport, guard, known) for guard in Guard}
        guards = {guard: one.whole for guard, one in read.items()}
        if isinstance(stamped, Unread) and not isinstance(guards[Guard.STAMP], Absent):
            guards[Guard.STAMP] = stamped  # which of the two ships here is not known
        return Admission(
            policy=installed.policy,
            binding=installed.binding,
            guards=guards,
            unbound=frozenset(
                guard for guard, one in read.items() if one.policy is True and one.binding is False
            ),
            stamps=None if isinstance(stamped, Unread) else stamped,
            namespaces=tried,
        )

    async def _replica(self, namespace: str, pod: Object) -> Replica:
        replica = replica_of(pod)
        if not replica.ready:
            return replica
        page = await page_of_pod(self._transport, namespace, replica.name, port_of(pod), self.now)
        return replace(replica, page=page)

    async def _crd(self, name: str) -> Crd | Unread:
        what = f"CRD {name}"
        try:
            answer = await self._transport.get(f"{_CRDS}/{name}")
        except ClusterError:
            return Failed(what=what)
        if answer.status != 200:
            return _unread(what, answer.status)
        crd = object_in(answer.body)
        conditions = (crd.get("status") or {}).get("conditions") or ()
        return Crd(
            served=tuple(v["name"] for v in crd["spec"]["versions"] if v.get("served")),
            established=any(
                c["type"] == "Established" and c["status"] == "True" for c in conditions
            ),
            digest=digest_of(crd),
        )

    async def _listed(
        self, path: str, parse: Callable[[Object], T | None], label: str = ""
    ) -> tuple[T, ...] | Unread:
        """Return what `parse` makes of each object, without those of which it makes nothing."""
        params = {"limit": "500"} | ({"labelSelector": label} if label else {})
        found: list[T] = []
        while True:
            try:
                answer = await self._transport.get(path, params)
            except ClusterError:
                return Failed(what=path)
            if answer.status != 200:
                return _unread(path, answer.status)
            page = object_in(answer.body)
            found += [one for item in page.get("items") or () if (one := parse(item)) is not None]
            if not (more := (page.get("metadata") or {}).get("continue")):
                return tuple(found)
            params["continue"] = more


def _operator_pod(setup: Setup) -> Callable[[Object], Object | None]:
    """Return what keeps the Pods of this Deployment: those of its ReplicaSets."""

    def kept(pod: Object) -> Object | None:
        owners = pod["metadata"].get("ownerReferences") or ()
        ours = any(owner["name"].startswith(f"{setup.name}-") for owner in owners)
        return pod if ours else None

    return kept


def _check(check: Object, now: datetime) -> CheckSeen:
    meta, status = check["metadata"], check.get("status") or {}
    ready = _condition(status, "Ready")
    bypass = _condition(status, "Bypassed")
    asked = bypass.get("reason") in ("Bypassed", "BypassRefused")
    made = parse_time(meta.get("creationTimestamp"))
    reasons = {c.get("reason") for c in status.get("conditions") or ()}
    return CheckSeen(
        namespace=meta["namespace"],
        name=meta["name"],
        pending=ready.get("reason") == "Pending" or not status.get("conditions"),
        current=status.get("observedGeneration") == meta.get("generation"),
        age_s=(now - made).total_seconds() if made else 0.0,
        ready=str(ready.get("status", "")),
        overdue_s=_overdue(status, now) if ready.get("status") == "True" else 0.0,
        denied="AccessDenied" in reasons,
        bypassed=bypass.get("status") == "True",
        bypass=str(bypass.get("message", "")) if asked else "",
        stamped=ANNOTATION_REQUESTER in (meta.get("annotations") or {}),
        interval=str((check.get("spec") or {}).get("interval", "")),
        made_by=_maker(meta),
    )


def _maker(meta: Object) -> str:
    """Return the name of the ClusterTokenCheck that controls an object."""
    for owner in meta.get("ownerReferences") or ():
        if owner.get("controller") and (owner["apiVersion"], owner["kind"]) == _MAKER:
            return str(owner["name"])
    return ""


def _overdue(status: Object, now: datetime) -> float:
    """Return for how long the first token that is called good has ended."""
    ends = [
        end
        for token in status.get("tokens") or ()
        if token.get("verdict") == "Valid" and (end := parse_time(token.get("expirationTime")))
    ]
    return max(0.0, (now - min(ends)).total_seconds()) if ends else 0.0


def _provider(provider: Object) -> ProviderSeen:
    status: Object = provider.get("status") or {}
    ready, reachable = (_condition(status, kind) for kind in ("Ready", "Reachable"))
    answers = (status.get(name) for name in ("lastReachableTime", "lastAnswerTime"))
    return ProviderSeen(
        name=provider["metadata"]["name"],
        ready=str(ready.get("status", "")),
        message=str(ready.get("message", "")),
        reachable=str(reachable.get("status", "")),
        reason=str(reachable.get("reason", "")),
        silence=str(reachable.get("message", "")),
        unreachable_since=str(reachable.get("lastTransitionTime", "")),
        answered=max(filter(None, answers), default=""),
        checks=int(status.get("checks") or 0),
    )


def _cluster_check(found: Object, now: datetime) -> ClusterCheckSeen:
    meta, ready = found["metadata"], _condition(found.get("status") or {}, "Ready")
    made = parse_time(meta.get("creationTimestamp"))
    return ClusterCheckSeen(
        name=meta["name"],
        ready=str(ready.get("status", "")),
        reason=str(ready.get("reason", "")),
        message=str(ready.get("message", "")),
        age_s=(now - made).total_seconds() if made else 0.0,
    )


def _author(found: Object) -> Requester | None:
    return requester_of(found["metadata"].get("annotations") or {})


def _condition(status: Object, kind: str) -> Object:
    return next((c for c in status.get("conditions") or () if c.get("type") == kind), {})


def _unread(what: str, status: int) -> Unread:
    if status in (401, 403):
        return Denied(what=what)
    return Absent(what=what) if status == 404 else Failed(what=what)
