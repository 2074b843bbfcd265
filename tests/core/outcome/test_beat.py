"""Every check is looked at again on a beat of its own, whatever else happens."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.outcome.beat import next_beat

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001 made aware
    lambda moment: moment.replace(tzinfo=UTC)
)


def check(uid: str, seconds: int = 600) -> TokenCheck:
    spec = {"workloadRef": {"kind": "Deployment", "name": "a"}, "interval": f"{seconds}s"}
    return parse_tokencheck({"metadata": {"uid": uid}, "spec": spec})


@given(uid=st.text(), seconds=st.integers(30, 99_999), now=MOMENTS)
def test_the_next_beat_is_to_come_and_never_more_than_an_interval_away(
    uid: str, seconds: int, now: datetime
) -> None:
    moment = next_beat(check(uid, seconds), now)
    assert timedelta() < moment - now <= timedelta(seconds=seconds)
    # A pass in between, for another cause, does not put it off; the beat itself leads to the next.
    assert next_beat(check(uid, seconds), now + (moment - now) / 2) == moment
    assert next_beat(check(uid, seconds), moment) == moment + timedelta(seconds=seconds)


def test_checks_that_were_seen_at_the_same_moment_are_spread_over_the_interval() -> None:
    beats = [next_beat(check(f"uid-{number}"), NOW) for number in range(1000)]
    each_minute = [
        sum(NOW + timedelta(minutes=m) < beat <= NOW + timedelta(minutes=m + 1) for beat in beats)
        for m in range(10)
    ]
    assert sum(each_minute) == 1000
    assert max(each_minute) < 150
