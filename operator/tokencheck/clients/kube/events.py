"""The one writer of Events: best effort, bounded, and never in the way of a status.

An Event's name follows from what it says, so two processes that say the same thing make one Event,
and saying it again makes a series. Source: events.k8s.io/v1 (all but `series` is immutable;
`series.count` starts at 2).
"""

import asyncio
import hashlib
import logging
import re
from collections import Counter, OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tokencheck.clients.kube.limits import Backoff, TokenBucket
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.outcome.words import cut
from tokencheck.model.errors import ClusterError
from tokencheck.model.outcome import Event

_LOG = logging.getLogger(__name__)
CONTROLLER = "tokencheck.dev/operator"
_MAX_NOTE_BYTES = 1024  # Source: validation of events.k8s.io/v1
_MAX_QUEUE = 2000
_REMEMBERED = 4000  # names whose count is known; older ones start a new count
_TRIES = 5
# Per object, as client-go's spam filter: 25 at once, then one in five minutes.
_BURST, _PER_SECOND = 25, 1 / 300
LOST = ("failed", "limited", "overflow")  # outcomes of an Event that nobody reads
_TIMES = re.compile(r"(?<![^\s(])[0-9][\w:.,+-]*")


class EventRecorder:
    """Implements `model.ports.EventSink`; `run` it as a task.

    `outcomes` counts what became of events: ``written``, ``series``, ``failed``, ``limited``,
    ``overflow``.
    """

    def __init__(
        self, transport: Transport, *, instance: str, clock: Callable[[], datetime]
    ) -> None:
        """Write nothing yet; `instance` names this process, `clock` gives aware UTC times."""
        self.outcomes: Counter[str] = Counter()
        self._transport = transport
        self._instance = instance[:128]
        self._clock = clock
        self._queue: asyncio.Queue[tuple[Event, datetime]] = asyncio.Queue(_MAX_QUEUE)
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def emit(self, event: Event) -> None:
        """Queue an event; one too many for its object, or for the queue, is dropped and counted."""
        if not self._bucket(event.uid).try_take():
            self.outcomes["limited"] += 1
            return
        try:
            self._queue.put_nowait((event, self._clock()))
        except asyncio.QueueFull:
            self.outcomes["overflow"] += 1

    async def run(self) -> None:
        """Write queued events until cancelled."""
        while True:
            event, at = await self._queue.get()
            try:
                self.outcomes[await self._deliver(event, at)] += 1
            finally:
                self._queue.task_done()

    async def drain(self, timeout_s: float = 2.0) -> None:
        """Wait until all that was queued is written or given up, at most `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._queue.join()
        except TimeoutError:
            self.outcomes["failed"] += self._queue.qsize()

    async def _deliver(self, event: Event, at: datetime) -> str:
        backoff = Backoff(first_s=0.25, cap_s=4.0)
        for _ in range(_TRIES):
            try:
                outcome = await self._write(event, at)
            except ClusterError:
                outcome = None
            if outcome is not None:
                return outcome
            await asyncio.sleep(backoff.next_s())
        return "failed"

    async def _write(self, event: Event, at: datetime) -> str | None:
        """Write once, and return what became of it, or None when another try makes sense."""
        namespace = (
            event.regarding.namespace or "default"
        )  # where Events of cluster-scoped objects live
        path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        name = name_of(event)
        if name not in self._counts:
            answer = await self._transport.post(path, self._body(event, at, namespace, name))
            if answer.status == 201:
                self._count(name, 1)
                return "written"
            if answer.status != 409:
                return _given_up(event, answer.status)
            self._count(name, 1)  # another process, or this one in an earlier life, said it before
        count = self._counts[name] + 1
        series = {"series": {"count": count, "lastObservedTime": _micro(at)}}
        answer = await self._transport.patch(f"{path}/{name}", series)
        if answer.status == 200:
            self._count(name, count)
            return "series"
        if answer.status == 404:  # it has expired: say it afresh
            self._counts.pop(name, None)
            return None
        return _given_up(event, answer.status)

    def _body(self, event: Event, at: datetime, namespace: str, name: str) -> dict[str, Any]:
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "eventTime": _micro(at),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "type": event.type.value,
            "reason": event.reason,
            "action": event.action,
            "note": cut(event.note, _MAX_NOTE_BYTES),
            "regarding": {
                "apiVersion": event.api_version,
                "kind": event.regarding.kind,
                "name": event.regarding.name,
                "uid": event.uid,
                **({"namespace": event.regarding.namespace} if event.regarding.namespace else {}),
            },
        }

    def _count(self, name: str, count: int) -> None:
        self._counts[name] = count
        self._counts.move_to_end(name)
        if len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)

    def _bucket(self, uid: str) -> TokenBucket:
        bucket = self._buckets.get(uid)
        if bucket is None:
            bucket = self._buckets[uid] = TokenBucket(per_second=_PER_SECOND, burst=_BURST)
        self._buckets.move_to_end(uid)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        return bucket


def name_of(event: Event) -> str:
    """Return the name of the Event that says this: equal for all processes and whatever the time.

    Words that begin with a digit (``3 h ago``, ``22:10Z``) do not count; names of tokens and
    Secrets do.
    """
    said = "\0".join(
        (event.uid, event.type, event.reason, event.action, _TIMES.sub("#", event.note))
    )
    digest = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{event.regarding.name[:200].rstrip('-.')}.{digest}"


def _given_up(event: Event, status: int) -> str | None:
    """Return ``failed`` for what no repetition heals, else None."""
    if status == 429 or status >= 500:
        return None
    _LOG.warning("%s: an event %s was refused with HTTP %d", event.regarding, event.reason, status)
    return "failed"


def _micro(moment: datetime) -> str:
    """Return a time as metav1.MicroTime writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
