"""A discovered token whose key is gone from the Secret: drift, by policy, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tokencheck.api.tokencheck import Level, Policy, SecretKeyRef, TokenSpec
from tokencheck.core.checks.chain import judge
from tokencheck.core.checks.drift import next_baseline
from tokencheck.model.evidence import Absent, Baseline, Evidence, TokenEvidence
from tokencheck.model.finding import Check, Result, Verdict
from tokencheck.model.reasons import Reason

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OLD = Baseline(kind="JWT", issuer="https://login.example.com")
SOURCE = 'Secret shop/api key "token"'
GONE = TokenEvidence(
    spec=TokenSpec(name="api/token", source=SecretKeyRef(name="api", key="token"), listed=False),
    source=SOURCE,
    holding=Absent(what=SOURCE, key_only=True, removed=True),
    baseline=OLD,
)


@pytest.mark.parametrize(
    ("level", "result", "verdict"),
    [
        (Level.WARN, Result.WARN, Verdict.VALID),
        (Level.FAIL, Result.FAIL, Verdict.INVALID),
    ],
)
def test_it_is_told_as_drift_and_its_baseline_is_kept(
    level: Level, result: Result, verdict: Verdict
) -> None:
    evidence = Evidence(namespace="shop", policy=Policy(drift=level), tokens=(GONE,))
    assessment = judge(evidence, NOW)
    told = [f for f in assessment.findings if f.result is not Result.SKIP]
    assert [(f.check, f.result, f.reason) for f in told] == [(Check.DRIFT, result, Reason.DRIFTED)]
    assert told[0].message == f"{SOURCE}: the key is gone from the Secret"
    assert "accept-drift" in told[0].action
    assert assessment.verdict is verdict
    assert assessment.tokens[0].drifted == ("removed",)
    assert next_baseline(assessment.tokens[0]) == OLD
