from datetime import UTC, datetime, timedelta

import pytest

from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.model.work import Work
from tokencheck.notice.queue import RELEASE_LIMIT, Queue

NOW = datetime(2026, 7, 1, tzinfo=UTC)
KEY = Key("TokenCheck", "shop", "checkout")
OTHER = Key("TokenCheck", "shop", "cart")


def queue(random=lambda: 0.5):
    return Queue(random)


def taken(q):
    work = q.next()
    assert work is not None
    return work


def test_causes_that_come_before_the_pass_become_one_pass():
    q = queue()
    q.add(KEY, Cause.SECRET_CHANGED, 10.0)
    q.add(KEY, Cause.PODS_CHANGED, 9.0)
    assert taken(q) == Work(
        key=KEY, causes=frozenset({Cause.SECRET_CHANGED, Cause.PODS_CHANGED}), first_seen=9.0
    )
    assert q.next() is None


def test_a_change_during_a_pass_waits_for_its_end_and_then_runs_again():
    q = queue()
    q.add(KEY, Cause.SECRET_CHANGED, 1.0)
    work = taken(q)
    q.add(KEY, Cause.SPEC_CHANGED, 2.0)
    assert q.next() is None
    assert (q.depth, q.running) == (1, 1)
    q.done(work)
    assert taken(q).causes == {Cause.SPEC_CHANGED}


def test_a_busy_namespace_does_not_hold_up_another():
    q = queue()
    for number in range(100):
        q.add(Key("TokenCheck", "loud", str(number)), Cause.RESYNC, 0.0)
    q.add(Key("TokenCheck", "quiet", "one"), Cause.SECRET_CHANGED, 1.0)
    assert [taken(q).key.namespace for _ in range(3)] == ["loud", "quiet", "loud"]


def test_a_deadline_fires_at_its_moment_and_not_before():
    q = queue()
    q.schedule(KEY, NOW + timedelta(seconds=5))
    q.release(NOW + timedelta(seconds=5, microseconds=-1), 0.0)
    assert q.next() is None
    q.release(NOW + timedelta(seconds=5), 77.0)
    assert taken(q) == Work(key=KEY, causes=frozenset({Cause.THRESHOLD}), first_seen=77.0)


def test_a_new_deadline_replaces_the_earlier_one():
    q = queue()
    q.schedule(KEY, NOW + timedelta(seconds=1))
    q.schedule(KEY, NOW + timedelta(seconds=9), Cause.RESYNC)
    q.release(NOW + timedelta(seconds=8), 0.0)
    assert q.next() is None
    q.release(NOW + timedelta(seconds=9), 0.0)
    assert taken(q).causes == {Cause.RESYNC}


def test_a_deadline_can_be_taken_away():
    q = queue()
    q.schedule(KEY, NOW)
    q.schedule(KEY, None)
    q.release(NOW, 0.0)
    assert q.next() is None
    assert q.seconds_to_next(NOW, 0.0) is None


def test_a_deadline_that_fires_during_a_pass_is_not_lost():
    q = queue()
    q.add(KEY, Cause.SPEC_CHANGED, 0.0)
    work = taken(q)
    q.schedule(KEY, NOW)
    q.release(NOW, 0.0)
    assert q.next() is None
    q.done(work)
    assert taken(q).causes == {Cause.THRESHOLD}


def test_a_delayed_cause_waits_and_the_shortest_delay_counts():
    q = queue()
    q.add(KEY, Cause.PODS_CHANGED, 10.0, delay=5.0)
    q.add(KEY, Cause.WORKLOAD_CHANGED, 11.0, delay=1.0)
    q.add(KEY, Cause.PODS_CHANGED, 11.0, delay=30.0)
    assert q.seconds_to_next(NOW, 11.0) == pytest.approx(1.0)
    q.release(NOW, 11.9)
    assert q.next() is None
    q.release(NOW, 12.0)
    assert taken(q) == Work(
        key=KEY, causes=frozenset({Cause.PODS_CHANGED, Cause.WORKLOAD_CHANGED}), first_seen=10.0
    )


