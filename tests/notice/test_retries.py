"""Retries come soon for a few, and rarely for each of many."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.notice.queue import Queue
from tokencheck.notice.retries import LAST_S, UNREAD_S, last_unread_s, wait_s

NOW = datetime(2026, 7, 1, tzinfo=UTC)
chances = st.floats(min_value=0.0, max_value=1.0)
numbers = st.integers(min_value=1, max_value=100_000)


@given(numbers, chances, st.floats(min_value=0.2, max_value=LAST_S))
def test_a_pause_is_at_least_half_of_its_limit_and_never_above_it(failures, chance, last_s):
    assert 0.1 <= wait_s(failures, chance, last_s=last_s) <= last_s
    if failures >= 10:
        assert wait_s(failures, chance, last_s=last_s) >= last_s / 2


@given(chances)
def test_the_first_retry_comes_within_a_fifth_of_a_second(chance):
    assert wait_s(1, chance) <= 0.2


@given(numbers, numbers)
def test_the_more_checks_cannot_be_read_the_longer_each_waits_up_to_a_minute(one, other):
    fewer, more = sorted((one, other))
    assert UNREAD_S <= last_unread_s(fewer) <= last_unread_s(more) <= LAST_S


@pytest.mark.parametrize("count", [1, 100, 1000, 10_000])
def test_checks_that_cannot_be_read_try_again_often_each_and_rarely_together(count):
    """Ten thousand cost less than a quarter of the requests that a process may send."""
    queue = Queue(Random(7).random)  # noqa: S311 - spreads load, guards nothing
    for number in range(count):
        queue.add(Key("TokenCheck", "shop", str(number)), Cause.SECRET_CHANGED, 0.0)
    now, tries, measured_from, until = 0.0, 0, 120.0, 150.0
    while now < until:
        while queue.release(NOW, now):
            pass
        while (work := queue.next()) is not None:
            tries += now >= measured_from
            queue.retry(work, now, unread=True)
        now += max(0.05, queue.seconds_to_next(NOW, now) or 0.0)
    per_second = tries / (until - measured_from)
    assert per_second <= max(75.0, count / 40)
    longest_s = max(UNREAD_S, min(LAST_S, count / 50))
    assert tries >= count * int((until - measured_from) / (longest_s + 0.05))


def test_a_check_that_is_read_again_no_longer_counts_among_those_that_are_not():
    queue = Queue(lambda: 1.0)
    crowd = [Key("TokenCheck", "shop", str(number)) for number in range(1000)]
    for key in crowd:
        queue.add(key, Cause.SECRET_CHANGED, 0.0)
        work = queue.next()
        assert work is not None
        queue.retry(work, 0.0, unread=True)
    while queue.release(NOW, 1.0):
        pass
    while (work := queue.next()) is not None:
        queue.done(work)
    last = crowd[0]
    for _ in range(10):
        queue.add(last, Cause.SECRET_CHANGED, 2.0)
        work = queue.next()
        assert work is not None
        queue.retry(work, 2.0, unread=True)
    assert queue.seconds_to_next(NOW, 2.0) == pytest.approx(UNREAD_S)


def test_what_failed_otherwise_still_waits_up_to_a_minute():
    queue = Queue(lambda: 1.0)
    queue.add(Key("TokenCheck", "shop", "web"), Cause.SECRET_CHANGED, 0.0)
    now = 0.0
    for _ in range(12):
        work = queue.next()
        assert work is not None
        queue.retry(work, now)
        wait = queue.seconds_to_next(NOW, now)
        assert wait is not None
        now += wait + 0.001
        queue.release(NOW, now)
    assert wait == pytest.approx(LAST_S)
