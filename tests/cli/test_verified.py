"""When a revision of a workload counts as verified: a table of versions of a TokenCheck."""

from __future__ import annotations

from typing import Any

import pytest

from tokencheck.cli.exits import Exit
from tokencheck.cli.verified import Live, answer_of

LIVE = Live(uid="u1", generation=3)
DONE = {"uid": "u1", "generation": 3, "verifiedGeneration": 3, "state": "Settled"}


def check(*conditions: tuple[str, str, str], rollout: dict[str, Any] | None = None, observed=2):
    status: dict[str, Any] = {
        "observedGeneration": observed,
        "conditions": [
            {"type": kind, "status": status, "reason": reason, "message": f"because of {reason}"}
            for kind, status, reason in conditions
        ],
    }
    if rollout is not None:
        status["rollout"] = rollout
    return {"metadata": {"generation": 2}, "status": status}


READY = ("Ready", "True", "AllChecksPassed")

ROWS: dict[str, tuple[dict[str, Any], Exit | None, str]] = {
    "verified": (check(READY, rollout=DONE), Exit.PASS, "AllChecksPassed"),
    "warnings do not hold it up": (
        check(("Ready", "True", "PassedWithWarnings"), rollout=DONE),
        Exit.PASS,
        "PassedWithWarnings",
    ),
    "break-glass lets pass, whatever the rollout and the tokens are": (
        check(("Ready", "True", "Bypassed"), ("RolloutVerified", "False", "TokenExpired")),
        Exit.PASS,
        "Bypassed",
    ),
    "but not for a spec that nobody has looked at": (
        check(("Ready", "True", "Bypassed"), rollout=DONE, observed=1),
        None,
        "Pending",
    ),
    "the status is about an older spec": (
        check(READY, rollout=DONE, observed=1),
        None,
        "Pending",
    ),
    "the status is about an older generation of the workload": (
        check(READY, rollout=DONE | {"generation": 2, "verifiedGeneration": 2}),
        None,
        "Pending",
    ),
    "the status is about a workload that was made again": (
        check(READY, rollout=DONE | {"uid": "u0"}),
        None,
        "Pending",
    ),
    "good tokens and an open rollout": (
        check(
            READY,
            ("RolloutVerified", "Unknown", "RolloutInProgress"),
            rollout=DONE | {"verifiedGeneration": 2},
        ),
        None,
        "RolloutInProgress",
    ),
    "a later generation than the one asked about": (
        check(READY, rollout=DONE | {"generation": 4, "verifiedGeneration": 4}),
        Exit.PASS,
        "AllChecksPassed",
    ),
    "a kind without rollouts has verified tokens": (
        check(READY, rollout={"uid": "u1", "generation": 3, "state": "NoRollout"}),
        Exit.PASS,
        "AllChecksPassed",
    ),
    "a failure that does not heal": (
        check(("Ready", "False", "AudienceMismatch"), rollout=DONE),
        Exit.FINDINGS,
        "AudienceMismatch",
    ),
    "the same of an older generation does not count": (
        check(("Ready", "False", "AudienceMismatch"), rollout=DONE | {"generation": 2}),
        None,
        "Pending",
    ),
    "a failure that may heal": (
        check(("Ready", "False", "TokenExpired"), rollout=DONE),
        None,
        "TokenExpired",
    ),
    "a failure that had its time to heal": (
        check(
            ("Ready", "False", "TokenExpired"), ("Stalled", "True", "TokenExpired"), rollout=DONE
        ),
        Exit.FINDINGS,
        "TokenExpired",
    ),
    "a rollout that failed": (
        check(READY, ("RolloutVerified", "False", "RolloutFailed"), rollout=DONE),
        Exit.FINDINGS,
        "RolloutFailed",
    ),
    "a spec that contradicts itself needs no rollout": (
        check(("Ready", "False", "InvalidSpec"), ("Stalled", "True", "InvalidSpec")),
        Exit.FINDINGS,
        "InvalidSpec",
    ),
    "a suspended check": (check(("Suspended", "True", "Suspended")), Exit.UNKNOWN, "Suspended"),
}


@pytest.mark.parametrize(("version", "code", "reason"), list(ROWS.values()), ids=list(ROWS))
def test_a_version_answers_for_the_revision_that_is_asked_about(version, code, reason):
    answer = answer_of(version, LIVE)
    assert (answer.exit, answer.reason) == (code, reason)


def test_a_workload_that_does_not_exist_is_waited_for():
    answer = answer_of(check(READY), Live())
    assert (answer.exit, answer.reason) == (None, "WorkloadNotFound")


def test_a_check_without_a_workload_needs_ready_alone():
    assert answer_of(check(READY), None).exit is Exit.PASS
    assert answer_of(check(READY, observed=1), None).exit is None
