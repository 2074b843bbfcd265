"""The one writer of Events: best effort, bounded, and never in the way of a status.

An Event's name follows from the transition that it tells of, so that whoever tells it again, this
process or another, finds it told. What comes back again and again is counted in a series.
Source: events.k8s.io/v1 (all but `series` is immutable; `series.count` starts at 2).
"""

import asyncio
import hashlib
import itertools
import logging
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tokencheck.clients.kube.limits import Backoff, TokenBucket
from tokencheck.clients.kube.media import WRITTEN
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.outcome.words import cut
from tokencheck.model.errors import ClusterError
from tokencheck.model.outcome import Event

_LOG = logging.getLogger(__name__)
CONTROLLER = "tokencheck.dev/operator"
_MAX_NOTE_BYTES = 1024  # Source: validation of events.k8s.io/v1
# Written at the same time, those of one object one after the other: alone they would be as slow as
# the API server's answers.
_TELLERS = 4
_MAX_QUEUE = 2000
_MAX_AGAIN = 20_000  # a start with 10,000 checks that all changed lately
# Things said whose count is known, and Events known to be told: older ones start a new count, and
# are found told by the API server.
_REMEMBERED = 4000
# Transitions that say the same and get an Event each; later ones are counted in a series.
_OWN_EVENTS = 3
# Between two Events that are told again: a start after many transitions must not be a storm.
_RETELL_PAUSE_S = 0.02
_TRIES = 3  # in a second; then others have their turn
_KEPT_FOR = timedelta(minutes=10)  # what could not be told by then is news to nobody
# Per object, as client-go's spam filter: 25 at once, then one in five minutes.
_BURST, _PER_SECOND = 25, 1 / 300
LOST = ("failed", "limited", "overflow")  # outcomes of an Event that nobody reads
_TIMES = re.compile(r"(?<![^\s(])[0-9][\w:.,+-]*")


_Queue = asyncio.Queue[tuple[Event, datetime]]
_Again = tuple[float, int, datetime, Event]  # minus its time, a number, since when it is queued


@dataclass(slots=True)
class _Said:
    """How often something was said, and by which Event last."""

    name: str
    times: int = 0


