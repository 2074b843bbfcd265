"""Workers that take due keys and run the pass of their kind."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from tokencheck.engine.bell import Bell
from tokencheck.engine.clock import Clock
from tokencheck.engine.lag import LoopLag
from tokencheck.engine.timer import Timer
from tokencheck.engine.turns import Turns
from tokencheck.model.keys import Key
from tokencheck.model.work import Pass, Work
from tokencheck.notice.queue import Queue

DRAIN_S = 3.0
# Above the deadlines of every request of a pass; a hung one gives its worker back.
PASS_TIMEOUT_S = 60.0
# A pass that named a moment which has passed by its end is wanted again at once; one that always
# does must not spin.
SHORTEST_SLEEP = timedelta(milliseconds=50)

# A pass that keeps the loop to itself for longer, such as one over a large YAML document whose
# writer never rests, is not repeated before others had five times as much.
LONG_S = 0.05
HOLD_TIMES = 5
LONGEST_HOLD_S = 30.0  # a machine that stood still is not the fault of the pass

_log = logging.getLogger(__name__)


def _unobserved(_kind: str, _seconds: float) -> None:
    """Do nothing."""


def _ignored(_seconds: float) -> None:
    """Do nothing."""


class Engine:
    """Runs passes: one per key, at most `workers` at a time, none before the gate opens."""

    def __init__(
        self,
        queue: Queue,
        passes: Mapping[str, Pass],
        clock: Clock,
        *,
        workers: int = 24,
        pass_timeout_s: float = PASS_TIMEOUT_S,
        observe: Callable[[str, float], None] = _unobserved,
        on_set_back: Callable[[float], None] = _ignored,
    ) -> None:
        """Join what is due with what to do.

        Args:
            queue: says what is due; the engine becomes its only listener.
            passes: by kind of object.
            clock: both clocks.
            workers: how many passes may run at a time, half of them of one namespace.
            pass_timeout_s: seconds after which a pass is ended and tried again.
            observe: told kind and duration in seconds of every pass that ended well.
            on_set_back: told within about a second that the wall clock was set back, and by how
                many seconds: what had ended may be valid again.
        """
        self._queue = queue
        self._passes = passes
        self._clock = clock
        self._workers = workers
        self._pass_timeout_s = pass_timeout_s
        self._observe = observe
        self._timer = Timer(queue, clock, on_set_back)
        self._lag = LoopLag(clock.monotonic)
        self._bell = Bell()
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._long: set[Key] = set()  # whose last pass was a long one
        self._stopping = False
        self._open = False
        self._last_end = clock.monotonic()
        self._passes_failed = 0
        queue.listen(on_ready=self._bell.ring, on_earlier=self._timer.wake)

    @property
    def passes_failed(self) -> int:
        """Return how many passes ended in an exception or a time-out."""
        return self._passes_failed

    @property
    def loop_lag_s(self) -> float:
        """Return the worst lag of the event loop in the last half minute."""
        return self._lag.worst_s

    @property
    def stuck_s(self) -> float:
        """Return for how long no pass has ended although there is work; 0 before the gate opens."""
        if not self._open or not (self._queue.depth or self._busy):
            return 0.0
        return self._clock.monotonic() - self._last_end

    async def run(self, ready: asyncio.Event) -> None:
        """Run passes from when `ready` is set until `stop`; an error here is a bug of the engine.

        Args:
            ready: set when every watcher has its first full picture, so that no verdict is drawn
                from half of it.
        """
        if self._stopping:
            return
        async with asyncio.TaskGroup() as group:
            self._tasks = {group.create_task(self._work(ready)) for _ in range(self._workers)}
            self._tasks |= {
                group.create_task(self._timer.run()),
                group.create_task(self._lag.run()),
            }

    async def stop(self, drain_s: float = DRAIN_S) -> None:
        """Take no more work, give running passes `drain_s` seconds to end, then cancel them."""
        self._stopping = True
        for task in self._tasks - self._busy:
            task.cancel()
        if self._busy:
            await asyncio.wait(set(self._busy), timeout=drain_s)
        for task in self._busy:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _work(self, ready: asyncio.Event) -> None:
        me = asyncio.current_task()
        assert me is not None  # noqa: S101 - a coroutine that runs is in a task
        await ready.wait()
        if not self._open:
            self._open, self._last_end = True, self._clock.monotonic()
        while not self._stopping:
            work = self._queue.next(self._workers - len(self._busy))
            if work is None:
                await self._bell.wait()
                continue
            if not self._busy:
                self._last_end = self._clock.monotonic()  # was idle, not stuck
            self._busy.add(me)
            try:
                await self._pass(work)
            finally:
                self._busy.discard(me)
                if self._queue.depth:
                    self._bell.ring()  # its namespace may have one more, and so may another

    async def _pass(self, work: Work) -> None:
        """Run one pass; whatever it does, the key comes back to the queue and the worker lives."""
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._pass_timeout_s):
                one_pass = self._passes[work.key.kind](work, self._clock.wall())
                turns = Turns(one_pass, self._clock.monotonic)
                following = await turns
            wake_at = self._not_before_now(following.wake_at)
        except asyncio.CancelledError:
            if self._stopping or _is_cancelled():
                raise
            # Something that the pass awaited was cancelled, not the worker.
            self._failed(work, "CancelledError")
        except Exception as error:  # noqa: BLE001 - the one place: counted, named by class, tried again
            self._failed(work, type(error).__name__)
        else:
            self._hold(work, turns.taken_s)
            self._queue.schedule(work.key, wake_at)
            if following.retry:
                self._queue.retry(work, self._clock.monotonic(), unread=following.unread)
            else:
                self._queue.done(work)
            self._observe(work.key.kind, self._clock.monotonic() - started)
        self._last_end = self._clock.monotonic()

    def _hold(self, work: Work, taken_s: float) -> None:
        """Keep a key back whose passes hold up all others, so that it takes a sixth of the time.

        A single long one is forgiven: it may have loaded a module, or the machine was busy.
        """
        if taken_s <= LONG_S:
            self._long.discard(work.key)
        elif work.key not in self._long:
            self._long.add(work.key)
        else:
            wait = min(HOLD_TIMES * taken_s, LONGEST_HOLD_S)
            self._queue.hold(work.key, self._clock.monotonic() + wait)

    def _not_before_now(self, wake_at: datetime | None) -> datetime | None:
        if wake_at is None:
            return None
        return max(wake_at, self._clock.wall() + SHORTEST_SLEEP)

    def _failed(self, work: Work, error_class: str) -> None:
        """Count and log; only the class is named: the text of an exception may hold a token."""
        self._passes_failed += 1
        _log.error("pass over %s failed with %s; it will be tried again", work.key, error_class)
        self._queue.retry(work, self._clock.monotonic())


def _is_cancelled() -> bool:
    """Return whether the running task itself was asked to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
