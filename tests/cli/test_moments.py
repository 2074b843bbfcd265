"""Distances from now, as the command line adds them to times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.cli.moments import age, aged, moment_of, relative
from tokencheck.model.errors import UsageError

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("distance", "told"),
    [
        (timedelta(hours=3), "in 3 h"),
        (timedelta(hours=-3), "3 h ago"),
        (timedelta(days=2, hours=4, minutes=5), "in 2 d 4 h"),
        (timedelta(), "now"),
    ],
)
def test_a_distance_is_told_with_its_direction(distance, told):
    assert relative(NOW + distance, NOW) == told


def test_every_time_in_a_message_gets_its_distance():
    text = "ends at 2026-11-24T13:00:00Z, which warns since 2026-11-24T11:00:00Z (warnBefore)"
    assert aged(text, NOW) == (
        "ends at 2026-11-24T13:00:00Z (in 1 h), which warns since 2026-11-24T11:00:00Z (1 h ago)"
        " (warnBefore)"
    )


def test_a_time_that_cannot_be_stays_as_it_is():
    assert aged("at 2026-99-24T13:00:00Z", NOW) == "at 2026-99-24T13:00:00Z"


def test_an_age_is_short():
    assert age("2026-11-22T11:00:00Z", NOW) == "2d1h"
    assert age(None, NOW) == ""


def test_at_is_a_time_or_a_distance():
    assert moment_of("2027-01-31T00:00:00Z", NOW) == datetime(2027, 1, 31, tzinfo=UTC)
    assert moment_of("+14d", NOW) == NOW + timedelta(days=14)
    assert moment_of(None, NOW) == NOW


@given(st.text(max_size=40))
def test_whatever_at_holds_is_a_moment_or_a_usage_error(text):
    try:
        moment = moment_of(text, NOW)
    except UsageError:
        return
    assert moment.tzinfo is not None


@pytest.mark.parametrize("text", ["tomorrow", "+14", "-14d", ""])
def test_what_is_no_time_is_not_repeated(text):
    with pytest.raises(UsageError) as refused:
        moment_of(text, NOW)
    assert "2027-01-31T00:00:00Z" in str(refused.value)
