import asyncio
import logging
from datetime import timedelta
from itertools import pairwise

import pytest

from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.model.work import Next

KEY = Key("TokenCheck", "shop", "checkout")


def keys(count, namespace="shop"):
    return [Key("TokenCheck", namespace, f"c{number}") for number in range(count)]


def now():
    return asyncio.get_running_loop().time()


def test_what_is_due_is_run_at_once_with_the_time_of_day(virtual, running, wall):
    seen = []

    async def one_pass(work, at):
        seen.append((work.key, at == wall(), now()))
        return Next()

    async def scenario():
        engine = running(one_pass)
        await asyncio.sleep(5)
        engine.queue.add(KEY, Cause.SECRET_CHANGED, now())
        await asyncio.sleep(0.001)
        await engine.end()

    virtual(scenario())
    assert seen == [(KEY, True, 5.0)]


def test_nothing_runs_before_the_gate_opens(virtual, running):
    seen = []

    async def one_pass(work, _at):
        seen.append(work.key)
        return Next()

    async def scenario():
        engine = running(one_pass, gate_open=False)
        engine.queue.add(KEY, Cause.SPEC_CHANGED, 0.0)
        await asyncio.sleep(60)
        assert (seen, engine.engine.stuck_s) == ([], 0.0)
        engine.gate.set()
        await asyncio.sleep(0.01)
        assert seen == [KEY]
        await engine.end()

    virtual(scenario())


def test_a_deadline_is_met_to_the_millisecond(virtual, running, wall):
    late = []

    async def one_pass(work, at):
        if work.causes == {Cause.THRESHOLD}:
            late.append((at - deadline).total_seconds())
            return Next()
        return Next(wake_at=deadline)

    async def scenario():
        nonlocal deadline
        deadline = wall() + timedelta(seconds=123.4567)
        engine = running(one_pass)
        engine.queue.add(KEY, Cause.SPEC_CHANGED, now())
        await asyncio.sleep(200)
        await engine.end()

    deadline = None
    virtual(scenario())
    assert len(late) == 1
    assert 0 <= late[0] <= 0.002


def test_an_earlier_deadline_that_is_set_while_the_timer_sleeps_is_met_too(virtual, running, wall):
    seen = []

    async def one_pass(work, _at):
        seen.append((work.key.name, round(now(), 2)))
        return Next()

    async def scenario():
        engine = running(one_pass)
        first, second = keys(2)
        engine.queue.schedule(first, wall() + timedelta(seconds=0.9))
        await asyncio.sleep(0.1)
        engine.queue.schedule(second, wall() + timedelta(seconds=0.2))
        await asyncio.sleep(2)
        await engine.end()

    virtual(scenario())
    assert seen == [("c1", 0.3), ("c0", 0.9)]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param(3600, (10.0, 11.0), id="forward: noticed within a second"),
        pytest.param(-3600, (5400.0, 5400.01), id="back: waits for the moment itself"),
        pytest.param(0, (1800.0, 1800.01), id="none"),
    ],
)
def test_a_step_of_the_wall_clock_is_corrected(virtual, running, wall, step, expected):
    fired = []

    async def one_pass(_work, _at):
        fired.append(now())
        return Next()

    async def scenario():
        engine = running(one_pass)
        engine.queue.schedule(KEY, wall() + timedelta(seconds=1800))
        await asyncio.sleep(10)
        wall.step(step)
        await asyncio.sleep(7200)
        await engine.end()

    virtual(scenario())
    assert len(fired) == 1
    assert expected[0] <= fired[0] <= expected[1]


