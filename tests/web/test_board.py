from dataclasses import replace

from tokencheck.api.tokencheck import Spec
from tokencheck.model.evidence import Projected
from tokencheck.model.finding import Check, Result
from tokencheck.model.keys import Key

KEY = Key("TokenCheck", "shop", "checkout")


def entry(board):
    (only,) = board.entries()
    return only


def test_the_latest_result_replaces_the_one_before(board, put):
    put(owner="first")
    put(owner="second")
    assert (len(board), entry(board).owner) == (1, "second")


def test_a_dropped_check_is_shown_no_more_and_dropping_it_twice_is_no_error(board, put):
    key = put()
    board.drop(key)
    board.drop(key)
    assert board.entries() == ()


def test_the_worst_result_over_the_live_tokens_is_shown(board, build, put):
    findings = (
        build.finding(Check.EXPIRY, Result.PASS, "a"),
        build.finding(Check.EXPIRY, Result.WARN, "b"),
        build.finding(Check.SCOPES, Result.UNKNOWN, "a"),
        build.finding(Check.SCOPES, Result.WARN, "b"),
        build.finding(Check.ISSUER, Result.SKIP, "a"),
    )
    test_findings = (build.finding(Check.EXPIRY, Result.FAIL, "kept for tests"),)
    put(assessment=build.assessment(findings=findings, test_findings=test_findings))
    assert dict(entry(board).results) == {
        Check.EXPIRY: Result.WARN,
        Check.SCOPES: Result.UNKNOWN,
        Check.ISSUER: Result.SKIP,
    }
    assert dict(zip(Result, entry(board).counts, strict=True)) == {
        Result.PASS: 1,
        Result.WARN: 2,
        Result.FAIL: 1,
        Result.UNKNOWN: 1,
        Result.SKIP: 1,
    }


def test_conditions_of_others_do_not_become_labels(board, put):
    put(conditions=(("Ready", "False"), ("example.com/audited", "True"), ("Ready", "True")))
    assert entry(board).conditions == (("Ready", "True"),)


def test_a_check_that_was_not_judged_shows_conditions_and_owner_only(board, build):
    outcome = build.outcome(conditions=(("Suspended", "True"),))
    board.put(KEY, build.check(KEY), None, outcome)
    shown = entry(board)
    assert (shown.judged_at, shown.tokens, shown.results) == (None, (), ())
    assert shown.conditions == (("Suspended", "True"),)
    assert shown.owner == "team-pay"


def test_the_opening_of_a_rollout_keeps_what_was_found_last(board, build, put, tally):
    key = put("checkout", build.token(drifted=("scopes",)))
    judged = entry(board)
    opening = build.outcome(owner="new", conditions=(("Ready", "Unknown"),))
    board.put(key, build.check(key), None, opening)
    assert entry(board) == replace(judged, owner="new", conditions=(("Ready", "Unknown"),))
    put("checkout", build.token(drifted=("scopes",)))
    assert tally.drifts["scopes"] == 1


def test_a_check_that_is_suspended_shows_no_result_of_before(board, build, put):
    key = put()
    suspended = replace(build.check(key), spec=Spec(suspend=True))
    board.put(key, suspended, None, build.outcome(conditions=(("Suspended", "True"),)))
    assert (entry(board).judged_at, entry(board).tokens) == (None, ())


def test_pods_that_are_stale_for_two_tokens_count_once(board, build, put):
    put("checkout", build.token("a", stale=("p1", "p2")), build.token("b", stale=("p2", "p3")))
    assert entry(board).stale_pods == 3


def test_a_token_whose_end_is_unknown_is_kept_without_a_date(board, build, put):
    put("checkout", build.token("a", expires=None, issued=None), build.token("b"))
    assert [(t.name, t.expires_at is None) for t in entry(board).tokens] == [
        ("b", False),
        ("a", True),
    ]


def test_a_workload_with_a_thousand_tokens_shows_the_64_that_end_first(board, build, put):
    put("checkout", *(build.token(f"t{n}") for n in range(1000)))
    assert len(entry(board).tokens) == 64


def test_an_owner_is_cut_to_a_reasonable_length(board, put):
    put(owner="x" * 5000)
    assert len(entry(board).owner) == 128


def test_a_missing_owner_is_empty(board, put):
    put(owner=None)
    assert entry(board).owner == ""


def test_findings_of_every_pass_are_counted(build, put, tally):
    found = build.assessment(
        findings=(build.finding(Check.EXPIRY, Result.FAIL),),
        test_findings=(build.finding(Check.EXPIRY, Result.PASS),),
    )
    put(assessment=found)
    put(assessment=found)
    assert tally.checks[Check.EXPIRY, Result.FAIL] == 2
    assert tally.checks[Check.EXPIRY, Result.PASS] == 2
    assert sum(tally.checks.values()) == 4


def test_a_drift_counts_once_while_it_stays_and_again_when_it_comes_back(build, put, tally):
    drifted = build.token(drifted=("scopes",))
    put("checkout", build.token())
    put("checkout", drifted)
    put("checkout", drifted)
    assert tally.drifts["scopes"] == 1
    put("checkout", build.token())
    put("checkout", build.token(drifted=("scopes", "issuer")))
    assert (tally.drifts["scopes"], tally.drifts["issuer"]) == (2, 1)


def test_a_drift_that_stood_in_the_status_before_a_restart_is_not_new(build, put, tally):
    stored = {"conditions": [{"type": "Drifted", "status": "True"}]}
    put("checkout", build.token(drifted=("scopes",)), status=stored)
    assert tally.drifts["scopes"] == 0
    put("cart", build.token(drifted=("scopes",)))
    assert tally.drifts["scopes"] == 1


def test_a_kind_of_drift_outside_the_closed_list_is_no_new_label(build, put, tally):
    put("checkout", build.token(drifted=("surprise",)))
    assert "surprise" not in tally.drifts


def test_records_hold_neither_findings_nor_claims(board, put):
    put()
    assert "canary" not in repr(board.entries())


def test_a_projected_token_has_no_issue_time(board, build, put):
    token = build.token()
    projected = replace(token, evidence=replace(token.evidence, holding=Projected(sites=())))
    put("checkout", projected)
    assert entry(board).tokens[0].issued_at is None