def test_a_pass_takes_delayed_causes_along():
    q = queue()
    q.add(KEY, Cause.PODS_CHANGED, 10.0, delay=5.0)
    q.add(KEY, Cause.SECRET_CHANGED, 11.0)
    work = taken(q)
    assert work.causes == {Cause.PODS_CHANGED, Cause.SECRET_CHANGED}
    q.done(work)
    assert not q.release(NOW, 100.0)
    assert q.next() is None


@pytest.mark.parametrize("random", [0.0, 0.5, 1.0])
def test_retries_come_ever_later_between_a_tenth_of_a_second_and_a_minute(random):
    q = queue(lambda: random)
    q.add(KEY, Cause.SECRET_CHANGED, 0.0)
    waits, now = [], 0.0
    for _ in range(40):
        work = taken(q)
        assert work.causes >= {Cause.SECRET_CHANGED}
        assert work.first_seen == 0.0
        q.retry(work, now)
        wait = q.seconds_to_next(NOW, now)
        waits.append(round(wait, 6))
        now += wait + 1e-6
        q.release(NOW, now)
    assert waits == sorted(waits)
    assert 0.1 <= waits[0] <= 0.2
    assert 30.0 <= waits[-1] <= 60.0


def test_success_makes_the_next_failure_a_first_one():
    q = queue()
    for _ in range(5):
        q.add(KEY, Cause.SECRET_CHANGED, 0.0)
        q.retry(taken(q), 0.0)
    q.add(KEY, Cause.SECRET_CHANGED, 0.0)
    q.done(taken(q))
    q.add(KEY, Cause.SECRET_CHANGED, 0.0)
    q.retry(taken(q), 0.0)
    assert q.seconds_to_next(NOW, 0.0) < 0.2


def test_a_change_does_not_wait_for_the_retry():
    q = queue()
    q.add(KEY, Cause.SECRET_CHANGED, 1.0)
    q.retry(taken(q), 1.0)
    q.add(KEY, Cause.SPEC_CHANGED, 1.05)
    work = taken(q)
    assert work.causes == {Cause.SECRET_CHANGED, Cause.RETRY, Cause.SPEC_CHANGED}
    q.done(work)
    assert q.scheduled == 0


def test_a_step_of_the_wall_clock_does_not_hold_up_a_retry():
    q = queue()
    q.add(KEY, Cause.SECRET_CHANGED, 1.0)
    q.retry(taken(q), 1.0)
    q.release(NOW - timedelta(days=1), 2.0)
    assert taken(q).key == KEY


def test_the_next_moment_is_the_earlier_of_deadline_and_delay_and_never_negative():
    q = queue()
    q.schedule(KEY, NOW + timedelta(seconds=3))
    assert q.seconds_to_next(NOW, 0.0) == pytest.approx(3.0)
    q.add(OTHER, Cause.PODS_CHANGED, 0.0, delay=2.0)
    assert q.seconds_to_next(NOW, 0.0) == pytest.approx(2.0)
    assert q.seconds_to_next(NOW + timedelta(hours=1), 0.0) == 0.0


def test_ten_thousand_deadlines_of_one_moment_are_released_in_pieces():
    q = queue()
    for number in range(RELEASE_LIMIT * 2 + 1):
        q.schedule(Key("TokenCheck", "shop", str(number)), NOW)
    assert q.release(NOW, 0.0)
    assert q.depth == RELEASE_LIMIT
    assert q.release(NOW, 0.0)
    assert not q.release(NOW, 0.0)
    assert q.depth == RELEASE_LIMIT * 2 + 1


def test_the_oldest_age_counts_from_when_a_key_became_due_and_not_from_when_its_story_began():
    q = queue()
    assert q.oldest_age(5.0) == 0.0
    q.add(KEY, Cause.SECRET_CHANGED, 1.0)
    assert q.oldest_age(5.0) == 4.0
    q.retry(taken(q), 5.0)
    assert q.oldest_age(1000.0) == 0.0
    q.release(NOW, 1000.0)
    assert q.oldest_age(1001.0) == 1.0