def test_ten_thousand_deadlines_of_one_moment_all_run_and_leave_room_for_a_change(
    virtual, running, wall
):
    order = []

    async def one_pass(work, _at):
        order.append(work.key.namespace)
        return Next()

    async def scenario():
        engine = running(one_pass)
        for key in keys(10_000, "many"):
            engine.queue.schedule(key, wall() + timedelta(seconds=1))
        engine.queue.schedule(Key("TokenCheck", "few", "one"), wall() + timedelta(seconds=1))
        asyncio.get_running_loop().call_at(
            1.0, engine.queue.add, Key("TokenCheck", "live", "one"), Cause.SECRET_CHANGED, 1.0
        )
        await asyncio.sleep(3)
        await engine.end()

    virtual(scenario())
    assert len(order) == 10_002
    assert order.index("live") < 2_000


def test_an_error_is_counted_named_by_class_only_and_tried_again(virtual, running, caplog):
    attempts = []

    async def one_pass(_work, _at):
        attempts.append(now())
        if len(attempts) < 4:
            raise ValueError("eyJhbGciOi-secret")
        return Next()

    async def scenario():
        engine = running(one_pass)
        engine.queue.add(KEY, Cause.SECRET_CHANGED, now())
        await asyncio.sleep(60)
        assert engine.engine.passes_failed == 3
        await engine.end()

    with caplog.at_level(logging.DEBUG):
        virtual(scenario())
    gaps = [after - before for before, after in pairwise(attempts)]
    assert len(gaps) == 3
    assert gaps == sorted(gaps)
    assert "ValueError" in caplog.text
    assert str(KEY) in caplog.text
    assert "eyJ" not in caplog.text


def test_a_pass_that_gives_nonsense_back_kills_no_worker(virtual, running, wall):
    answers = [None, Next(wake_at=wall.naive), Next()]

    async def one_pass(_work, _at):
        return answers.pop(0)

    async def scenario():
        engine = running(one_pass, workers=1)
        engine.queue.add(KEY, Cause.SPEC_CHANGED, 0.0)
        await asyncio.sleep(5)
        assert (answers, engine.engine.passes_failed) == ([], 2)
        await engine.end()

    virtual(scenario())


def test_a_pass_of_an_unknown_kind_kills_no_worker(virtual, running):
    seen = []

    async def one_pass(work, _at):
        seen.append(work.key)
        return Next()

    async def scenario():
        engine = running(one_pass, workers=1)
        engine.queue.add(Key("Strange", "shop", "x"), Cause.SPEC_CHANGED, 0.0)
        engine.queue.add(KEY, Cause.SPEC_CHANGED, 0.0)
        await asyncio.sleep(0.05)
        await engine.end()

    virtual(scenario())
    assert seen == [KEY]


def test_a_pass_whose_inner_task_is_cancelled_kills_no_worker(virtual, running):
    attempts = []

    async def one_pass(_work, _at):
        attempts.append(now())
        if len(attempts) == 1:
            inner = asyncio.ensure_future(asyncio.sleep(10))
            inner.cancel()
            await inner
        return Next()

    async def scenario():
        engine = running(one_pass, workers=1)
        engine.queue.add(KEY, Cause.SPEC_CHANGED, 0.0)
        await asyncio.sleep(5)
        assert engine.engine.passes_failed == 1
        await engine.end()

    virtual(scenario())
    assert len(attempts) == 2


def test_a_pass_that_hangs_is_ended_and_tried_again(virtual, running):
    attempts = []

    async def one_pass(_work, _at):
        attempts.append(now())
        if len(attempts) == 1:
            await asyncio.Event().wait()
        return Next()

    async def scenario():
        engine = running(one_pass, workers=1, pass_timeout_s=30.0)
        engine.queue.add(KEY, Cause.SPEC_CHANGED, 0.0)
        await asyncio.sleep(29)
        assert engine.engine.stuck_s == pytest.approx(29.0)
        await asyncio.sleep(31)
        assert engine.engine.stuck_s == 0.0
        await engine.end()

    virtual(scenario())
    assert len(attempts) == 2
    assert attempts[1] == pytest.approx(30.15)


