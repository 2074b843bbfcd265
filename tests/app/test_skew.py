"""The API server's clock is compared with ours now and then, and said once to be far off."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tokencheck.app.skew import KEPT, ApiServerClock
from tokencheck.clients.kube.answers import Answer
from tokencheck.engine.clock import Clock

START = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Machines:
    """Ours and the API server's, whose clock is ahead by `ahead_s`."""

    def __init__(self) -> None:
        self.passed_s, self.ours_s, self.ahead_s = 0.0, 0.0, 0.0
        clock = Clock(wall=self._ours, monotonic=lambda: self.passed_s)
        self.theirs = ApiServerClock(clock)

    def _ours(self) -> datetime:
        return START + timedelta(seconds=self.passed_s + self.ours_s)

    def answers(self, times: int = 1) -> None:
        for _ in range(times):
            self.passed_s += 1.3
            told = START + timedelta(seconds=self.passed_s + self.ahead_s)
            date = format_datetime(told, usegmt=True)
            self.theirs.hear(Answer(status=200, body=b"", date=date), 0.01)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_a_skew_is_said_once_with_what_to_do_and_once_that_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    machines = Machines()
    machines.answers(5)
    assert (machines.theirs.skew_s, said(caplog)) == (0.0, [])
    machines.ahead_s = 10.0
    machines.answers(50)
    assert abs(machines.theirs.skew_s - 10.0) < 0.5
    (line,) = said(caplog)
    assert "ahead of ours" in line
    assert "NTP" in line
    machines.ahead_s = 0.0
    machines.answers(50)
    assert len(said(caplog)) == 2
    assert "agree again" in said(caplog)[1]


def test_our_own_clock_that_is_set_is_seen_at_the_next_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    machines = Machines()
    machines.answers(KEPT)
    machines.ours_s = 3600.0
    machines.answers()
    assert abs(machines.theirs.skew_s + 3600.0) < 1.0
    assert "behind ours" in said(caplog)[0]


def test_answers_of_the_same_second_are_not_looked_at() -> None:
    machines = Machines()
    machines.answers()
    machines.passed_s += 0.5
    garbage = Answer(status=200, body=b"", date="Thu, 01 Jan 1970 00:00:00 GMT")
    machines.theirs.hear(garbage, 0.0)
    assert machines.theirs.skew_s == 0.0


@pytest.mark.parametrize("date", ["", "yesterday", "Wed, 01 Jul 2026 12:00:00 -0000"])
def test_an_answer_that_does_not_tell_the_time_tells_nothing(date: str) -> None:
    machines = Machines()
    machines.passed_s += 60
    machines.theirs.hear(Answer(status=200, body=b"", date=date), 0.0)
    assert machines.theirs.skew_s == 0.0
