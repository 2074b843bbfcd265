"""What was decided about the tokens of one TokenCheck, before anything is written."""

from dataclasses import dataclass
from datetime import datetime

from tokencheck.model.evidence import TokenEvidence
from tokencheck.model.finding import Finding, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAssessment:
    """One token, judged.

    Args:
        evidence: what it was judged by.
        findings: of all checks, in the order of the chain.
        verdict: fold of the findings.
        granted, missing, excess: scopes, closed over `implies` where that is said; None when
            unknown.
        expires_at: the earlier of exp, expiresAt and the annotation; None when none is known.
        drifted: what differs from the baseline (``audiences``, ``scopes`` …).
    """

    evidence: TokenEvidence
    findings: tuple[Finding, ...]
    verdict: Verdict
    granted: tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()
    excess: tuple[str, ...] = ()
    expires_at: datetime | None = None
    drifted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """All tokens, judged.

    Args:
        findings: those of Live tokens and of the check itself, in the order that names the reason.
        test_findings: those of Test tokens; shown, never gating.
        wake_at: the next moment at which time alone changes a finding; None when none does.
    """

    tokens: tuple[TokenAssessment, ...]
    findings: tuple[Finding, ...]
    test_findings: tuple[Finding, ...]
    verdict: Verdict
    wake_at: datetime | None = None
