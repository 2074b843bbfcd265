"""Findings -> what each condition says. Two tables.

Positive conditions gate, advisory ones warn.
"""

from tokencheck.core.outcome.condition import Condition, State, Type
from tokencheck.core.outcome.words import sentence
from tokencheck.model.finding import Check, Finding, Result
from tokencheck.model.reasons import Reason

POSITIVE: tuple[tuple[Type, frozenset[Check]], ...] = (
    (Type.RESOLVED, frozenset({Check.PRESENT, Check.WELL_FORMED})),
    (
        Type.VERIFIED,
        frozenset({Check.TYPE, Check.SIGNATURE, Check.ISSUER, Check.AUDIENCE, Check.SUBJECT}),
    ),
    (Type.UNEXPIRED, frozenset({Check.NOT_BEFORE, Check.EXPIRY})),
    (Type.ACTIVE, frozenset({Check.ACTIVE})),
    (Type.SCOPES_SATISFIED, frozenset({Check.SCOPES})),
)
# Reasons of a signature that nobody looked at, whatever the policy makes of it.
_BARE = frozenset({Reason.LOCAL_CHECKS_ONLY, Reason.IGNORED})
ADVISORY: tuple[tuple[Type, Check, frozenset[Reason]], ...] = (
    (Type.EXPIRING_SOON, Check.EXPIRY, frozenset({Reason.EXPIRING_SOON, Reason.TOKEN_EXPIRED})),
    (Type.OVER_SCOPED, Check.EXCESS_SCOPES, frozenset({Reason.SCOPE_EXCESS})),
    (Type.DRIFTED, Check.DRIFT, frozenset({Reason.DRIFTED})),
    (Type.STALE_IN_PODS, Check.STALE_IN_PODS, frozenset({Reason.STALE_IN_PODS})),
)


def positive(findings: tuple[Finding, ...]) -> tuple[Condition, ...]:
    """Return the gating conditions; one that no check feeds is absent.

    Args:
        findings: worst first.
    """
    conditions = (
        _fold(kind, [f for f in findings if f.check in checks]) for kind, checks in POSITIVE
    )
    return tuple(condition for condition in conditions if condition is not None)


def _fold(kind: Type, findings: list[Finding]) -> Condition | None:
    if not findings:
        return None
    for result, state in ((Result.FAIL, State.FALSE), (Result.UNKNOWN, State.UNKNOWN)):
        for finding in findings:
            if finding.result is result:
                return _says(kind, state, finding)
    signatures = (finding for finding in findings if finding.check is Check.SIGNATURE)
    unvouched = next((f for f in signatures if f.reason in _BARE), None)
    if unvouched is not None:
        return _says(kind, State.UNKNOWN, unvouched)
    if all(finding.result is Result.SKIP for finding in findings):
        return _says(kind, State.UNKNOWN, findings[0])
    if findings[0].result is Result.WARN:
        return _says(kind, State.TRUE, findings[0], reason=Reason.PASSED_WITH_WARNINGS)
    return Condition(
        type=kind, state=State.TRUE, reason=Reason.ALL_CHECKS_PASSED, message="Every check passed"
    )


def advisory(findings: tuple[Finding, ...]) -> tuple[Condition, ...]:
    """Return the warning conditions: always present, so that one can wait for False."""
    return tuple(
        _advise(kind, [f for f in findings if f.check is check], reasons)
        for kind, check, reasons in ADVISORY
    )


def _advise(kind: Type, findings: list[Finding], reasons: frozenset[Reason]) -> Condition:
    for finding in findings:
        if finding.reason in reasons and finding.result in (Result.WARN, Result.FAIL):
            return _says(kind, State.TRUE, finding)
    if any(finding.result is Result.UNKNOWN for finding in findings):
        return _says(kind, State.UNKNOWN, next(f for f in findings if f.result is Result.UNKNOWN))
    judged = [f for f in findings if f.result is not Result.SKIP]
    if judged:
        return Condition(
            type=kind, state=State.FALSE, reason=Reason.VALID, message="No token gives cause"
        )
    if findings:
        return _says(kind, State.UNKNOWN, findings[0])
    return Condition(
        type=kind,
        state=State.UNKNOWN,
        reason=Reason.NOT_VERIFIABLE,
        message="No token to judge this by",
    )


def _says(kind: Type, state: State, finding: Finding, *, reason: Reason | None = None) -> Condition:
    return Condition(
        type=kind,
        state=state,
        reason=reason or finding.reason,
        message=sentence(finding.message, finding.action),
    )
