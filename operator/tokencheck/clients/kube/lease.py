"""Leases of one namespace: read, watched, and written by whoever saw the last version.

A write is a merge patch with the resourceVersion that was read: the server compares it, so of two
replicas that take a Lease at once one is refused. What others wrote beside it (labels, annotations)
stays.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from tokencheck.api.quantity import parse_time
from tokencheck.clients.kube.answers import refused
from tokencheck.clients.kube.decode import Place, decode
from tokencheck.clients.kube.informer import Informer
from tokencheck.clients.kube.status import FIELD_MANAGER
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.kube.watching import Pace, Target
from tokencheck.model.errors import ClusterError
from tokencheck.model.lease import REPLICAS, Lease, Observer

_BEAT = "replica.tokencheck.dev/"  # prefix of the annotations by which replicas see each other
# A watch of few small objects by which a takeover begins: frozen, it only makes it later.
_PACE = Pace(watch_s=24.0, silent_s=30.0, compare_s=30.0, cap_s=2.0, denied_cap_s=2.0)


class _Meta(Struct, rename="camel"):
    name: str = ""
    resource_version: str = ""
    annotations: dict[str, Raw] = {}


class _Spec(Struct, rename="camel"):
    holder: str | None = field(name="holderIdentity", default=None)
    duration: int | None = field(name="leaseDurationSeconds", default=None)
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class _Lease(Struct):
    metadata: _Meta
    spec: _Spec = field(default_factory=_Spec)


_LEASE = Decoder(_Lease)
_TEXT = Decoder(str)


class Leases:
    """Implements `model.lease.LeaseStore` over one namespace."""

    def __init__(self, transport: Transport, namespace: str) -> None:
        """Read and write nothing yet."""
        self._transport = transport
        self._namespace = namespace
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"

    async def read(self, name: str) -> Lease | None:
        """Return the Lease as it is now, or None when there is none."""
        answer = await self._transport.get(f"{self._path}/{name}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise _refusal(name, answer.status)
        return _lease_in(answer.body)

    async def write(self, lease: Lease) -> Lease | None:
        """Create the Lease, or replace the version that it was read as."""
        spec = _spec_of(lease)
        if lease.resource_version:
            fence = {"resourceVersion": lease.resource_version}
            answer = await self._transport.patch(
                f"{self._path}/{lease.name}",
                {"metadata": fence, "spec": spec},
                {"fieldManager": FIELD_MANAGER},
            )
            others_first = answer.status in (404, 409)
        else:
            answer = await self._transport.post(self._path, self._new(lease.name, spec))
            others_first = answer.status == 409
        if others_first:
            return None
        if answer.status not in (200, 201):
            raise _refusal(lease.name, answer.status, self._namespace)
        return _lease_in(answer.body)

    async def announce(self, beats: Mapping[str, str | None]) -> None:
        """Let all replicas see these beats; each has its own key, so nobody is in another's way."""
        annotations = {f"{_BEAT}{replica}": beat for replica, beat in beats.items()}
        meta = {"metadata": {"annotations": annotations}}
        answer = await self._transport.patch(f"{self._path}/{REPLICAS}", meta)
        if answer.status == 404:
            body = self._new(REPLICAS, {})
            body["metadata"]["annotations"] = {k: v for k, v in annotations.items() if v}
            answer = await self._transport.post(self._path, body)
        if answer.status not in (200, 201, 409):  # made by another just now: the next beat is seen
            raise _refusal(REPLICAS, answer.status, self._namespace)

    def watch(self, names: frozenset[str], observe: Observer) -> Informer[Lease]:
        """Return an informer that tells `observe` each change of these Leases; `run` it."""

        def changed(place: Place, _old: Lease | None, new: Lease | None) -> None:
            observe(place[1], new)

        wanted: Callable[[Place], bool] = lambda place: place[1] in names  # noqa: E731 - typed
        target = Target(name="leases", path=self._path, record=_lease_in, wanted=wanted)
        return Informer(self._transport, target, on_change=changed, pace=_PACE)

    def _new(self, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": self._namespace},
            "spec": spec,
        }


def _lease_in(body: bytes | Raw) -> Lease:
    found = decode(_LEASE, body)
    if found is None:
        raise ClusterError("a Lease cannot be read: the answer is none")
    meta, spec = found.metadata, found.spec
    beats = {
        name.removeprefix(_BEAT): decode(_TEXT, raw) or ""
        for name, raw in meta.annotations.items()
        if name.startswith(_BEAT)
    }
    return Lease(
        name=meta.name,
        holder=spec.holder or "",
        duration_s=float(spec.duration or 0),
        acquired_at=parse_time(spec.acquire_time),
        renewed_at=parse_time(spec.renew_time),
        transitions=spec.lease_transitions or 0,
        resource_version=meta.resource_version,
        beats=beats,
    )


def _spec_of(lease: Lease) -> dict[str, Any]:
    return {
        "holderIdentity": lease.holder or None,
        "leaseDurationSeconds": max(1, round(lease.duration_s)),
        "acquireTime": _micro(lease.acquired_at),
        "renewTime": _micro(lease.renewed_at),
        "leaseTransitions": lease.transitions,
    }


def _micro(moment: datetime | None) -> str | None:
    """Return a time as metav1.MicroTime writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else None


def _refusal(name: str, status: int, namespace: str = "") -> ClusterError:
    """Return the error that says what to do."""
    if status == 404:
        return ClusterError(
            f"the Lease {name} cannot be made: create the namespace {namespace}, name another one "
            "with --own-namespace, or run alone with --no-leader-elect",
            status=status,
        )
    if status == 403:
        return ClusterError(
            f"no right to the Lease {name}: the operator needs get, list, watch, create and patch "
            "on leases of coordination.k8s.io in its own namespace",
            status=status,
        )
    return refused(f"the Lease {name}", status)
