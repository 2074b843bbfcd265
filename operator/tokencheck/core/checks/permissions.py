"""Scopes that are permissions: what the owner of a token may do, asked one by one.

What was not asked about is not known, so there is no excess, and no list of all that is granted.
"""

from tokencheck.core.checks.reading import ASK_AN_ADMIN, text_of, unjudged
from tokencheck.core.checks.words import failed, listed, passed, skipped, unknown
from tokencheck.model.activity import ActivityState
from tokencheck.model.evidence import Permissions, TokenEvidence
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason

_CHECK = Check.SCOPES
_FORM = "write VERB:RESOURCE[.GROUP][/SUBRESOURCE], such as get:configmaps or create:jobs.batch"

_NAMES = (
    "compare resource and group with `kubectl api-resources`; what is installed later is found by"
    " itself"
)


def check_permissions(token: TokenEvidence) -> tuple[Finding, ...]:
    """Return whether the owner may do what is required and nothing that is forbidden."""
    if text_of(token) is None:
        return unjudged(token, _CHECK, asked=True, reason=Reason.SCOPE_UNKNOWN)
    if token.permissions is None:
        return _unasked(token)
    required, forbidden = token.spec.scopes.required, token.spec.scopes.forbidden
    missing = [one for one in required if token.permissions.said.get(one) is False]
    excess = [one for one in forbidden if token.permissions.said.get(one) is True]
    findings = []
    if missing:
        detail, action = (
            f"may not do {listed(missing)}",
            f"bind a Role with {listed(missing)} to it",
        )
        findings.append(failed(token, _CHECK, Reason.SCOPE_MISSING, detail, action=action))
    if excess:
        detail = f"may do what the spec forbids: {listed(excess)}"
        action = f"take the Role away that allows {listed(excess)}"
        findings.append(failed(token, _CHECK, Reason.SCOPE_FORBIDDEN, detail, action=action))
    findings += _unanswered(token, token.permissions)
    may = "may do what the spec asks for, and nothing that it forbids"
    return tuple(findings) or (passed(token, _CHECK, may),)


def excess_unknown(token: TokenEvidence) -> tuple[Finding, ...]:
    """Return that nobody says what else the owner may do."""
    detail = "what else it may do is not known: the API server is asked about these scopes alone"
    return (skipped(token, Check.EXCESS_SCOPES, Reason.SCOPE_UNKNOWN, detail),)


def _unanswered(token: TokenEvidence, found: Permissions) -> list[Finding]:
    silent = [one for one, said in found.said.items() if said is None]
    wrong = [one for one in silent if one in found.formless]
    unlisted = [one for one in silent if one in found.unlisted]
    quiet = [one for one in silent if one not in (*wrong, *unlisted)]
    findings = []
    if wrong:
        detail = f"{listed(wrong)} is no permission of Kubernetes"
        findings.append(unknown(token, _CHECK, Reason.SCOPE_UNKNOWN, detail, action=_FORM))
    if unlisted:
        detail = f"the API server lists no such resource, or does not answer: {listed(unlisted)}"
        findings.append(unknown(token, _CHECK, Reason.SCOPE_UNKNOWN, detail, action=_NAMES))
    if quiet:
        detail = f"the API server does not say whether it may do {listed(quiet)}"
        action = "it is asked again by itself; `tokencheck doctor` tells an admin what is missing"
        findings.append(unknown(token, _CHECK, Reason.SCOPE_UNKNOWN, detail, action=action))
    return findings


def _unasked(token: TokenEvidence) -> tuple[Finding, ...]:
    activity = token.activity
    if activity is not None and activity.state is ActivityState.KNOWN:
        if activity.answer is not None and not activity.answer.active:
            detail = "not judged: the token is not active"
            return (skipped(token, _CHECK, Reason.INACTIVE, detail),)
        reason = Reason.SCOPE_UNKNOWN
    elif activity is not None and activity.state is ActivityState.PENDING:
        reason = Reason.ACTIVITY_PENDING
    else:
        reason = (activity and activity.reason) or Reason.NOT_ASKED
    detail = "whose token it is is not known, so nobody could be asked what he may do"
    return (unknown(token, _CHECK, reason, detail, action=ASK_AN_ADMIN),)
