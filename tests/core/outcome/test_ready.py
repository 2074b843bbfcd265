import pytest
from core_outcome_builders import START, Life, assessed, failing, finding, passing, rollout

from tokencheck.model.finding import Check, Result
from tokencheck.model.reasons import Reason
from tokencheck.model.workload import RolloutState as R


def test_a_check_whose_tokens_all_pass_is_ready() -> None:
    life = Life()
    life.judge(assessed(*passing()))
    assert life.says("Ready") == ("True", "AllChecksPassed")
    assert life.check.status["verdict"] == "Valid"
    assert life.check.status["checks"] == "3/3"


def test_a_warning_never_flips_ready() -> None:
    life = Life()
    life.judge(assessed(*passing(), finding(Check.EXPIRY, Result.WARN, Reason.EXPIRING_SOON)))
    assert life.says("Ready") == ("True", "PassedWithWarnings")
    assert life.says("ExpiringSoon") == ("True", "ExpiringSoon")


def test_unknown_is_shown_as_neither_true_nor_false() -> None:
    life = Life()
    life.judge(assessed(*passing(), finding(Check.SIGNATURE, Result.UNKNOWN, Reason.KEY_NOT_FOUND)))
    assert life.says("Ready") == ("Unknown", "KeyNotFound")
    assert life.says("Verified") == ("Unknown", "KeyNotFound")


def test_nothing_found_at_all_is_unknown_and_never_ready() -> None:
    life = Life()
    life.judge(assessed())
    assert life.says("Ready") == ("Unknown", "NoTokensFound")


def test_only_skips_leave_a_condition_unknown() -> None:
    life = Life()
    life.judge(assessed(*passing()[:1], finding(Check.EXPIRY, Result.SKIP, Reason.NOT_VERIFIABLE)))
    assert life.says("Unexpired") == ("Unknown", "NotVerifiable")
    assert life.says("Verified") is None


def test_a_jwt_that_nobody_vouches_for_leaves_verified_unknown_and_ready_unmoved() -> None:
    life = Life()
    local = finding(Check.SIGNATURE, Result.WARN, Reason.LOCAL_CHECKS_ONLY)
    life.judge(assessed(finding(Check.PRESENT, Result.PASS), local))
    assert life.says("Verified") == ("Unknown", "LocalChecksOnly")
    assert life.says("Ready") == ("True", "PassedWithWarnings")


def test_a_signature_that_the_policy_ignores_never_makes_verified_true() -> None:
    life = Life()
    ignored = finding(Check.SIGNATURE, Result.SKIP, Reason.IGNORED)
    life.judge(
        assessed(finding(Check.PRESENT, Result.PASS), finding(Check.TYPE, Result.PASS), ignored)
    )
    assert life.says("Verified") == ("Unknown", "Ignored")
    assert life.says("Ready") == ("True", "AllChecksPassed")


def test_the_findings_of_a_test_token_are_shown_and_never_move_ready() -> None:
    life = Life()
    life.judge(assessed(*passing(), test=failing(Reason.TOKEN_EXPIRED)))
    assert life.says("Ready") == ("True", "AllChecksPassed")
    assert [f["reason"] for f in life.check.status["findings"]] == ["TokenExpired"]


@pytest.mark.parametrize("mode", ["Advisory", "Disabled"])
def test_an_advisory_gate_is_ready_after_the_first_pass_and_the_verdict_tells_the_truth(
    mode: str,
) -> None:
    life = Life(gate={"mode": mode})
    life.judge(assessed(*failing(Reason.TOKEN_EXPIRED)), rollout(R.IN_PROGRESS))
    assert life.says("Ready") == ("True", "Advisory")
    assert life.check.status["verdict"] == "Invalid"
    assert life.says("Stalled") is None
    assert life.says("Reconciling") is None


def test_a_second_pass_with_nothing_new_writes_nothing() -> None:
    life = Life()
    life.judge(assessed(*passing()))
    outcome = life.later(3600).judge(assessed(*passing()))
    assert not outcome.changed
    assert not outcome.events


def test_a_transition_time_moves_only_when_the_status_flips() -> None:
    life = Life()
    life.judge(assessed(*passing()))
    life.later(60).judge(
        assessed(*passing(), finding(Check.AGE, Result.WARN, Reason.ROTATION_OVERDUE))
    )
    assert life.condition("Ready")["lastTransitionTime"] == "2026-11-24T12:00:00Z"
    life.later(60).judge(assessed(*failing(Reason.TOKEN_EXPIRED)))
    assert life.condition("Ready")["lastTransitionTime"] == "2026-11-24T12:02:00Z"


def test_a_foreign_condition_survives() -> None:
    life = Life()
    foreign = {
        "type": "example.com/Seen",
        "status": "True",
        "reason": "Seen",
        "message": "",
        "lastTransitionTime": "x",
    }
    life.check.status["conditions"].append(foreign)
    life.judge(assessed(*passing()))
    assert foreign in life.check.status["conditions"]


def test_a_check_wakes_at_the_next_moment_that_changes_a_finding() -> None:
    life = Life()
    assert life.judge(
        assessed(*passing(), wake_at=START.replace(hour=15))
    ).wake_at == START.replace(hour=15)


def test_the_message_names_how_many_more_findings_there_are_and_where_to_read_them() -> None:
    life = Life()
    life.judge(
        assessed(
            *failing(Reason.TOKEN_EXPIRED), finding(Check.SCOPES, Result.FAIL, Reason.SCOPE_MISSING)
        )
    )
    message = life.condition("Ready")["message"]
    assert message.endswith("(and 1 more: kubectl tokencheck explain checkout -n shop)")
    assert len(message.encode()) <= 512


def test_a_suspended_check_has_no_ready_and_keeps_what_it_knew() -> None:
    life = Life()
    life.judge(assessed(*passing()), rollout(R.SETTLED))
    suspended = Life(suspend=True)
    suspended.check = type(life.check)(
        **{
            **{f: getattr(life.check, f) for f in life.check.__slots__},
            "spec": suspended.check.spec,
        }
    )
    suspended.stop()
    assert suspended.says("Ready") is None
    assert suspended.says("Suspended") == ("True", "Suspended")
    assert suspended.check.status["rollout"]["verifiedGeneration"] == 1


def test_a_spec_that_contradicts_itself_is_stalled_and_names_the_field() -> None:
    life = Life(
        tokens=[
            {
                "name": "api",
                "secretKeyRef": {"name": "api", "key": "token"},
                "expiry": {"warnBefore": "1h", "failBefore": "2h"},
            }
        ]
    )
    life.stop()
    assert life.says("Ready") == ("False", "InvalidSpec")
    assert life.says("Stalled") == ("True", "InvalidSpec")
    assert "spec.tokens[0].expiry.warnBefore" in life.condition("Stalled")["message"]


def test_the_owner_is_shown() -> None:
    life = Life()
    life.judge(assessed(*passing()), owner="team-payments")
    assert life.check.status["owner"] == "team-payments"
