"""Which key is due, and when: causes merged, one running pass per key, deadlines, back-off.

A key is in at most one of these states, and may have a deadline and a delayed entry beside each:

    (nothing) --add--> ready --next--> running --done--> (nothing)
                         ^                |  add: dirty
                         +-----done-------+

Two scales of time: deadlines are moments of the wall clock, because tokens end there; delays and
ages are monotonic seconds, so that a step of the wall clock neither hurries nor holds up a retry.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.model.work import Work
from tokencheck.notice.deadlines import Deadlines
from tokencheck.notice.lanes import Lanes
from tokencheck.notice.retries import LAST_S, last_unread_s, wait_s

# Keys released at once: about 2 ms, so that 10,000 of one second do not hold up the loop.
RELEASE_LIMIT = 500


@dataclass(slots=True)
class _Pending:
    """What has gathered for one key: since when it is ready, and when its story began."""

    causes: set[Cause]
    first_seen: float
    since: float

    @property
    def urgent(self) -> bool:
        """Return whether a deadline is among the causes."""
        return Cause.THRESHOLD in self.causes

    def merge(self, causes: Iterable[Cause], first_seen: float) -> None:
        self.causes.update(causes)
        self.first_seen = min(self.first_seen, first_seen)


def _nobody_listens() -> None:
    """Do nothing."""


class Queue:
    """The keys that wait for a pass. Synchronous; of one event loop."""

    def __init__(self, random: Callable[[], float]) -> None:
        """Start empty.

        Args:
            random: numbers from 0 to 1, so that retries of many keys spread out.
        """
        self._random = random
        self._lanes = Lanes()
        self._due: dict[Key, _Pending] = {}  # ready, or running and dirty
        self._running: set[Key] = set()
        self._busy: Counter[str] = Counter()  # running passes of each namespace
        self._delayed: dict[Key, _Pending] = {}
        self._failures: dict[Key, int] = {}
        self._unread: set[Key] = set()  # whose last pass could not read something
        self._held: dict[Key, float] = {}  # monotonic seconds before which no change makes it due
        self._delays = Deadlines()  # monotonic seconds
        self._deadlines = Deadlines()  # seconds since the epoch
        self._threshold_causes: dict[Key, Cause] = {}
        self._on_ready: Callable[[], None] = _nobody_listens
        self._on_earlier: Callable[[], None] = _nobody_listens

    def listen(self, *, on_ready: Callable[[], None], on_earlier: Callable[[], None]) -> None:
        """Call `on_ready` for each key that gets ready, `on_earlier` when the next moment moves."""
        self._on_ready = on_ready
        self._on_earlier = on_earlier

    def add(self, key: Key, cause: Cause, seen_at: float, delay: float = 0.0) -> None:
        """Make `key` due.

        Args:
            key: what the pass is about.
            cause: what happened to it.
            seen_at: monotonic seconds when that was seen.
            delay: seconds from then that the pass may wait for more to come; the shortest delay
                of several counts, and an earlier pass takes a delayed cause along.
        """
        due_at = max(seen_at + delay, self._held.get(key, seen_at))
        if due_at > seen_at:
            self._delay(key, (cause,), seen_at, due_at)
        else:
            self._make_due(key, (cause,), seen_at, seen_at)

    def hold(self, key: Key, until: float) -> None:
        """Keep changes of `key` back until then, those that came already included.

        A deadline is not kept back: a token ends when it ends.

        Args:
            key: one whose pass runs now; to be called before `done` or `retry`.
            until: monotonic seconds.
        """
        self._held[key] = until

    def schedule(self, key: Key, deadline: datetime | None, cause: Cause = Cause.THRESHOLD) -> None:
        """Make `key` due at `deadline` instead of the one before; None only takes that away."""
        if deadline is None:
            self._deadlines.cancel(key)
            self._threshold_causes.pop(key, None)
            return
        self._threshold_causes[key] = cause
        if self._deadlines.set(key, deadline.timestamp()):
            self._on_earlier()

    def release(self, now: datetime, monotonic: float) -> bool:
        """Make due what waited for this moment; return whether more is left for the next call."""
        delayed = list(self._delays.pop_due(monotonic, RELEASE_LIMIT))
        for key in delayed:
            pending = self._delayed.pop(key)
            held = self._held.get(key, monotonic)
            if held > monotonic:
                self._delay(key, pending.causes, pending.first_seen, held)
            else:
                self._make_due(key, pending.causes, pending.first_seen, monotonic)
        due = list(self._deadlines.pop_due(now.timestamp(), RELEASE_LIMIT))
        for key in due:
            self._make_due(key, (self._threshold_causes.pop(key),), monotonic, monotonic)
        return RELEASE_LIMIT in (len(delayed), len(due))

    def seconds_to_next(self, now: datetime, monotonic: float) -> float | None:
        """Return how long until `release` has something to do; None when it never has."""
        delay, deadline = self._delays.earliest(), self._deadlines.earliest()
        waits = [] if delay is None else [delay - monotonic]
        if deadline is not None:
            waits.append(deadline - now.timestamp())
        return max(0.0, min(waits)) if waits else None

    def next(self, free: int = sys.maxsize) -> Work | None:
        """Return whose turn it is, held until `done` or `retry`; None when there is none.

        A namespace has at most as many passes under way as there are workers left: whatever hangs
        in it, others find some. Source: Choudhury and Hahne, "Dynamic queue length thresholds",
        IEEE/ACM Transactions on Networking 6(2), 1998.

        Args:
            free: how many workers could begin a pass now.
        """
        key = self._lanes.pop(lambda namespace: self._busy[namespace] < free)
        if key is None:
            return None
        pending = self._due.pop(key)
        delayed = self._delayed.pop(key, None)
        if delayed is not None:
            self._delays.cancel(key)
            pending.merge(delayed.causes, delayed.first_seen)
        self._held.pop(key, None)
        self._running.add(key)
        self._busy[key.namespace] += 1
        return Work(key=key, causes=frozenset(pending.causes), first_seen=pending.first_seen)

    def done(self, work: Work) -> None:
        """End a pass; its key is ready again if something happened meanwhile."""
        self._failures.pop(work.key, None)
        self._unread.discard(work.key)
        self._end(work.key)

    def retry(self, work: Work, monotonic: float, *, unread: bool = False) -> None:
        """End a failed pass: its causes come back after 0.1 to 60 s or with the next change.

        Args:
            work: what could not end.
            monotonic: seconds, now.
            unread: a read failed that may work at any moment: of few such keys each comes back
                after 3 s at most.
        """
        failures = self._failures.get(work.key, 0) + 1
        self._failures[work.key] = failures
        last_s = LAST_S
        if unread:
            self._unread.add(work.key)
            last_s = last_unread_s(len(self._unread))
        else:
            self._unread.discard(work.key)
        wait = wait_s(failures, self._random(), last_s=last_s)
        self._delay(work.key, {*work.causes, Cause.RETRY}, work.first_seen, monotonic + wait)
        self._end(work.key)

    @property
    def depth(self) -> int:
        """Return how many keys wait for a pass, those with a dirty running one included."""
        return len(self._due)

    @property
    def running(self) -> int:
        """Return how many passes run."""
        return len(self._running)

    @property
    def scheduled(self) -> int:
        """Return how many keys have a deadline or wait for a retry."""
        return len(self._deadlines) + len(self._delays)

    def oldest_age(self, monotonic: float) -> float:
        """Return for how many seconds the longest-waiting key has been due; 0 when none is."""
        return max(0.0, monotonic - min((p.since for p in self._due.values()), default=monotonic))

    def _end(self, key: Key) -> None:
        self._running.discard(key)
        self._busy[key.namespace] -= 1
        if not self._busy[key.namespace]:
            del self._busy[key.namespace]
        if key not in self._due:
            return
        if key in self._held and not self._due[key].urgent:
            pending = self._due.pop(key)
            self._delay(key, pending.causes, pending.first_seen, self._held[key])
            return
        self._lanes.push(key)
        self._on_ready()

    def _make_due(self, key: Key, causes: Iterable[Cause], first_seen: float, since: float) -> None:
        pending = self._due.get(key)
        if pending is not None:
            pending.merge(causes, first_seen)
            return
        self._due[key] = _Pending(set(causes), first_seen, since)
        if key not in self._running:
            self._lanes.push(key)
            self._on_ready()

    def _delay(self, key: Key, causes: Iterable[Cause], first_seen: float, due_at: float) -> None:
        """Keep causes until `due_at`; `since` of a delayed entry is the moment it waits for."""
        pending = self._delayed.get(key)
        if pending is None:
            self._delayed[key] = _Pending(set(causes), first_seen, due_at)
        else:
            pending.merge(causes, first_seen)
            if pending.since <= due_at:
                return
            pending.since = due_at
        if self._delays.set(key, due_at):
            self._on_earlier()
