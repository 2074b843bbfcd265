"""The promises of the queue under every order of calls, against a simple model."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.notice.queue import Queue

START = datetime(2026, 7, 1, tzinfo=UTC)
keys = st.builds(
    Key, st.just("TokenCheck"), st.sampled_from(["a", "b", "c"]), st.sampled_from("xyz")
)
causes = st.sampled_from([Cause.SECRET_CHANGED, Cause.SPEC_CHANGED, Cause.PODS_CHANGED])


class QueueMachine(RuleBasedStateMachine):
    @initialize()
    def start(self):
        self.ready_calls = 0
        self.queue = Queue(lambda: 0.5)
        self.queue.listen(on_ready=self.heard, on_earlier=lambda: None)
        self.wall, self.monotonic = START, 100.0
        self.running = {}
        self.owed = {}  # key -> causes that no pass has taken yet
        self.deadlines = {}
        self.taken = 0

    def heard(self):
        self.ready_calls += 1

    @rule(key=keys, cause=causes, delay=st.sampled_from([0.0, 0.0, 0.5, 3.0]))
    def add(self, key, cause, delay):
        self.queue.add(key, cause, self.monotonic, delay)
        self.owed.setdefault(key, set()).add(cause)

    @rule(key=keys, seconds=st.one_of(st.none(), st.integers(-5, 20)))
    def schedule(self, key, seconds):
        moment = None if seconds is None else self.wall + timedelta(seconds=seconds)
        self.queue.schedule(key, moment)
        self.deadlines[key] = moment
        if moment is None:
            del self.deadlines[key]

    @rule(seconds=st.integers(0, 10), step=st.sampled_from([0, 0, 0, 3600, -3600]))
    def time_passes(self, seconds, step):
        self.monotonic += seconds
        self.wall += timedelta(seconds=seconds + step)
        self.queue.release(self.wall, self.monotonic)
        for key, moment in list(self.deadlines.items()):
            if moment <= self.wall:
                del self.deadlines[key]
                self.owed.setdefault(key, set()).add(Cause.THRESHOLD)

    @rule()
    def take(self):
        work = self.queue.next()
        if work is None:
            assert self.ready_calls == self.taken, "a key was announced and is not there"
            return
        self.taken += 1
        assert work.key not in self.running, "two passes over one key"
        assert work.causes == self.owed.pop(work.key), "a cause was lost or made up"
        assert work.first_seen <= self.monotonic
        self.running[work.key] = work

    @rule(data=st.data(), well=st.booleans(), hold=st.sampled_from([0, 0, 0.5, 12]))
    def end(self, data, well, hold):
        if not self.running:
            return
        work = self.running.pop(data.draw(st.sampled_from(sorted(self.running))))
        if hold:
            self.queue.hold(work.key, self.monotonic + hold)
        if well:
            self.queue.done(work)
        else:
            self.queue.retry(work, self.monotonic)
            self.owed.setdefault(work.key, set()).update({*work.causes, Cause.RETRY})

    @invariant()
    def every_ready_key_was_announced(self):
        if hasattr(self, "queue"):
            assert self.queue.running == len(self.running)
            assert 0 <= self.ready_calls - self.taken <= self.queue.depth

    def teardown(self):
        """Nothing is lost: with time enough every cause is taken and every deadline fires."""
        if not hasattr(self, "queue"):
            return
        for _ in range(3):
            for work in list(self.running.values()):
                del self.running[work.key]
                self.queue.done(work)
            self.time_passes(7200, 0)
            for _ in range(20):
                self.take()
        assert not self.owed
        assert not self.deadlines
        for work in self.running.values():
            self.queue.done(work)
        assert (self.queue.depth, self.queue.running, self.queue.scheduled) == (0, 0, 0)


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 50)), min_size=1))
def test_a_namespace_waits_for_at_most_one_pass_of_each_other(wanted):
    queue = Queue(lambda: 0.5)
    for namespace, number in wanted:
        queue.add(Key("TokenCheck", namespace, str(number)), Cause.RESYNC, 0.0)
    served = [work.key.namespace for work in iter(queue.next, None)]
    assert len(served) == len(set(wanted))
    for namespace in set(served):
        places = [place for place, name in enumerate(served) if name == namespace]
        for before, after in pairwise([-1, *places]):
            between = served[before + 1 : after]
            assert all(between.count(other) <= 1 for other in set(between))


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=50, unique=True))
def test_deadlines_fire_in_the_order_of_their_moments(seconds):
    queue = Queue(lambda: 0.5)
    for second in seconds:
        key = Key("TokenCheck", "shop", str(second))
        queue.schedule(key, START + timedelta(seconds=second))
    queue.release(START + timedelta(seconds=1000), 0.0)
    fired = [int(work.key.name) for work in iter(queue.next, None)]
    assert fired == sorted(seconds)
