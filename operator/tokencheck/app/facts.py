"""What /metrics and the probes ask of the running parts."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tokencheck.app.compare import Compare
from tokencheck.app.kopf_watch import KopfWatch
from tokencheck.clients.kube.cache import Cache
from tokencheck.clients.kube.events import EventRecorder
from tokencheck.clients.kube.transport import Transport
from tokencheck.engine.engine import Engine
from tokencheck.notice.queue import Queue
from tokencheck.web.sources import InformerState, Sources

LOST = ("failed", "limited", "overflow")  # outcomes of an Event that nobody reads


def facts_of(
    *,
    transport: Transport,
    cache: Cache,
    queue: Queue,
    engine: Engine,
    events: EventRecorder,
    kopf: KopfWatch,
    compare: Compare,
) -> Sources:
    """Return the callables behind the web's `Sources`."""
    return Sources(
        informers=lambda: [_own_kinds(kopf, compare), *_informers(cache)],
        queue_depth=lambda: queue.depth,
        queue_oldest_s=lambda: queue.oldest_age(time.monotonic()),
        stuck_s=lambda: engine.stuck_s,
        loop_lag_s=lambda: engine.loop_lag_s,
        passes_failed=lambda: engine.passes_failed,
        api_requests=lambda: dict(transport.requests),
        events_dropped=lambda: sum(events.outcomes[o] for o in LOST),
        kopf_restarts=lambda: kopf.restarts,
    )


def _informers(cache: Cache) -> Sequence[InformerState]:
    return [
        InformerState(
            resource=watch.resource,
            # A right that is missing makes verdicts Unknown, not the process unready.
            synced=watch.synced or watch.denied,
            alive=True,
            last_event_at=_wall(watch.last_activity),
            silent_s=time.monotonic() - watch.last_activity,
            restarts={str(reason): count for reason, count in watch.restarts.items()},
        )
        for watch in cache.watches()
    ]


def _own_kinds(kopf: KopfWatch, compare: Compare) -> InformerState:
    return InformerState(
        resource="tokenchecks",
        synced=compare.synced.is_set(),
        alive=kopf.alive,
        last_event_at=_wall(kopf.last_event) if kopf.last_event else None,
        silent_s=compare.silent_s,
        restarts={"Ended": kopf.restarts},
    )


def _wall(monotonic: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=time.monotonic() - monotonic)
