"""Scopes that are permissions: what the owner of a token may do, asked one by one.

What he may do beside is known where the RBAC of the cluster can be read; there is no list of all
that is granted.
"""

from tokencheck.api.tokencheck import Policy
from tokencheck.core.checks.reading import ASK_AN_ADMIN, text_of, unjudged
from tokencheck.core.checks.words import (
    by_policy,
    failed,
    listed,
    passed,
    skipped,
    unknown,
    warned,
)
from tokencheck.model.activity import ActivityState
from tokencheck.model.evidence import Permissions, TokenEvidence
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason

_CHECK = Check.SCOPES
_FORM = (
    "write VERB:RESOURCE[.GROUP][/SUBRESOURCE][@NAMESPACE], such as get:configmaps or"
    " create:jobs.batch"
)
_READ_RBAC = "providers.rbac: true in the chart's values lets the operator read it from Roles"

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


def check_excess(token: TokenEvidence, policy: Policy) -> tuple[Finding, ...]:
    """Return whether the owner may do more than is required and allowed, as RBAC grants it."""
    excess = token.permissions.excess if token.permissions else None
    if excess is None:
        detail = (
            "what else it may do is not known: the API server is asked about these scopes alone"
        )
        action = _READ_RBAC if token.permissions else ""
        reason = Reason.SCOPE_UNKNOWN
        return (skipped(token, Check.EXCESS_SCOPES, reason, detail, action=action),)
    if not excess.count:
        detail = "may do no more than asked for, by the RBAC of this cluster"
        return (passed(token, Check.EXCESS_SCOPES, detail),)
    more = "1 thing" if excess.count == 1 else f"{excess.count} things"
    detail = f"RBAC grants {more} more than it needs: {listed(excess.scopes, of=excess.count)}"
    action = "narrow the Roles that are bound to it, or add what it needs to allowed"
    found = warned(token, Check.EXCESS_SCOPES, Reason.SCOPE_EXCESS, detail, action=action)
    return (by_policy(policy.excess_scopes, found),)


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
