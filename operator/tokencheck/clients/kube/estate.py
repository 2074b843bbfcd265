"""Workloads, namespaces and TokenChecks of the whole cluster, for ClusterTokenChecks.

Nothing is watched but ClusterTokenChecks until there is one. Workloads and Namespaces are watched
as metadata: neither a spec nor a Pod template enters the process.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from tokencheck.api import API_VERSION
from tokencheck.api.clustertokencheck import (
    KIND,
    KINDS,
    STAMPS,
    ClusterTokenCheck,
    parse_clustertokencheck,
)
from tokencheck.api.fields import Fields
from tokencheck.api.parse_tokencheck import parse_spec
from tokencheck.api.tokencheck import Spec, WorkloadRef
from tokencheck.clients.kube.decode import decode, labels_of, own_annotations
from tokencheck.clients.kube.fleet import supervise
from tokencheck.clients.kube.health import Watch, watch_of_one
from tokencheck.clients.kube.informer import Informer
from tokencheck.clients.kube.resources import (
    CLUSTER_TOKEN_CHECKS,
    NAMESPACES,
    OWN,
    TOKEN_CHECKS,
    WORKLOADS,
    Resource,
)
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.kube.watching import NORMAL, Pace, State, Target
from tokencheck.model.estate import Estate, Labels, Place, Standing
from tokencheck.model.reasons import Reason


class _Maker(Struct, rename="camel"):
    kind: str = ""
    api_version: str = ""
    uid: str = ""
    controller: bool = False

    @property
    def is_one(self) -> bool:
        """Return whether it says that a ClusterTokenCheck controls the object."""
        return self.controller and (self.api_version, self.kind) == (API_VERSION, KIND)


class _Meta(Struct, rename="camel"):
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, Raw] = {}
    owner_references: list[_Maker] = []


class _Condition(Struct):
    type: str = ""
    reason: str = ""


class _Token(Struct):
    reason: str = ""


class _Status(Struct, frozen=True, rename="camel"):
    observed_generation: int = -1
    verdict: str = ""
    conditions: list[_Condition] = []
    tokens: list[_Token] = []


class _Check(Struct):
    metadata: _Meta
    spec: Raw = Raw(b"{}")
    status: _Status = _Status()


_CHECK = Decoder(_Check)
_ANY: Decoder[Any] = Decoder()
_Parsed = tuple[int, WorkloadRef | None, Spec]  # of which text, by its hash
_Specs = dict[str, _Parsed]  # by UID
_OPEN = frozenset({Reason.ADVISORY, Reason.BYPASSED})
_NOTHING: _Parsed = (0, None, Spec())


class KubeEstate:
    """Implements `model.ports.Estates`; `run` it as a task."""

    def __init__(
        self, transport: Transport, changed: Callable[[], None], *, pace: Pace = NORMAL
    ) -> None:
        """Watch nothing yet.

        Args:
            transport: the way to the server.
            changed: told of each change that may matter, synchronously.
            pace: of the informers.
        """
        self._transport = transport
        self._changed = changed
        self._pace = pace
        self._specs: _Specs = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cluster_checks = self._informer(CLUSTER_TOKEN_CHECKS, _cluster_check_of)
        self._namespaces = self._informer(NAMESPACES, labels_of)
        self._checks = self._informer(TOKEN_CHECKS, partial(_standing_of, self._specs))
        self._workloads = {
            kind: self._informer(WORKLOADS[kind], labels_of, metadata_only=True) for kind in KINDS
        }

    async def run(self) -> None:
        """Watch ClusterTokenChecks, and all else once there is one, until cancelled."""
        try:
            self._start(self._cluster_checks)
            await asyncio.Event().wait()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def look(self) -> Estate | None:
        """Return all that is known now; None while a first list is under way."""
        if not self._cluster_checks.settled.is_set():
            return None
        cluster_checks = {one.name: one for one in self._cluster_checks.store.records().values()}
        if not cluster_checks:
            blind = _unread([self._cluster_checks])
            return Estate(cluster_checks={}, namespaces={}, workloads={}, checks={}, unread=blind)
        kinds = {kind for one in cluster_checks.values() for kind in one.kinds}
        workloads = {kind: self._workloads[kind] for kind in KINDS if kind in kinds}
        needed = (self._namespaces, self._checks, *workloads.values())
        for informer in needed:
            self._start(informer)
        if not all(informer.settled.is_set() for informer in needed):
            return None
        return Estate(
            cluster_checks=cluster_checks,
            namespaces={
                place[1]: labels for place, labels in self._namespaces.store.records().items()
            },
            workloads={
                kind: _by_place(informer.store.records())
                for kind, informer in workloads.items()
                if informer.state is State.SYNCED
            },
            checks=_by_place(self._checks.store.records()),
            unread=_unread([self._cluster_checks, *needed]),
        )

    def watches(self) -> tuple[Watch, ...]:
        """Return how the informers are that were ever needed."""
        every = (self._cluster_checks, self._namespaces, self._checks, *self._workloads.values())
        return tuple(watch_of_one(one) for one in every if one.target.name in self._tasks)

    def _start(self, informer: Informer[Any]) -> None:
        name = informer.target.name
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(supervise(informer))

    def _informer(
        self,
        resource: Resource,
        record: Callable[[Raw | bytes], Any],
        *,
        metadata_only: bool | None = None,
    ) -> Informer[Any]:
        target = Target(
            name=resource.plural,
            path=resource.path() or "",
            record=record,
            metadata_only=resource.metadata_only if metadata_only is None else metadata_only,
            custom=resource.kind in OWN,
        )
        return Informer(
            self._transport,
            target,
            on_change=self._seen,
            on_state=lambda _old, _new: self._changed(),
            pace=self._pace,
        )

    def _seen(self, _place: object, old: object, new: object) -> None:
        """A change of what is kept matters; a Deployment's status, say, is not kept."""
        if isinstance(old, Standing):
            if new is None:
                self._specs.pop(old.uid, None)
            elif isinstance(new, Standing) and old.essence == new.essence:
                return
        elif old == new:
            return
        self._changed()


