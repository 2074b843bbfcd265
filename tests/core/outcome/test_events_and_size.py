import json
from dataclasses import replace

from core_outcome_builders import START, Life, assessed, failing, finding, passing, rollout, seconds

from tokencheck.core.outcome.linter import faults_of
from tokencheck.model.evidence import Baseline
from tokencheck.model.finding import Check, Result
from tokencheck.model.reasons import Reason
from tokencheck.model.workload import RolloutState as R


def reasons(life: Life) -> list[tuple[str, str]]:
    return [(e.regarding.kind, e.reason) for e in life.outcome.events]


def test_an_expiry_is_told_once_on_the_check_and_on_its_workload() -> None:
    life = Life()
    life.judge(assessed(*passing()), rollout(R.SETTLED))
    life.judge(assessed(*failing(Reason.TOKEN_EXPIRED)), rollout(R.SETTLED))
    assert reasons(life) == [("TokenCheck", "TokenExpired"), ("Deployment", "TokenExpired")]
    life.later(600).judge(assessed(*failing(Reason.TOKEN_EXPIRED)), rollout(R.SETTLED))
    assert reasons(life) == []


def test_a_failure_without_an_event_of_its_own_is_a_token_invalid() -> None:
    life = Life()
    life.judge(assessed(*failing(Reason.SIGNATURE_INVALID, Check.SIGNATURE)))
    assert reasons(life) == [("TokenCheck", "TokenInvalid")]


def test_a_rotation_is_told_when_the_value_changed_and_not_when_only_the_version_did() -> None:
    life = Life()
    life.judge(assessed(*passing()))
    life.judge(assessed(*passing(), version="2"))
    assert ("TokenCheck", "TokenRotated") not in reasons(life)
    life.judge(assessed(*passing(), version="3", changed_at=START + seconds(60)))
    assert ("TokenCheck", "TokenRotated") in reasons(life)


def test_a_status_never_exceeds_its_budget_and_says_what_it_left_out() -> None:
    life = Life()
    many = [
        finding(Check.EXPIRY, Result.FAIL, Reason.TOKEN_EXPIRED, token=f"token-{i}-{'x' * 200}")
        for i in range(200)
    ]
    life.judge(assessed(*many))
    status = life.check.status
    assert len(json.dumps(status).encode()) <= 16 * 1024
    assert status["omitted"]["findings"] == 200 - len(status["findings"])
    assert status["omitted"]["tokens"] == 200 - len(status["tokens"])
    assert status["summary"]["fail"] == 200


def test_the_entry_of_a_token_tells_its_worst_finding_wherever_the_chain_has_it() -> None:
    life = Life()
    worst = finding(Check.EXPIRY, Result.FAIL, Reason.TOKEN_EXPIRED)
    seen = assessed(worst, *passing())
    in_chain_order = replace(seen.tokens[0], findings=(*passing(), worst))
    life.judge(replace(seen, tokens=(in_chain_order,)))
    entry = life.check.status["tokens"][0]
    assert (entry["reason"], entry["verdict"]) == ("TokenExpired", "Invalid")
    assert entry["message"] == worst.message


def test_a_baseline_is_kept_without_the_subject() -> None:
    life = Life()
    baseline = Baseline(
        issuer="https://a", audiences=("b",), kind="JWT", algorithm="RS256", subject="who"
    )
    life.judge(assessed(*passing()), baselines={"api": baseline})
    stored = life.check.status["tokens"][0]["baseline"]
    assert stored == {
        "issuer": "https://a",
        "audiences": ["b"],
        "kind": "JWT",
        "algorithm": "RS256",
    }


def test_the_linter_finds_each_broken_rule() -> None:
    life = Life()
    life.judge(assessed(*failing(Reason.SCOPE_MISSING)))
    good = json.loads(json.dumps(life.check.status))
    assert faults_of(good, 1) == []
    broken = json.loads(json.dumps(good))
    broken["conditions"][0]["status"] = "True"
    assert len(faults_of(broken, 1)) == 2
    broken["conditions"] = broken["conditions"][1:]
    assert faults_of(broken, 2)[0].startswith("1:")
    for part, wrong in (("reason", "Odd"), ("message", ""), ("action", "")):
        broken = json.loads(json.dumps(good))
        broken["findings"][0][part] = wrong
        assert [fault[:3] for fault in faults_of(broken, 1)] == ["10:"]


def test_a_finding_that_the_status_has_no_room_for_is_not_told_at_every_pass() -> None:
    life = Life()
    many = [
        finding(Check.EXPIRY, Result.FAIL, Reason.TOKEN_EXPIRED, token=f"token-{i}")
        for i in range(60)
    ]
    life.judge(assessed(*many))
    assert len(reasons(life)) == len(life.check.status["findings"])
    life.later(60).judge(assessed(*many))
    assert reasons(life) == []


def test_what_must_survive_a_restart_outlives_the_budget_for_every_listed_token() -> None:
    life = Life()
    names = [f"token-{i}-{'x' * 54}" for i in range(8)]
    long = tuple(f"{i}-{'s' * 100}" for i in range(16))
    failed = [
        finding(check, Result.FAIL, Reason.SCOPE_MISSING, token=name)
        for name in names
        for check in (Check.SCOPES, Check.AUDIENCE, Check.ISSUER, Check.SUBJECT)
    ]
    kept = Baseline(issuer="i" * 128, audiences=("a" * 128,), scopes=long[:2], kind="JWT")
    life.judge(assessed(*failed), baselines=dict.fromkeys(names, kept))
    status = life.check.status
    assert [t["name"] for t in status["tokens"]] == names
    assert all({"baseline", "resourceVersion", "changedTime"} <= t.keys() for t in status["tokens"])
    assert len(json.dumps(status).encode()) <= 16 * 1024


def test_foreign_conditions_never_make_the_list_longer_than_the_crd_takes() -> None:
    life = Life()
    for number in range(32):
        life.check.status["conditions"].append(
            {"type": f"example.com/C{number}", "status": "True", "reason": "R", "message": ""}
        )
    life.judge(assessed(*passing()))
    assert len(life.check.status["conditions"]) == 32
    assert life.says("Ready") == ("True", "AllChecksPassed")
