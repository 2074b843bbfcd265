"""Two runs of a scene end alike when only what is each run's own differs."""

from __future__ import annotations

from cluster.shop import Object
from faults.kills.ends import differences, end_of


def check(namespace: str, at: str, *, reason: str = "TokenExpired") -> Object:
    """A TokenCheck as a scene may leave it."""
    message = f'Secret {namespace}/payments key "token": expired at {at}'
    conditions = [
        {"type": "Ready", "reason": reason, "message": message, "lastTransitionTime": at},
        {"type": "Stalled", "reason": reason},
    ]
    tokens = [{"name": "payments", "resourceVersion": str(hash(at)), "changedTime": at}]
    return {"status": {"conditions": conditions, "tokens": tokens, "rollout": {"uid": at}}}


ONE = end_of("kills-1", check("kills-1", "2026-11-26T18:01:58Z"), None)


def test_namespace_times_versions_and_pulses_are_each_runs_own():
    other = check("kills-2", "2026-11-27T09:00:00Z")
    other["status"]["conditions"].pop()
    assert end_of("kills-2", other, None) == ONE


def test_another_reason_is_another_end():
    other = check("kills-1", "2026-11-26T18:01:58Z", reason="TokenMissing")
    found = list(differences(ONE, end_of("kills-1", other, None)))
    assert [line.split(":")[0] for line in found] == ['missing "reason"', 'instead "reason"']


def test_an_object_that_is_gone_is_another_end_than_one_that_stands():
    assert end_of("kills-1", None, None) != ONE
