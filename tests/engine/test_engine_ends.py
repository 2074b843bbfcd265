import asyncio
from datetime import timedelta

import pytest

from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.model.work import Next

KEY = Key("TokenCheck", "shop", "checkout")


def keys(count, namespace="shop"):
    return [Key("TokenCheck", namespace, f"c{number}") for number in range(count)]


def now():
    return asyncio.get_running_loop().time()


def test_stopping_lets_a_running_pass_end_but_takes_no_new_one(virtual, running):
    ended = []

    async def one_pass(work, _at):
        await asyncio.sleep(2)
        ended.append(work.key.name)
        return Next()

    async def scenario():
        engine = running(one_pass, workers=4)  # two of them for one namespace
        for key in keys(5):
            engine.queue.add(key, Cause.SPEC_CHANGED, 0.0)
        await asyncio.sleep(0.1)
        await engine.end()
        assert now() == pytest.approx(2.0)

    virtual(scenario())
    assert ended == ["c0", "c1"]


def test_stopping_waits_three_seconds_and_no_longer(virtual, running):
    ends = []

    async def one_pass(_work, _at):
        try:
            await asyncio.sleep(3600)
        finally:
            ends.append(now())
        return Next()

    async def scenario():
        engine = running(one_pass)
        engine.queue.add(KEY, Cause.SPEC_CHANGED, 0.0)
        await asyncio.sleep(1)
        await engine.end()
        await engine.engine.stop()

    virtual(scenario())
    assert ends == [pytest.approx(4.0)]


def test_an_engine_that_was_stopped_before_its_start_does_not_start(virtual, running):
    async def one_pass(_work, _at):
        raise AssertionError

    async def scenario():
        engine = running(one_pass)
        await engine.engine.stop()
        engine.queue.add(KEY, Cause.SPEC_CHANGED, 0.0)
        await engine.task
        assert engine.queue.depth == 1

    virtual(scenario())


def test_cancelling_the_engine_ends_it_with_its_passes(virtual, running):
    async def one_pass(_work, _at):
        await asyncio.sleep(3600)
        return Next()

    async def scenario():
        engine = running(one_pass)
        engine.queue.add(KEY, Cause.SPEC_CHANGED, 0.0)
        await asyncio.sleep(1)
        engine.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await engine.task
        assert engine.engine.passes_failed == 0

    virtual(scenario())


def test_the_duration_of_each_pass_is_told_by_kind(virtual, running):
    told = []

    async def one_pass(_work, _at):
        await asyncio.sleep(0.25)
        return Next()

    async def scenario():
        engine = running(one_pass, observe=lambda kind, seconds: told.append((kind, seconds)))
        engine.queue.add(KEY, Cause.SPEC_CHANGED, 0.0)
        await asyncio.sleep(1)
        await engine.end()

    virtual(scenario())
    assert told == [("TokenCheck", pytest.approx(0.25))]


def test_durations_need_not_be_observed(virtual, running):
    async def one_pass(_work, _at):
        return Next()

    async def scenario():
        engine = running(one_pass)
        engine.queue.add(KEY, Cause.SPEC_CHANGED, 0.0)
        await asyncio.sleep(1)
        assert (engine.engine.stuck_s, engine.engine.loop_lag_s) == (0.0, 0.0)
        await engine.end()

    virtual(scenario())


def test_an_engine_that_was_idle_for_long_is_not_stuck_when_work_comes(virtual, running):
    async def one_pass(_work, _at):
        await asyncio.sleep(10)
        return Next()

    async def scenario():
        engine = running(one_pass)
        await asyncio.sleep(600)
        engine.queue.add(KEY, Cause.SPEC_CHANGED, now())
        await asyncio.sleep(5)
        assert engine.engine.stuck_s == pytest.approx(5.0)
        await engine.end()

    virtual(scenario())


def test_a_pass_that_names_no_moment_takes_the_earlier_one_away(virtual, running, wall):
    seen = []

    async def one_pass(work, _at):
        seen.append(work.causes)
        return Next()

    async def scenario():
        engine = running(one_pass)
        engine.queue.schedule(KEY, wall() + timedelta(seconds=60))
        engine.queue.add(KEY, Cause.SPEC_CHANGED, now())
        await asyncio.sleep(120)
        await engine.end()

    virtual(scenario())
    assert seen == [{Cause.SPEC_CHANGED}]
