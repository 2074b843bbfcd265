"""Under every mix of changes, deadlines, failures and clock steps the engine keeps its promises."""

import asyncio
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.model.work import Next

keys = st.builds(Key, st.just("TokenCheck"), st.sampled_from("ab"), st.sampled_from("xy"))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("change"), keys, st.floats(0, 0.5)),
        st.tuples(st.just("fail"), keys, st.floats(0, 0.5)),
        st.tuples(st.just("deadline"), keys, st.floats(0, 5)),
        st.tuples(st.just("step"), keys, st.floats(-10, 10)),
        st.tuples(st.just("wait"), keys, st.floats(0, 2)),
    ),
    max_size=25,
)


class World:
    """What is changed and wanted, and a pass that sees it."""

    def __init__(self):
        self.inside, self.changed, self.seen, self.to_fail, self.wanted = set(), {}, {}, {}, {}

    async def one_pass(self, work, at):
        assert work.key not in self.inside, "two passes over one key"
        self.inside.add(work.key)
        try:
            value, deadline = self.changed.get(work.key), self.wanted.get(work.key)
            await asyncio.sleep(0.02)
            if self.to_fail.get(work.key, 0):
                self.to_fail[work.key] -= 1
                raise RuntimeError
            self.seen[work.key] = value
            if deadline is not None and deadline <= at:
                self.wanted.pop(work.key, None)
            return Next(wake_at=self.wanted.get(work.key))
        finally:
            self.inside.discard(work.key)

    async def apply(self, number, step, queue, wall):
        what, key, amount = step
        if what == "wait":
            await asyncio.sleep(amount)
        elif what == "step":
            wall.step(amount)
        elif what == "deadline":
            self.wanted[key] = wall() + timedelta(seconds=amount)
            queue.add(key, Cause.SPEC_CHANGED, asyncio.get_running_loop().time())
        else:
            self.to_fail[key] = self.to_fail.get(key, 0) + (what == "fail")
            self.changed[key] = number
            queue.add(key, Cause.SECRET_CHANGED, asyncio.get_running_loop().time())


@given(steps=steps)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_two_passes_per_key_and_no_change_or_deadline_lost(virtual, running, wall, steps):
    async def scenario():
        world = World()
        engine = running(world.one_pass, workers=3)
        for number, step in enumerate(steps):
            await world.apply(number, step, engine.queue, wall)
        await asyncio.sleep(400)
        await engine.end()
        assert {key: world.seen.get(key) for key in world.changed} == world.changed
        assert world.wanted == {}
        assert sum(world.to_fail.values()) == 0
        assert engine.engine.passes_failed == sum(what == "fail" for what, _, _ in steps)
        assert (engine.queue.depth, engine.queue.running, engine.queue.scheduled) == (0, 0, 0)

    virtual(scenario())


arrivals = st.lists(
    st.tuples(st.sampled_from("abc"), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30
)


@given(arrivals=arrivals, workers=st.integers(1, 6))
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_namespace_takes_more_workers_than_it_leaves_and_no_key_is_passed_over_for_good(
    virtual, running, arrivals, workers
):
    """A namespace has at most as many passes as workers are left; each key gets its pass."""
    inside, seen = [], set()

    async def one_pass(work, _at):
        inside.append(work.key.namespace)
        assert inside.count(work.key.namespace) <= workers - len(inside) + 1
        await asyncio.sleep(arrivals[int(work.key.name)][2])
        inside.remove(work.key.namespace)
        seen.add(work.key.name)
        return Next()

    async def scenario():
        engine = running(one_pass, workers=workers)
        loop = asyncio.get_running_loop()
        for number, (namespace, at, _) in enumerate(arrivals):
            key = Key("TokenCheck", namespace, str(number))
            loop.call_later(at, engine.queue.add, key, Cause.SPEC_CHANGED, at)
        await asyncio.sleep(len(arrivals) + 2)  # as if there were one worker
        await engine.end()
        assert seen == {str(number) for number in range(len(arrivals))}

    virtual(scenario())
