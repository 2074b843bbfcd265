"""A loop whose time is counted, not waited for; and a wall clock that can step."""

import asyncio
import selectors
from datetime import UTC, datetime, timedelta

import pytest

from tokencheck.engine.clock import Clock
from tokencheck.engine.engine import Engine
from tokencheck.notice.queue import Queue

START = datetime(2026, 7, 1, tzinfo=UTC)


class _Selector(selectors.DefaultSelector):
    """Instead of waiting, moves the loop's time on."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        events = super().select(0)
        if not events:
            assert timeout is not None, "everything waits for something that will never come"
            self.now += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self):
        return self._virtual.now

    def stand_still(self, seconds):
        """Something keeps the loop to itself for so long."""
        self._virtual.now += seconds


class WallClock:
    """Follows the loop's time until it is stepped."""

    naive = START.replace(tzinfo=None)

    def __init__(self):
        self.offset = timedelta()

    def __call__(self):
        return START + self.offset + timedelta(seconds=asyncio.get_running_loop().time())

    def step(self, seconds):
        self.offset += timedelta(seconds=seconds)


@pytest.fixture
def virtual():
    """Run a coroutine to its end in virtual time."""

    def run(coroutine):
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(coroutine)

    return run


@pytest.fixture
def wall():
    return WallClock()


def monotonic():
    return asyncio.get_running_loop().time()


@pytest.fixture
def running(wall):
    """Give a function that starts an engine with a queue; `await end()` stops it."""

    class Running:
        def __init__(self, one_pass, *, gate_open=True, **options):
            self.queue = Queue(lambda: 0.5)
            clock = Clock(wall=wall, monotonic=monotonic)
            self.engine = Engine(self.queue, {"TokenCheck": one_pass}, clock, **options)
            self.gate = asyncio.Event()
            if gate_open:
                self.gate.set()
            self.task = asyncio.ensure_future(self.engine.run(self.gate))

        async def end(self):
            await self.engine.stop()
            await self.task

    return Running
