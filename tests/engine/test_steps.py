"""The wall clock is set while the engine runs: what had ended may be valid again."""

import asyncio

import pytest

from tokencheck.engine.clock import Clock, Steps
from tokencheck.model.work import Next


async def idle(_work, _at):
    return Next()


def told_of(virtual, running, scenario):
    """What an engine tells of a clock that the scenario sets, with when it was told."""
    told = []

    async def run():
        loop = asyncio.get_running_loop()
        engine = running(idle, on_set_back=lambda by_s: told.append((round(by_s, 3), loop.time())))
        await scenario()
        await engine.end()

    virtual(run())
    return told


@pytest.mark.parametrize("seconds", [1, 60, 3600, 86_400])
def test_a_clock_that_is_set_back_is_told_once_and_within_a_second(virtual, running, wall, seconds):
    async def scenario():
        await asyncio.sleep(10.3)
        wall.step(-seconds)
        await asyncio.sleep(60)

    ((by_s, at),) = told_of(virtual, running, scenario)
    assert by_s == seconds
    assert 10.3 <= at <= 11.3


def test_a_clock_that_is_set_forward_or_stands_is_told_to_nobody(virtual, running, wall):
    async def scenario():
        await asyncio.sleep(10)
        wall.step(86_400)
        await asyncio.sleep(60)

    assert told_of(virtual, running, scenario) == []


def test_small_steps_add_up_until_they_count(virtual, running, wall):
    async def scenario():
        for _ in range(7):
            wall.step(-0.2)
            await asyncio.sleep(5)

    assert [by_s for by_s, _ in told_of(virtual, running, scenario)] == [0.6, 0.6]


def test_the_way_back_of_a_clock_that_was_set_forward_is_a_step_back(virtual, running, wall):
    async def scenario():
        wall.step(3600)
        await asyncio.sleep(5)
        wall.step(-3600)
        await asyncio.sleep(5)

    assert [by_s for by_s, _ in told_of(virtual, running, scenario)] == [3600]


def test_a_suspended_machine_looks_like_a_clock_that_was_set_forward(wall, virtual):
    async def scenario():
        steps = Steps(Clock(wall=wall, monotonic=lambda: 100.0 + asyncio.get_running_loop().time()))
        wall.step(7200)
        assert round(steps.taken_s(), 3) == 7200
        assert steps.taken_s() == 0.0

    virtual(scenario())
