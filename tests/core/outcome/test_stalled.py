import pytest
from core_outcome_builders import START, Life, assessed, failing, finding, passing, rollout, seconds

from tokencheck.api.quantity import format_time
from tokencheck.core.outcome.stalled import HEALING, TERMINAL
from tokencheck.model.finding import Check, Result
from tokencheck.model.reasons import Reason
from tokencheck.model.workload import RolloutState as R


@pytest.mark.parametrize("reason", sorted(TERMINAL - {Reason.INVALID_SPEC}))
def test_what_does_not_heal_by_waiting_stalls_at_once(reason: Reason) -> None:
    life = Life()
    life.judge(assessed(*failing(reason)))
    assert life.says("Stalled") == ("True", str(reason))


def test_a_pulse_is_withdrawn_after_stall_for_and_does_not_come_back() -> None:
    life = Life(gate={"stallFor": "30s"})
    bad = assessed(*failing(Reason.SCOPE_MISSING))
    outcome = life.judge(bad)
    assert outcome.wake_at == START + seconds(30)
    life.later(29).judge(bad)
    assert life.says("Stalled") is not None
    life.later(1).judge(bad)
    assert life.says("Stalled") is None
    life.later(600).judge(bad)
    assert life.says("Stalled") is None
    assert life.says("Ready") == ("False", "ScopeMissing")


def test_the_next_apply_that_is_still_wrong_pulses_again() -> None:
    life = Life(gate={"stallFor": "30s"})
    bad = assessed(*failing(Reason.SCOPE_MISSING))
    life.judge(bad)
    life.later(31).judge(bad)
    life.later(60).edit().judge(bad)
    assert life.says("Stalled") == ("True", "ScopeMissing")


def test_a_secret_that_is_still_wrong_after_its_change_pulses_again() -> None:
    life = Life(gate={"stallFor": "30s"})
    life.judge(assessed(*failing(Reason.MALFORMED_TOKEN)))
    life.later(31).judge(assessed(*failing(Reason.MALFORMED_TOKEN)))
    life.later(60).judge(assessed(*failing(Reason.MALFORMED_TOKEN), version="2"))
    assert life.says("Stalled") == ("True", "MalformedToken")


@pytest.mark.parametrize("reason", sorted(HEALING))
def test_a_missing_or_expired_token_may_heal_itself_for_grace_for(reason: Reason) -> None:
    life = Life(gate={"graceFor": "2m", "stallFor": "60s"})
    bad = assessed(*failing(reason))
    assert life.judge(bad).wake_at == START + seconds(120)
    assert life.says("Reconciling") == ("True", str(reason))
    life.later(119).judge(bad)
    assert life.says("Stalled") is None
    life.later(1).judge(bad)
    assert life.says("Stalled") == ("True", str(reason))
    assert life.says("Reconciling") is None
    life.later(60).judge(bad)
    assert life.says("Stalled") is None
    assert life.says("Reconciling") is None


def test_a_clock_that_was_set_back_lengthens_no_pulse() -> None:
    """What began in the future began now, or it would last as long as the step."""
    life = Life(gate={"graceFor": "2m", "stallFor": "60s"})
    bad = assessed(*failing(Reason.SECRET_NOT_FOUND))
    life.judge(bad)
    set_back = life.later(-3600).judge(bad)
    assert life.condition("Reconciling")["lastTransitionTime"] == format_time(life.now)
    assert life.condition("Ready")["lastTransitionTime"] == format_time(life.now)
    assert set_back.wake_at == life.now + seconds(120)
    life.later(120).judge(bad)
    assert life.says("Stalled") == ("True", "SecretNotFound")
    assert life.later(-86_400).judge(bad).wake_at == life.now + seconds(60)


def test_transition_times_stay_although_another_replica_s_clock_is_a_little_behind() -> None:
    life = Life()
    bad = assessed(*failing(Reason.SCOPE_MISSING))
    life.judge(bad)
    assert not life.later(-2).judge(bad).changed


def test_without_grace_a_missing_token_stalls_at_once() -> None:
    life = Life(gate={"graceFor": "0s"})
    life.judge(assessed(*failing(Reason.SECRET_NOT_FOUND)))
    assert life.says("Stalled") == ("True", "SecretNotFound")


def test_a_token_that_heals_within_its_grace_never_stalled() -> None:
    life = Life()
    life.judge(assessed(*failing(Reason.SECRET_NOT_FOUND)))
    life.later(4).judge(assessed(*passing()))
    assert life.says("Ready") == ("True", "AllChecksPassed")
    assert life.says("Reconciling") is None


def test_an_open_rollout_goes_on_reconciling_when_the_pulse_is_over() -> None:
    life = Life(gate={"stallFor": "30s"})
    bad, seen = assessed(*failing(Reason.SCOPE_MISSING)), rollout(R.IN_PROGRESS)
    life.judge(bad, seen)
    assert life.says("Stalled") is not None
    life.later(30).judge(bad, seen)
    assert life.says("Reconciling") == ("True", "RolloutInProgress")


def test_a_spec_that_contradicts_itself_pulses_and_not_again_before_its_next_edit() -> None:
    expiry = {"warnBefore": "1h", "failBefore": "2h"}
    token = {"name": "api", "secretKeyRef": {"name": "api", "key": "token"}, "expiry": expiry}
    life = Life(tokens=[token], gate={"stallFor": "30s"})
    assert life.stop().wake_at == START + seconds(30)
    life.later(30).stop()
    assert life.says("Stalled") is None
    assert life.says("Ready") == ("False", "InvalidSpec")
    life.later(60).edit().stop()
    assert life.says("Stalled") == ("True", "InvalidSpec")


def test_the_reconciling_of_an_open_rollout_does_not_begin_the_grace_again() -> None:
    life = Life(gate={"graceFor": "10s", "stallFor": "30s"})
    bad, seen = assessed(*failing(Reason.SECRET_NOT_FOUND)), rollout(R.IN_PROGRESS)
    life.judge(bad, seen)
    life.later(10).judge(bad, seen)
    assert life.says("Stalled") == ("True", "SecretNotFound")
    life.later(30).judge(bad, seen)
    for _ in range(20):
        life.later(7).judge(bad, seen)
        assert life.says("Reconciling") == ("True", "RolloutInProgress")


def test_a_pulse_ends_although_more_tokens_fail_than_a_status_holds() -> None:
    life = Life(gate={"stallFor": "30s"})
    expired = [finding(Check.EXPIRY, Result.FAIL, token=f"t{i:02}") for i in range(60)]
    worst = finding(Check.PRESENT, Result.FAIL, Reason.MALFORMED_TOKEN, token="zz")
    bad = assessed(worst, *expired)
    life.judge(bad)
    assert life.check.status["tokens"][0]["name"] == "zz"
    life.later(30).judge(bad)
    assert life.says("Stalled") is None
