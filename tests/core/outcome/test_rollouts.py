import pytest
from core_outcome_builders import Life, assessed, failing, passing, rollout

from tokencheck.model.reasons import Reason
from tokencheck.model.workload import RolloutState as R


def settled(life: Life) -> Life:
    life.judge(assessed(*passing()), rollout(R.SETTLED))
    return life


def test_a_settled_rollout_with_good_tokens_is_verified() -> None:
    life = settled(Life())
    assert life.says("RolloutVerified") == ("True", "RolloutVerified")
    assert life.check.status["rollout"]["verifiedGeneration"] == 1
    assert [e.reason for e in life.outcome.events] == ["TokenVerified", "RolloutVerified"]


def test_a_new_template_takes_ready_away_before_any_token_is_read() -> None:
    life = settled(Life())
    life.later(60).open(rollout(R.IN_PROGRESS, template="t2", generation=2))
    assert life.says("Ready") == ("Unknown", "RolloutInProgress")
    assert life.says("Reconciling") == ("True", "RolloutInProgress")
    assert life.says("RolloutVerified") == ("Unknown", "RolloutInProgress")
    assert "verifiedGeneration" not in life.check.status["rollout"]


def test_a_rollout_that_stands_in_the_status_already_is_not_opened_again() -> None:
    life = settled(Life())
    life.open(rollout(R.IN_PROGRESS, template="t2", generation=2))
    assert life.open(rollout(R.IN_PROGRESS, template="t2", generation=2)) is None


def test_ready_waits_for_the_end_of_the_rollout_and_then_follows() -> None:
    life = settled(Life())
    new = {"template": "t2", "generation": 2}
    life.open(rollout(R.IN_PROGRESS, **new))
    life.later(1).judge(assessed(*passing()), rollout(R.IN_PROGRESS, **new))
    assert life.says("Ready") == ("Unknown", "RolloutInProgress")
    life.later(1).judge(assessed(*passing()), rollout(R.SETTLED, **new))
    assert life.says("Ready") == ("True", "AllChecksPassed")
    assert life.says("Reconciling") is None
    assert life.check.status["rollout"]["verifiedGeneration"] == 2


def test_a_bad_token_does_not_wait_for_the_rollout_and_a_terminal_one_stalls_it() -> None:
    life = settled(Life())
    new = {"template": "t2", "generation": 2}
    life.open(rollout(R.IN_PROGRESS, **new))
    life.judge(assessed(*failing(Reason.SCOPE_MISSING)), rollout(R.IN_PROGRESS, **new))
    assert life.says("Ready") == ("False", "ScopeMissing")
    assert life.says("Stalled") == ("True", "ScopeMissing")
    assert life.says("Reconciling") is None


def test_a_scale_out_of_a_verified_template_stays_verified() -> None:
    life = settled(Life())
    life.judge(assessed(*passing()), rollout(R.IN_PROGRESS, generation=2))
    assert life.says("Ready") == ("True", "AllChecksPassed")
    assert life.check.status["rollout"]["verifiedGeneration"] == 2
    assert life.check.status["rollout"]["state"] == "Settled"


def test_a_new_spec_judges_an_unfinished_rollout_anew() -> None:
    life = settled(Life())
    life.edit().judge(assessed(*passing()), rollout(R.IN_PROGRESS, generation=2))
    assert life.says("Ready") == ("Unknown", "RolloutInProgress")


def test_a_workload_made_again_under_the_same_name_is_a_new_rollout() -> None:
    life = settled(Life())
    assert life.open(rollout(R.IN_PROGRESS, uid="w2")) is not None


@pytest.mark.parametrize(
    ("state", "reason", "status"),
    [
        (R.PAUSED, "RolloutPaused", "Unknown"),
        (R.SCALED_TO_ZERO, "ScaledToZero", "Unknown"),
        (R.WAITING_FOR_MANUAL_UPDATE, "WaitingForManualUpdate", "Unknown"),
        (R.NO_ROLLOUT, "NoRollout", "Unknown"),
        (R.NOT_FOUND, "WorkloadNotFound", "Unknown"),
        (R.UNREADABLE, "AccessDenied", "Unknown"),
        (R.FAILED, "RolloutFailed", "False"),
    ],
)
def test_in_a_state_that_may_last_ready_is_about_the_tokens_alone(
    state: R, reason: str, status: str
) -> None:
    life = Life()
    life.judge(assessed(*passing()), rollout(state))
    assert life.says("RolloutVerified") == (status, reason)
    assert life.says("Ready") == ("True", "AllChecksPassed")
    assert life.says("Reconciling") is None
    assert "verifiedGeneration" not in life.check.status["rollout"]


def test_a_check_without_a_workload_says_nothing_of_rollouts() -> None:
    life = Life()
    life.judge(assessed(*passing()))
    assert life.says("RolloutVerified") is None
    assert "rollout" not in life.check.status


def test_the_pods_of_a_verified_rollout_lose_their_token_and_the_rollout_is_told() -> None:
    life = settled(Life())
    life.later(60).judge(assessed(*failing(Reason.TOKEN_EXPIRED)), rollout(R.SETTLED))
    assert life.says("RolloutVerified") == ("False", "TokenExpired")
    assert life.check.status["rollout"]["verifiedGeneration"] == 1


def test_a_spec_counts_as_observed_only_when_its_tokens_are_judged() -> None:
    life = settled(Life())
    life.edit().open(rollout(R.IN_PROGRESS, template="t2", generation=2))
    assert life.check.status["observedGeneration"] == 1
    life.judge(assessed(*passing()), rollout(R.IN_PROGRESS, template="t2", generation=2))
    assert life.check.status["observedGeneration"] == 2
