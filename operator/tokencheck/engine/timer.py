"""The one timer: releases what is due, exact to a few milliseconds."""

import asyncio
from collections.abc import Callable

from tokencheck.engine.clock import Clock, Steps
from tokencheck.notice.queue import Queue

# So that a step of the wall clock or a suspended machine is noticed within a second.
LONGEST_SLEEP_S = 1.0
# The loop may wake a hair before the moment; without a floor it would spin until then.
SHORTEST_SLEEP_S = 0.001


class Timer:
    """Sleeps until the earliest moment of the queue or an earlier one is set, a second at most.

    A clock that is set forward makes moments due, and nothing else. One that is set back takes
    back moments that had passed, which are no longer in the queue: that is told.
    """

    def __init__(self, queue: Queue, clock: Clock, on_set_back: Callable[[float], None]) -> None:
        """Read moments from `queue`, compare them with `clock`.

        Args:
            queue: whose moments they are.
            clock: what they are compared with.
            on_set_back: told by how many seconds the clock was set back.
        """
        self._queue = queue
        self._clock = clock
        self._steps = Steps(clock)
        self._on_set_back = on_set_back
        self._earlier = asyncio.Event()

    def wake(self) -> None:
        """Look again: an earlier moment was set."""
        self._earlier.set()

    async def run(self) -> None:
        """Release what falls due, until cancelled."""
        while True:
            if (step_s := self._steps.taken_s()) < 0:
                self._on_set_back(-step_s)
            if self._queue.release(self._clock.wall(), self._clock.monotonic()):
                await asyncio.sleep(0)  # more is due: let workers and watchers in between
            else:
                await self._sleep()

    async def _sleep(self) -> None:
        self._earlier.clear()
        wait = self._queue.seconds_to_next(self._clock.wall(), self._clock.monotonic())
        wait = (
            LONGEST_SLEEP_S if wait is None else min(max(wait, SHORTEST_SLEEP_S), LONGEST_SLEEP_S)
        )
        try:
            async with asyncio.timeout(wait):
                await self._earlier.wait()
        except TimeoutError:
            return
