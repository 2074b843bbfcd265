"""A pass that keeps the loop to itself is not repeated before others had their time."""

import asyncio
from datetime import timedelta
from itertools import pairwise

from tokencheck.engine.turns import Turns
from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.model.work import Next

NOISY = Key("TokenCheck", "loud", "noisy")
QUIET = Key("TokenCheck", "shop", "checkout")


def now():
    return asyncio.get_running_loop().time()


def work_for(seconds):
    """Keep the loop to itself, as the parser of a large document does."""
    asyncio.get_running_loop()._virtual.now += seconds  # noqa: SLF001 - the tests' own loop


async def changing(engine, key, seconds):
    """Change the key 20 times a second."""
    for _ in range(int(seconds * 20)):
        engine.queue.add(key, Cause.SECRET_CHANGED, now())
        await asyncio.sleep(0.05)


def begun(virtual, running, one_pass, *, seconds=12.0, key=NOISY, wake=None):
    """When the passes of a key that never rests began."""
    times = []

    async def timed(_work, at):
        times.append(now())
        await one_pass()
        return Next(wake_at=wake(at) if wake else None)

    async def scenario():
        engine = running(timed)
        await changing(engine, key, seconds)
        await engine.end()

    virtual(scenario())
    return times


async def long_pass():
    work_for(0.4)


def test_a_key_whose_passes_are_long_takes_a_sixth_of_the_time(virtual, running):
    times = begun(virtual, running, long_pass)
    pauses = [b - a for a, b in pairwise(times[1:])]
    assert len(pauses) >= 2
    assert all(pause >= 6 * 0.4 - 0.001 for pause in pauses)


def test_the_first_long_pass_is_forgiven(virtual, running):
    times = begun(virtual, running, long_pass)
    assert times[1] - times[0] < 0.6


def test_a_pass_that_waits_for_an_answer_holds_nothing_up(virtual, running):
    async def waits():
        work_for(0.02)
        await asyncio.sleep(0.4)
        work_for(0.02)

    times = begun(virtual, running, waits)
    assert len(times) >= 25


def test_a_deadline_of_a_key_that_is_held_is_met(virtual, running):
    times = begun(virtual, running, long_pass, wake=lambda at: at + timedelta(seconds=1))
    pauses = [b - a for a, b in pairwise(times)]
    assert all(pause <= 1.1 for pause in pauses)


def test_what_a_pass_raises_and_returns_comes_through(virtual):
    async def scenario():
        turns = Turns(asyncio.sleep(1, "done"), now)
        assert await turns == "done"
        assert turns.taken_s == 0
        task = asyncio.ensure_future(_awaited(Turns(_caught(), now)))
        await asyncio.sleep(0)
        task.cancel()
        assert await task == "cancelled"

    virtual(scenario())


async def _awaited(turns):
    return await turns


async def _caught():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        return "cancelled"
