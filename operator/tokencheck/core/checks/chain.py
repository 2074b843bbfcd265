"""The policy, a list to read top-down, and `judge`, which runs all of it on every token."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from tokencheck.api.tokencheck import Policy, Use
from tokencheck.core.checks.active import check_active, foreign
from tokencheck.core.checks.claims import check_audience, check_issuer, check_subject
from tokencheck.core.checks.discovery import check_discovery
from tokencheck.core.checks.drift import check_drift, drift_of
from tokencheck.core.checks.lifetime import check_age, check_lifetime
from tokencheck.core.checks.moments import moments_of, wake_at
from tokencheck.core.checks.presence import check_present
from tokencheck.core.checks.scopes import check_excess_scopes, check_scopes, rights_of
from tokencheck.core.checks.shape import check_type, check_well_formed
from tokencheck.core.checks.stale import check_stale
from tokencheck.core.checks.time import check_expiry, check_not_before
from tokencheck.core.checks.vouching import check_signature
from tokencheck.model.assessment import Assessment, TokenAssessment
from tokencheck.model.evidence import Evidence, Projected, TokenEvidence, Unread
from tokencheck.model.finding import Check, Finding, Result, verdict_of
from tokencheck.model.reasons import Reason

CheckFunction: TypeAlias = Callable[[TokenEvidence, Policy, datetime], tuple[Finding, ...]]

CHAIN: tuple[CheckFunction, ...] = (
    check_present,
    check_well_formed,
    check_type,
    check_signature,
    check_issuer,
    check_audience,
    check_subject,
    check_not_before,
    check_expiry,
    check_lifetime,
    check_age,
    check_active,
    check_scopes,
    check_excess_scopes,
    check_drift,
    check_stale,
)

# What the text says of itself, against what is asked of it: a token that fails here is shown to
# nobody.
LOCAL: tuple[CheckFunction, ...] = CHAIN[: CHAIN.index(check_lifetime)]

_WORST_FIRST = (Result.FAIL, Result.UNKNOWN, Result.WARN, Result.SKIP, Result.PASS)
_RANK = {result: rank for rank, result in enumerate(_WORST_FIRST)}
_PLACE = {check: place for place, check in enumerate(Check)}


def judge(evidence: Evidence, now: datetime) -> Assessment:
    """Return what every check says of every token; the first finding is the verdict's reason.

    Args:
        evidence: what the pass learnt.
        now: aware UTC; the assessment is the same at any moment from `now` until its `wake_at`.
    """
    placed = tuple(_placed(token, evidence.workload) for token in evidence.tokens)
    tokens = tuple(_judge_token(token, evidence.policy, now) for token in placed)
    live = (f for t in tokens if t.evidence.spec.use is Use.LIVE for f in t.findings)
    test = (f for t in tokens if t.evidence.spec.use is Use.TEST for f in t.findings)
    findings = _ordered((*check_discovery(evidence), *live))
    return Assessment(
        tokens=tokens,
        findings=findings,
        test_findings=_ordered(test),
        verdict=verdict_of(findings),
        wake_at=wake_at(placed, now),
    )


def unsent(token: TokenEvidence, policy: Policy, now: datetime) -> bool:
    """Return whether a token is not worth a question: foreign, or bad by its own word.

    One that only ends too soon for the spec is no worse than another.
    """
    if foreign(token):
        return True
    found = (finding for check in LOCAL for finding in check(token, policy, now))
    return any(f.result is Result.FAIL and f.reason is not Reason.EXPIRING_SOON for f in found)


def _placed(token: TokenEvidence, workload: Unread | None) -> TokenEvidence:
    """A workload that was not read does not tell that it mounts no service-account token."""
    if workload is not None and token.holding == Projected(sites=()):
        return replace(token, holding=workload)
    return token


def _judge_token(token: TokenEvidence, policy: Policy, now: datetime) -> TokenAssessment:
    findings = tuple(finding for check in CHAIN for finding in check(token, policy, now))
    rights, moments = rights_of(token), moments_of(token)
    return TokenAssessment(
        evidence=token,
        findings=findings,
        verdict=verdict_of(findings),
        granted=rights.granted if rights else None,
        missing=rights.missing if rights else (),
        excess=rights.excess if rights else (),
        expires_at=moments.end.at if moments and moments.end else None,
        drifted=drift_of(token),
    )


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first, then by the chain, then in the order of the tokens: the sort is stable."""
    return tuple(sorted(findings, key=lambda f: (_RANK[f.result], _PLACE[f.check])))
