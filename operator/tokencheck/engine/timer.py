"""The one timer: releases what is due, exact to a few milliseconds."""

import asyncio

from tokencheck.engine.clock import Clock
from tokencheck.notice.queue import Queue

# So that a step of the wall clock or a suspended machine is noticed within a second.
LONGEST_SLEEP_S = 1.0
# The loop may wake a hair before the moment; without a floor it would spin until then.
SHORTEST_SLEEP_S = 0.001


class Timer:
    """Sleeps until the earliest moment of the queue or an earlier one is set, a second at most."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        """Read moments from `queue` and compare them with `clock`."""
        self._queue = queue
        self._clock = clock
        self._earlier = asyncio.Event()

    def wake(self) -> None:
        """Look again: an earlier moment was set."""
        self._earlier.set()

    async def run(self) -> None:
        """Release what falls due, until cancelled."""
        while True:
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
