"""A time is written so that the API server takes it, and read back as it was."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.api.quantity import format_time, parse_time


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_time_is_read_back_to_the_second(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment.replace(microsecond=0)


def test_a_year_has_four_digits() -> None:
    assert format_time(datetime(1, 2, 3, tzinfo=UTC)) == "0001-02-03T00:00:00Z"