def test_a_pass_that_asks_for_a_retry_gets_it_and_keeps_its_deadline(virtual, running, wall):
    seen = []

    async def one_pass(work, at):
        seen.append((round(now(), 2), Cause.RETRY in work.causes))
        wake_at = at + timedelta(seconds=5) if len(seen) == 1 else None
        if len(seen) == 1:
            return Next(wake_at=wake_at, retry=True)
        return Next(wake_at=wall() + timedelta(seconds=5) if len(seen) == 2 else None)

    async def scenario():
        engine = running(one_pass)
        engine.queue.add(KEY, Cause.SPEC_CHANGED, 0.0)
        await asyncio.sleep(60)
        assert engine.engine.passes_failed == 0
        await engine.end()

    virtual(scenario())
    assert seen == [(0.0, False), (0.15, True), (5.15, False)]


def test_a_pass_that_always_wants_the_past_does_not_spin(virtual, running):
    count = 0

    async def one_pass(_work, at):
        nonlocal count
        count += 1
        return Next(wake_at=at - timedelta(days=1))

    async def scenario():
        engine = running(one_pass)
        engine.queue.add(KEY, Cause.SPEC_CHANGED, 0.0)
        await asyncio.sleep(10)
        await engine.end()

    virtual(scenario())
    assert 150 <= count <= 201


def test_one_key_never_runs_twice_at_a_time_and_its_last_change_is_always_seen(virtual, running):
    state = {key: 0 for key in keys(3)}
    seen, inside = dict(state), set()

    async def one_pass(work, _at):
        assert work.key not in inside
        inside.add(work.key)
        value = state[work.key]
        await asyncio.sleep(0.03)
        seen[work.key] = value
        inside.discard(work.key)
        return Next()

    async def scenario():
        engine = running(one_pass, workers=4)
        for number in range(300):
            key = keys(3)[number % 3]
            state[key] = number
            engine.queue.add(key, Cause.SECRET_CHANGED, now())
            await asyncio.sleep(0.004)
        await asyncio.sleep(1)
        assert engine.engine.passes_failed == 0
        await engine.end()

    virtual(scenario())
    assert seen == state


def test_passes_that_hang_in_some_namespaces_leave_workers_to_all_others(virtual, running):
    seen = {}

    async def one_pass(work, _at):
        if work.key.namespace != "shop":
            await asyncio.sleep(50)
        seen.setdefault(work.key.namespace, []).append(now())
        return Next()

    async def scenario():
        engine = running(one_pass, workers=24)
        for namespace in ("hung-1", "hung-2", "hung-3", "hung-4"):
            for key in keys(100, namespace):
                engine.queue.add(key, Cause.SPEC_CHANGED, now())
        await asyncio.sleep(1)
        for key in keys(50):
            engine.queue.add(key, Cause.SPEC_CHANGED, now())
        await asyncio.sleep(1)
        await engine.end()

    virtual(scenario())
    assert seen == {"shop": [1.0] * 50}


def test_the_end_of_a_pass_wakes_a_second_worker_when_two_namespaces_may_go_on(virtual, running):
    began = {}

    async def one_pass(work, _at):
        began[str(work.key)] = now()
        await asyncio.sleep(1 if work.key == Key("TokenCheck", "a", "c0") else 5)
        return Next()

    async def scenario():
        engine = running(one_pass, workers=4)
        for key in (*keys(1, "a"), *keys(2, "b"), *keys(2, "c")):
            engine.queue.add(key, Cause.SPEC_CHANGED, now())
        await asyncio.sleep(0.5)
        late = Key("TokenCheck", "a", "late")
        engine.queue.add(late, Cause.SPEC_CHANGED, now())
        await asyncio.sleep(0.1)
        assert len(began) == 3  # one of each; a second one would leave no worker to others
        await asyncio.sleep(1)
        assert (began[str(Key("TokenCheck", "b", "c1"))], began[str(late)]) == (1.0, 1.0)
        await engine.end()

    virtual(scenario())
