"""The result of one check on one token."""

from dataclasses import dataclass
from enum import StrEnum

from tokencheck.model.reasons import Reason


class Result(StrEnum):
    """What a check found. UNKNOWN is never shown as any of the others."""

    PASS = "Pass"
    WARN = "Warn"
    FAIL = "Fail"
    UNKNOWN = "Unknown"
    SKIP = "Skip"


class Verdict(StrEnum):
    """What is known of a token, or of all tokens of a TokenCheck."""

    VALID = "Valid"
    INVALID = "Invalid"
    UNKNOWN = "Unknown"


class Check(StrEnum):
    """The expectations, in the order of the chain.

    The first in it names the reason of a verdict.
    """

    SPEC = "Spec"
    PRESENT = "Present"
    WELL_FORMED = "WellFormed"
    TYPE = "Type"
    SIGNATURE = "Signature"
    ISSUER = "Issuer"
    AUDIENCE = "Audience"
    SUBJECT = "Subject"
    NOT_BEFORE = "NotBefore"
    EXPIRY = "Expiry"
    LIFETIME = "Lifetime"
    AGE = "Age"
    ACTIVE = "Active"
    SCOPES = "Scopes"
    EXCESS_SCOPES = "ExcessScopes"
    DRIFT = "Drift"
    STALE_IN_PODS = "StaleInPods"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's result.

    Args:
        token: name of the token as the status shows it; "" when the finding is about the
            TokenCheck.
        check: which expectation.
        result: what was found.
        reason: why, from the closed list.
        message: what is wrong and where (``Secret shop/payments-api key "token": expired 3 h ago
            …``); at most 256 bytes
            when rendered; never token text, never text of a foreign exception.
        action: what to do next; empty for Pass.
    """

    token: str
    check: Check
    result: Result
    reason: Reason
    message: str
    action: str = ""


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """Return the verdict: any Fail is Invalid, else any Unknown is Unknown.

    Nothing but Skips, or nothing, is Unknown.
    """
    results = {finding.result for finding in findings}
    if Result.FAIL in results:
        return Verdict.INVALID
    if Result.UNKNOWN in results or not results & {Result.PASS, Result.WARN}:
        return Verdict.UNKNOWN
    return Verdict.VALID
