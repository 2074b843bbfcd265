"""What /metrics and the probes ask of the running parts."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from tokencheck.app.admission import AdmissionProof
from tokencheck.app.cluster_checks import ClusterChecks
from tokencheck.app.compare import Compare
from tokencheck.app.election import Election
from tokencheck.app.kopf_watch import KopfWatch
from tokencheck.app.roads import Roads
from tokencheck.app.skew import ApiServerClock
from tokencheck.clients.kube.cache import Cache
from tokencheck.clients.kube.events import LOST, EventRecorder
from tokencheck.clients.kube.health import Watch
from tokencheck.clients.kube.watching import Restart
from tokencheck.engine.engine import Engine
from tokencheck.gather.introspector import Introspector
from tokencheck.gather.keyring import KeyRing
from tokencheck.notice.queue import Queue
from tokencheck.web.sources import InformerState, IntrospectionState, ProviderState, Sources

_Word = TypeVar("_Word", bound=StrEnum)
_Number = TypeVar("_Number", int, float)
_Key = TypeVar("_Key")


def facts_of(
    *,
    roads: Roads,
    cache: Cache,
    queue: Queue,
    engine: Engine,
    events: EventRecorder,
    kopf: KopfWatch,
    compare: Compare,
    election: Election,
    keyring: KeyRing,
    introspector: Introspector,
    clock: ApiServerClock,
    admission: AdmissionProof,
) -> Sources:
    """Return the callables behind the web's `Sources`."""
    return Sources(
        wall=lambda: datetime.now(UTC),
        informers=lambda: [_own_kinds(kopf, compare), *_informers(cache.watches())],
        queue_depth=lambda: queue.depth,
        queue_oldest_s=lambda: queue.oldest_age(time.monotonic()),
        stuck_s=lambda: engine.stuck_s,
        loop_lag_s=lambda: engine.loop_lag_s,
        passes_failed=lambda: engine.passes_failed,
        api_requests=lambda: _sum(one.requests for one in roads.working),
        api_retries=lambda: _named(_sum(one.retries for one in roads.working)),
        credentials=lambda: roads.main.credentials.troubles,
        api_throttled_s=lambda: _named(_sum(one.held_back_s for one in roads.working)),
        events_dropped=lambda: {end.capitalize(): events.outcomes[end] for end in LOST},
        events_waiting=lambda: events.waiting,
        kopf_restarts=lambda: kopf.restarts,
        leases=election.states,
        providers=lambda: _providers(keyring),
        provider_requests=lambda: dict(keyring.requests),
        introspections=lambda: _introspections(introspector),
        introspection_requests=lambda: dict(introspector.requests),
        apiserver_skew_s=lambda: clock.skew_s,
        tasks=lambda: len(asyncio.all_tasks()),
        admission=admission.known,
    )


def with_cluster_checks(facts: Sources, part: ClusterChecks | None) -> Sources:
    """Return these facts, and those of the part that keeps TokenChecks where there is one."""
    if part is None:
        return facts
    return replace(
        facts,
        cluster_checks=part.progress,
        keepers_informers=lambda: _informers(part.watches()),
    )


def _informers(watches: Iterable[Watch]) -> Sequence[InformerState]:
    return [
        InformerState(
            resource=watch.resource,
            # A right that is missing makes verdicts Unknown, not the process unready.
            synced=watch.synced or watch.denied,
            alive=True,
            denied=watch.denied,
            # Bookmarks and lists are signs of life too.
            last_event_at=_wall(watch.last_activity),
            silent_s=time.monotonic() - watch.last_activity,
            restarts={str(reason): watch.restarts.get(reason, 0) for reason in Restart},
        )
        for watch in watches
    ]


def _own_kinds(kopf: KopfWatch, compare: Compare) -> InformerState:
    return InformerState(
        resource="tokenchecks",
        synced=compare.synced.is_set(),
        alive=kopf.alive,
        denied=False,
        last_event_at=_wall(max(heard)) if (heard := _heard(kopf, compare)) else None,
        silent_s=compare.silent_s,
        restarts={str(reason): 0 for reason in Restart} | {str(Restart.ERROR): kopf.restarts},
    )


def _heard(kopf: KopfWatch, compare: Compare) -> list[float]:
    """Return when something was heard of our kinds: Kopf tells no bookmarks, the compare lists."""
    times = (kopf.last_event, compare.listed_at)
    return [at for at in times if at is not None]


def _named(counts: Mapping[_Word, _Number]) -> dict[str, _Number]:
    return {str(word): count for word, count in counts.items()}


def _sum(counts: Iterable[Mapping[_Key, _Number]]) -> dict[_Key, _Number]:
    """Return the sum of each, those with 0 too."""
    total: dict[_Key, _Number] = {}
    for one in counts:
        for key, number in one.items():
            total[key] = total.get(key, 0) + number
    return total


def _wall(monotonic: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=time.monotonic() - monotonic)


def _providers(keyring: KeyRing) -> Sequence[ProviderState]:
    return [
        ProviderState(
            name=name,
            up=None if known.tried_at is None else known.fault is None,
            keys=len(known.keys.keys) if known.keys else 0,
            read_at=known.read_at.timestamp() if known.read_at else None,
        )
        for name, known in keyring.known().items()
    ]


def _introspections(introspector: Introspector) -> Sequence[IntrospectionState]:
    return [
        IntrospectionState(
            name=name,
            up=standing.reason is None,
            answered_at=standing.answered_at.timestamp() if standing.answered_at else None,
        )
        for name, standing in introspector.known().items()
    ]