def _unread(informers: Iterable[Informer[Any]]) -> tuple[str, ...]:
    return tuple(one.target.name for one in informers if one.state is not State.SYNCED)


def _by_place(records: Mapping[tuple[str, str], Any]) -> dict[Place, Any]:
    return {Place(*place): record for place, record in records.items()}


def _cluster_check_of(raw: Raw | bytes) -> ClusterTokenCheck | None:
    found = decode(_ANY, raw)
    return parse_clustertokencheck(found) if isinstance(found, dict) else None


def _standing_of(specs: _Specs, raw: Raw | bytes) -> Standing | None:
    """Return what is kept of a TokenCheck; a spec is parsed once.

    Not once for each generation of it: another schema of the CRD shows more or less of the same.
    """
    check = decode(_CHECK, raw)
    if check is None:
        return None
    meta, status = check.metadata, check.status
    maker = next((o.uid for o in meta.owner_references if o.is_one), "")
    text, (known, ref, spec) = hash(bytes(check.spec)), specs.get(meta.uid, _NOTHING)
    if text != known:
        whole = parse_spec(Fields("spec", msgspec.json.decode(check.spec)))
        ref, spec = whole.workload, replace(whole, workload=None)
    if maker:
        specs[meta.uid] = text, ref, spec
    current = status.observed_generation == meta.generation
    return Standing(
        uid=meta.uid,
        resource_version=meta.resource_version,
        maker=maker,
        ref=ref,
        spec=spec if maker else None,
        labels=MappingProxyType(meta.labels),
        stamps=MappingProxyType(_stamps_of(meta.annotations)),
        verdict=(current and status.verdict) or "Unknown",
        reason=_reason_of(status),
        annotated=bool(meta.annotations),
        ending=meta.deletion_timestamp is not None,
    )


def _stamps_of(annotations: Mapping[str, Raw]) -> Labels:
    return {key: text for key, text in own_annotations(annotations).items() if key in STAMPS}


def _reason_of(status: _Status) -> str:
    """Return the worst reason: where the gate is advisory or bypassed, Ready does not say it."""
    ready = next((one.reason for one in status.conditions if one.type == "Ready"), "Pending")
    return status.tokens[0].reason if ready in _OPEN and status.tokens else ready
