"""Present: the token is where the spec or the workload says."""

from datetime import datetime

from tokencheck.api.tokencheck import Policy, ServiceAccountToken
from tokencheck.core.checks.words import failed, passed, skipped, unknown
from tokencheck.model.evidence import (
    Absent,
    Denied,
    Failed,
    Held,
    Projected,
    TokenEvidence,
    Unreachable,
)
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason

GRANT_READ = "let the operator read it: see secrets.scope of the chart"
WAIT_FOR_READ = "nothing: it is read again; if this lasts, look at the API server"


def check_present(token: TokenEvidence, _policy: Policy, _now: datetime) -> tuple[Finding, ...]:
    """Return whether the token is there and was read; an optional, unlisted one may be absent."""
    match token.holding:
        case Held():
            return (passed(token, Check.PRESENT, "exists"),)
        case Absent() as absent:
            return (_absent(token, absent),)
        case Denied(what=what):
            detail = f"the operator may not read {what}"
            return (unknown(token, Check.PRESENT, Reason.ACCESS_DENIED, detail, action=GRANT_READ),)
        case Failed(what=what):
            detail = f"{what} could not be read"
            return (
                unknown(token, Check.PRESENT, Reason.READ_FAILED, detail, action=WAIT_FOR_READ),
            )
        case Projected():
            return (_projected(token, token.holding),)
        case Unreachable():  # pragma: no branch - mypy proves it the last
            return (_unreachable(token),)


def _absent(token: TokenEvidence, absent: Absent) -> Finding:
    if isinstance(token.spec.source, ServiceAccountToken):
        # Only the workload can be absent here: there is no Secret.
        detail, action = f"{absent.what} does not exist", f"create {absent.what}"
        return unknown(token, Check.PRESENT, Reason.WORKLOAD_NOT_FOUND, detail, action=action)
    if absent.removed:  # what nobody named may be taken away on purpose: Drift asks
        detail = "the key is gone from the Secret"
        return skipped(token, Check.PRESENT, Reason.SECRET_KEY_NOT_FOUND, detail)
    if absent.key_only:
        missing = (
            "the key" if token.spec.field is None else "the key, or the field in its document,"
        )
        reason, detail = Reason.SECRET_KEY_NOT_FOUND, f"{missing} does not exist"
        action = "add it to the Secret, or correct the spec that names it"
    else:
        reason = Reason.SECRET_NOT_FOUND
        detail, action = "the Secret does not exist", f"create {absent.what}"
    if not token.spec.listed and token.sites and all(site.optional for site in token.sites):
        return skipped(token, Check.PRESENT, reason, f"{detail}; the workload starts without it")
    return failed(token, Check.PRESENT, reason, detail, action=action)


def _projected(token: TokenEvidence, projected: Projected) -> Finding:
    if projected.sites:
        return passed(token, Check.PRESENT, "the workload mounts it")
    return failed(
        token,
        Check.PRESENT,
        Reason.NOT_MOUNTED,
        "the workload mounts no such token",
        action="add a projected volume with it to the workload, or remove it from spec.tokens",
    )


def _unreachable(token: TokenEvidence) -> Finding:
    detail = "no Secret holds it, so it cannot be read"
    if token.spec.listed:
        action = "take the token from a Secret, or remove it from spec.tokens"
        return unknown(token, Check.PRESENT, Reason.NOT_READABLE, detail, action=action)
    return skipped(token, Check.PRESENT, Reason.NOT_READABLE, detail)
