"""What answers can tell of the clock of the one who gives them, and no more."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.clocks.skew import NOTABLE_S, Skew, skew_of, skew_of_answer

START = datetime(2026, 7, 1, 12, tzinfo=UTC)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def answer(sent_s: float, way_s: float, back_s: float, skew_s: float) -> Skew:
    """What we make of an answer of a server whose clock is ahead by `skew_s`."""
    sent = START + seconds(sent_s)
    told = (sent + seconds(way_s + skew_s)).replace(microsecond=0)
    return skew_of_answer(told, sent, sent + seconds(way_s + back_s))


ways = st.floats(0, 3)
skews = st.floats(-100_000, 100_000)
answers = st.lists(st.tuples(st.floats(0, 100), ways, ways), min_size=1, max_size=20)


@given(answers, skews)
def test_the_true_skew_is_never_outside_of_what_is_told(made, true_s) -> None:
    skew = skew_of(answer(*one, true_s) for one in made)
    assert skew is not None
    assert skew.least_s - 1e-5 <= true_s <= skew.most_s + 1e-5
    assert abs(true_s) > NOTABLE_S or not skew.notable


@given(answers, st.floats(-0.9, 0.9))
def test_clocks_that_nearly_agree_are_never_notable(made, true_s) -> None:
    skew = skew_of(answer(*one, true_s) for one in made)
    assert not skew.notable
    assert abs(skew.likely_s - true_s) <= skew.most_s - skew.least_s + 1e-5
    assert skew.likely_s == 0.0 or skew.least_s > 0.0 or skew.most_s < 0.0


@pytest.mark.parametrize("true_s", [3.5, -3.5, 60.0, -3600.0, 86_400.0])
def test_a_large_skew_is_told_by_the_first_answer(true_s: float) -> None:
    skew = skew_of([answer(0.4, 0.01, 0.01, true_s)])
    assert skew.notable
    assert abs(skew.likely_s - true_s) <= 1.0


def test_more_answers_tell_more() -> None:
    tenths = [answer(number / 10, 0.01, 0.01, 5.0) for number in range(10)]
    few, many = skew_of(tenths[:1]), skew_of(tenths)
    assert many.most_s - many.least_s < 0.2 < few.most_s - few.least_s


def test_an_answer_from_before_a_clock_was_set_counts_no_more() -> None:
    newest, oldest = answer(60, 0.01, 0.01, 3600.0), answer(0, 0.01, 0.01, 0.0)
    assert skew_of([newest, oldest]) == newest
    assert skew_of([newest, oldest, newest]) == newest


def test_without_an_answer_nothing_is_known() -> None:
    assert skew_of([]) is None