def test_listeners_hear_of_each_ready_key_once_and_of_earlier_moments_only():
    heard = []
    q = queue()
    q.listen(on_ready=lambda: heard.append("ready"), on_earlier=lambda: heard.append("earlier"))
    q.add(KEY, Cause.SECRET_CHANGED, 0.0)
    q.add(KEY, Cause.SPEC_CHANGED, 0.0)
    work = taken(q)
    q.add(KEY, Cause.SPEC_CHANGED, 0.0)
    assert heard == ["ready"]
    q.done(work)
    assert heard == ["ready", "ready"]
    q.schedule(KEY, NOW + timedelta(seconds=9))
    q.schedule(OTHER, NOW + timedelta(seconds=10))
    assert heard == ["ready", "ready", "earlier"]
    q.schedule(OTHER, NOW + timedelta(seconds=1))
    assert heard == ["ready", "ready", "earlier", "earlier"]


def test_changes_of_a_key_that_is_held_wait_for_its_moment():
    q = queue()
    q.add(KEY, Cause.SECRET_CHANGED, 1.0)
    work = taken(q)
    q.add(KEY, Cause.SECRET_CHANGED, 1.1)  # during the pass
    q.hold(KEY, 3.0)
    q.done(work)
    q.add(KEY, Cause.PODS_CHANGED, 1.5)
    q.add(KEY, Cause.SPEC_CHANGED, 1.6, delay=0.1)
    q.release(NOW, 2.9)
    assert q.next() is None
    assert q.seconds_to_next(NOW, 2.0) == 1.0
    q.release(NOW, 3.0)
    assert taken(q) == Work(
        key=KEY,
        causes=frozenset({Cause.SECRET_CHANGED, Cause.PODS_CHANGED, Cause.SPEC_CHANGED}),
        first_seen=1.1,
    )


def test_a_deadline_of_a_key_that_is_held_fires_at_its_moment_and_takes_the_changes_along():
    q = queue()
    q.add(KEY, Cause.SECRET_CHANGED, 1.0)
    work = taken(q)
    q.hold(KEY, 9.0)
    q.schedule(KEY, NOW + timedelta(seconds=1))
    q.done(work)
    q.add(KEY, Cause.PODS_CHANGED, 1.5)
    q.release(NOW + timedelta(seconds=1), 2.0)
    assert taken(q).causes == {Cause.THRESHOLD, Cause.PODS_CHANGED}


def test_a_deadline_that_came_during_the_pass_is_not_held():
    q = queue()
    q.add(KEY, Cause.SECRET_CHANGED, 1.0)
    q.schedule(KEY, NOW)
    work = taken(q)
    q.release(NOW, 1.2)
    q.hold(KEY, 9.0)
    q.done(work)
    assert taken(q).causes == {Cause.THRESHOLD}


def test_a_delay_that_ends_while_its_key_is_held_waits_on():
    q = queue()
    q.add(KEY, Cause.SECRET_CHANGED, 1.0)
    work = taken(q)
    q.add(KEY, Cause.PODS_CHANGED, 1.0, delay=0.5)
    q.hold(KEY, 4.0)
    q.done(work)
    q.release(NOW, 2.0)
    assert q.next() is None
    q.release(NOW, 4.0)
    assert taken(q).causes == {Cause.PODS_CHANGED}


def test_another_key_is_not_held_and_a_hold_ends_with_the_next_pass():
    q = queue()
    q.add(KEY, Cause.SECRET_CHANGED, 1.0)
    work = taken(q)
    q.hold(KEY, 4.0)
    q.done(work)
    q.add(OTHER, Cause.SECRET_CHANGED, 1.1)
    assert taken(q).key == OTHER
    q.add(KEY, Cause.SECRET_CHANGED, 1.2)
    q.release(NOW, 4.0)
    q.done(taken(q))
    q.add(KEY, Cause.SECRET_CHANGED, 1.3)
    assert taken(q).key == KEY
