"""What a process that starts tells again of a stored status, and under which names."""

import pytest
from core_outcome_builders import START, Life, assessed, failing, finding, passing, rollout, seconds

from tokencheck.clients.kube.events import name_of
from tokencheck.core.outcome.transitions import RETOLD, retold
from tokencheck.model.finding import Check, Result
from tokencheck.model.reasons import Reason
from tokencheck.model.workload import RolloutState as R

WARNED = finding(Check.EXCESS_SCOPES, Result.WARN, Reason.SCOPE_EXCESS)
EXPIRED = assessed(*failing(Reason.TOKEN_EXPIRED))


def names(events) -> list[str]:
    return sorted(name_of(event) for event in events)


def reasons(events) -> list[str]:
    return [event.reason for event in events]


TRANSITIONS = {
    "verified": (assessed(*passing()), R.SETTLED),
    "expired, on the workload too": (EXPIRED, R.SETTLED),
    "warned": (assessed(WARNED, *passing()), R.SETTLED),
    "two failures": (
        assessed(
            finding(Check.SIGNATURE, Result.FAIL, Reason.SIGNATURE_INVALID),
            finding(Check.EXPIRY, Result.FAIL, Reason.TOKEN_EXPIRED, token="other"),
        ),
        R.SETTLED,
    ),
    "no workload": (EXPIRED, R.NONE),
}


@pytest.mark.parametrize("judged", TRANSITIONS.values(), ids=TRANSITIONS)
def test_a_process_that_starts_tells_the_same_events_that_the_one_before_would_have(judged) -> None:
    life = Life()
    told = life.judge(judged[0], rollout(judged[1])).events
    assert told
    again = retold(life.check, START + seconds(30))
    assert names(again) == names(told)
    assert {event.note for event in again} == {event.note for event in told}
    assert {event.at for event in again} == {START}


def test_nothing_is_told_again_of_what_began_before_the_last_hour() -> None:
    life = Life()
    life.judge(EXPIRED, rollout(R.SETTLED))
    assert retold(life.check, START + RETOLD)
    assert not retold(life.check, START + RETOLD + seconds(1))
    assert not retold(Life().check, START)


def test_only_what_began_lately_is_told_again_beside_what_stands_for_long() -> None:
    life = Life()
    life.judge(assessed(WARNED, *passing()))
    expired = assessed(WARNED, *failing(Reason.TOKEN_EXPIRED))
    life.later(7200).judge(expired)
    life.later(60).judge(expired)
    assert reasons(retold(life.check, life.now)) == ["TokenExpired"]


def test_what_stands_is_one_event_however_its_words_change() -> None:
    life = Life()
    told = life.judge(assessed(WARNED, *passing())).events
    other = finding(Check.EXCESS_SCOPES, Result.WARN, Reason.SCOPE_EXCESS)
    object.__setattr__(other, "message", "other words")
    life.later(60).judge(assessed(other, *passing()))
    assert life.outcome.events == ()
    assert names(retold(life.check, life.now)) == names(told)


def test_what_comes_back_is_another_event() -> None:
    life = Life()
    first = life.judge(EXPIRED).events
    life.later(60).judge(assessed(*passing()))
    second = life.later(60).judge(EXPIRED).events
    assert reasons(first) == reasons(second) == ["TokenExpired"]
    assert names(first) != names(second)
    assert names(retold(life.check, life.now)) == names(second)


def rotated(life: Life, after_s: float, version: str = "2"):
    life.later(after_s)
    return life.judge(assessed(*passing(), version=version, changed_at=life.now)).events


def test_a_rotation_that_nothing_else_told_of_is_told_again() -> None:
    life = Life()
    life.judge(assessed(*passing()))
    told = rotated(life, 600)
    assert reasons(told) == ["TokenRotated"]
    again = retold(life.check, life.now)
    assert reasons(again) == ["TokenVerified", "TokenRotated"]
    assert names(told)[0] in names(again)


def test_a_rotation_that_another_event_told_of_is_not_told_beside_it() -> None:
    life = Life()
    life.judge(EXPIRED)
    assert reasons(rotated(life, 600)) == ["TokenVerified"]
    assert reasons(retold(life.check, life.now)) == ["TokenVerified"]
    life.later(600).judge(assessed(WARNED, *passing(), version="3", changed_at=life.now))
    assert reasons(life.outcome.events) == ["TokenOverScoped"]
    assert reasons(retold(life.check, life.now)) == ["TokenOverScoped", "TokenVerified"]


def test_a_secret_that_was_never_changed_was_not_rotated() -> None:
    """Its creation is no rotation, when the check is older than it."""
    life = Life()
    life.judge(assessed(*passing()))
    both = (*passing(), finding(Check.PRESENT, Result.PASS, token="new"))
    made = life.later(7200).now
    life.later(60).judge(assessed(*both, created_at=made, changed_at=made))
    assert not retold(life.check, life.now)


def test_a_clock_that_was_set_back_makes_nothing_of_the_future_told() -> None:
    life = Life()
    life.judge(EXPIRED)
    assert not retold(life.check, START - seconds(60))
