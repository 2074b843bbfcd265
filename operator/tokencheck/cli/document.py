"""What is shown, as JSON values: the words of the status, from a status or from an assessment.

From an assessment come all findings, those that pass included; a status keeps only the others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tokencheck.api.quantity import format_time
from tokencheck.core.outcome.status import token_status
from tokencheck.model.assessment import Assessment, TokenAssessment
from tokencheck.model.finding import Check, Finding, Result

# The checks speak of the operator; here it is the caller who reads.
_CALLER = (
    ("the operator may not read", "you may not read"),
    ("let the operator read it: see secrets.scope of the chart", "ask for the right to get it"),
    ("let the operator list and watch Pods", "ask for the right to list Pods"),
)


Words = tuple[tuple[str, str], ...]


def results_of(assessment: Assessment, now: datetime, *, words: Words = ()) -> dict[str, Any]:
    """Return verdict, counts, tokens and all findings of `assessment`, worst first.

    Args:
        assessment: judged by this command, with the caller's rights.
        now: the moment of the verdict.
        words: what the checks say, and how it is said to the caller of this command.
    """
    words = (*_CALLER, *words)
    findings = [_in_words(f, words) for f in (*assessment.findings, *assessment.test_findings)]
    counts = {str(result).lower(): 0 for result in Result}
    for finding in assessment.findings:
        counts[str(finding.result).lower()] += 1
    return {
        "verdict": str(assessment.verdict),
        "at": format_time(now),
        "summary": counts,
        "tokens": [_token(token, findings) for token in assessment.tokens],
        "findings": [_finding(finding) for finding in findings],
    }


def without_memory(assessment: Assessment) -> Assessment:
    """Return the assessment without Drift: there is nothing that the token was before."""
    return replace(
        assessment,
        findings=_but_drift(assessment.findings),
        tokens=tuple(replace(t, findings=_but_drift(t.findings)) for t in assessment.tokens),
    )


def _but_drift(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(f for f in findings if f.check is not Check.DRIFT)


def _token(token: TokenAssessment, findings: list[Finding]) -> Mapping[str, Any]:
    """Return the token in the words of the status, none of it cut for the others' sake."""
    own = tuple(f for f in findings if f.token == token.evidence.spec.name)
    return token_status(replace(token, findings=own), token.evidence.baseline)


def _finding(finding: Finding) -> dict[str, str]:
    fields = {
        "token": finding.token,
        "check": str(finding.check),
        "result": str(finding.result),
        "reason": str(finding.reason),
        "message": finding.message,
        "action": finding.action,
    }
    return {name: value for name, value in fields.items() if value}


def _in_words(finding: Finding, words: Words) -> Finding:
    message, action = finding.message, finding.action
    for said, meant in words:
        message, action = message.replace(said, meant), action.replace(said, meant)
    return replace(finding, message=message, action=action)