class EventRecorder:
    """Implements `model.ports.EventSink`; `run` it as a task.

    `outcomes` counts what became of events: ``written``, ``series``, ``known`` (told already),
    ``failed``, ``limited``, ``overflow``.
    """

    def __init__(
        self, transport: Transport, *, instance: str, clock: Callable[[], datetime]
    ) -> None:
        """Write nothing yet; `instance` names this process, `clock` gives aware UTC times."""
        self.outcomes: Counter[str] = Counter()
        self._transport = transport
        self._instance = instance[:128]
        self._clock = clock
        self._queues = [_Queue() for _ in range(_TELLERS)]
        # The newest first: it is the likeliest not to have been told.
        self._again: asyncio.PriorityQueue[_Again] = asyncio.PriorityQueue(_MAX_AGAIN)
        self._unanswered: asyncio.Queue[_Again] = asyncio.Queue(_MAX_AGAIN)
        self._numbers = itertools.count()
        self._said: OrderedDict[str, _Said] = OrderedDict()
        self._told: OrderedDict[str, None] = OrderedDict()  # by name, the latest last
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def emit(self, event: Event) -> None:
        """Queue an event; one too many for its object, or for the queue, is dropped and counted."""
        if not self._bucket(event.uid).try_take():
            self.outcomes["limited"] += 1
            return
        if self._fresh() >= _MAX_QUEUE:
            self.outcomes["overflow"] += 1
            return
        self._queues[hash(event.uid) % _TELLERS].put_nowait((event, self._clock()))

    def retell(self, events: Iterable[Event]) -> None:
        """Queue events that may have been told before, beside all others, the newest first.

        What this process knows to be told is left out.
        """
        for event in events:
            if name_of(event) in self._told:
                self.outcomes["known"] += 1
                continue
            self._put_again(self._again, event)

    def _put_again(
        self, queue: asyncio.Queue[_Again], event: Event, since: datetime | None = None
    ) -> None:
        now = self._clock()
        age = -(event.at or now).timestamp()
        try:
            queue.put_nowait((age, next(self._numbers), since or now, event))
        except asyncio.QueueFull:
            self.outcomes["overflow"] += 1

    async def run(self) -> None:
        """Write queued events until cancelled."""
        async with asyncio.TaskGroup() as group:
            for queue in self._queues:
                group.create_task(self._tell(queue))
            for again in (self._unanswered, self._again):
                group.create_task(self._retell(again))

    @property
    def waiting(self) -> int:
        """Return how many events are queued, those that may have been told before included."""
        return self._fresh() + self._unanswered.qsize() + self._again.qsize()

    def _fresh(self) -> int:
        return sum(queue.qsize() for queue in self._queues)

    async def _tell(self, queue: _Queue) -> None:
        while True:
            event, at = await queue.get()
            try:
                outcome = await self._deliver(event, at)
                self._ended(replace(event, at=event.at or at), at, outcome)
            finally:
                queue.task_done()

    async def _retell(self, queue: asyncio.Queue[_Again]) -> None:
        """One try for each in turn, so that none waits for another one's answer."""
        backoff = Backoff(first_s=_RETELL_PAUSE_S, cap_s=4.0)
        while True:
            *_, since, event = await queue.get()
            outcome = await self._try(event, event.at or self._clock(), again=True)
            self._ended(event, since, outcome)
            if outcome is not None:
                backoff.reset()
            await asyncio.sleep(_RETELL_PAUSE_S if outcome is not None else backoff.next_s())

    def _ended(self, event: Event, since: datetime, outcome: str | None) -> None:
        """Count what became of an event, or queue it again: the API server had no answer."""
        if outcome is not None:
            self.outcomes[outcome] += 1
            if outcome not in LOST:
                self._told[name_of(event)] = None
            if len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
        elif self._clock() - since < _KEPT_FOR:
            self._put_again(self._unanswered, event, since)
        else:
            self.outcomes["failed"] += 1

    async def drain(self, timeout_s: float = 2.0) -> None:
        """Wait until all that was queued is written or given up, at most `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*(queue.join() for queue in self._queues))
        except TimeoutError:
            self.outcomes["failed"] += self._fresh()

    async def _deliver(self, event: Event, at: datetime) -> str | None:
        """Return what became of the event; None when no try of several had an answer."""
        backoff = Backoff(first_s=0.25, cap_s=4.0)
        for left in reversed(range(_TRIES)):
            outcome = await self._try(event, at, again=False)
            if outcome is not None:
                return outcome
            if left:
                await asyncio.sleep(backoff.next_s())
        return None

    async def _try(self, event: Event, at: datetime, *, again: bool) -> str | None:
        try:
            return await self._write(event, at, again=again)
        except ClusterError:  # it may have been written: then the next try finds it told
            return None

    async def _write(self, event: Event, at: datetime, *, again: bool) -> str | None:
        """Write once, and return what became of it, or None when another try makes sense."""
        namespace = (
            event.regarding.namespace or "default"
        )  # where Events of cluster-scoped objects live
        path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        said = self._said.get(_gist(event))
        if said is not None and said.times >= _OWN_EVENTS and not again:
            return await self._count_in(f"{path}/{said.name}", event, at, said)
        name = name_of(event)
        body = self._body(event, at, namespace, name)
        answer = await self._transport.post(path, body, accept=WRITTEN)
        if answer.status == 409:
            return "known"
        if answer.status != 201:
            return _given_up(event, answer.status)
        self._remember(event, name)
        return "written"

    async def _count_in(self, path: str, event: Event, at: datetime, said: _Said) -> str | None:
        """Count the event in the series of the last one that said the same."""
        count = said.times - _OWN_EVENTS + 2
        series = {"series": {"count": count, "lastObservedTime": _micro(at)}}
        answer = await self._transport.patch(path, series)
        if answer.status == 200:
            said.times += 1
            return "series"
        if answer.status == 404:  # it has expired: say it afresh
            self._said.pop(_gist(event), None)
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

    def _remember(self, event: Event, name: str) -> None:
        said = self._said.setdefault(_gist(event), _Said(name))
        said.name = name
        said.times += 1
        self._said.move_to_end(_gist(event))
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)

    def _bucket(self, uid: str) -> TokenBucket:
        bucket = self._buckets.get(uid)
        if bucket is None:
            bucket = self._buckets[uid] = TokenBucket(per_second=_PER_SECOND, burst=_BURST)
        self._buckets.move_to_end(uid)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        return bucket


def name_of(event: Event) -> str:
    """Return the name of the Event, equal for all processes that tell of the same transition."""
    digest = _digest(event.uid, event.type, event.reason, event.about or _timeless(event.note))
    return f"{event.regarding.name[:200].rstrip('-.')}.{digest}"


def _gist(event: Event) -> str:
    """Return what is equal for events that say the same, whichever transitions they tell of."""
    return _digest(event.uid, event.type, event.reason, _timeless(event.note))


def _timeless(note: str) -> str:
    """Return a note without its times, words that begin with a digit: ``3 h ago``, ``22:10Z``."""
    return _TIMES.sub("#", note)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def _given_up(event: Event, status: int) -> str | None:
    """Return ``failed`` for what no repetition heals, else None.

    Credentials (401) are renewed by somebody, and the Event is still true then.
    """
    if status in (401, 429) or status >= 500:
        return None
    _LOG.warning("%s: an event %s was refused with HTTP %d", event.regarding, event.reason, status)
    return "failed"


def _micro(moment: datetime) -> str:
    """Return a time as metav1.MicroTime writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
