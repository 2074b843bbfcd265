"""Scopes that are permissions: what the owner of a token may do, asked one by one.

What he may do beside is known where the RBAC of the cluster can be read; there is no list of all
that is granted.
"""

from tokencheck.api.quantity import format_time
from tokencheck.api.tokencheck import Level, Policy
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
from tokencheck.model.evidence import Excess, Permissions, TokenEvidence
from tokencheck.model.finding import Check, Finding, Result
from tokencheck.model.rbac import Unseen
from tokencheck.model.reasons import Reason

_CHECK = Check.SCOPES
_FORM = (
    "write VERB:RESOURCE[.GROUP][/SUBRESOURCE][@NAMESPACE], such as get:configmaps or"
    " create:jobs.batch"
)
_READ_RBAC = "providers.rbac: true in the chart's values lets the operator read it from Roles"
# Why excess is not known, and what mends it: None where nobody looks for it.
_UNSEEN: dict[Unseen | None, tuple[str, str]] = {
    None: ("the API server is asked about these scopes alone", ""),
    Unseen.DENIED: ("the API server is asked about these scopes alone", _READ_RBAC),
    Unseen.UNANSWERED: ("Roles and bindings could not be read", "it is tried again by itself"),
    Unseen.TOO_MUCH: (
        "the cluster has more Roles and bindings than are read",
        "remove those that nobody needs; `kubectl get rolebindings,roles -A` lists most",
    ),
    Unseen.UNPLACED: (
        "the API server does not say whether what the spec names is in namespaces",
        "it is asked again by itself; @NAMESPACE or @* behind a scope says where it is meant",
    ),
}
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
    """Return whether the owner may do more than is required and allowed, as RBAC grants it.

    Where that is not known it is a Skip, as a warning that cannot be told; and Unknown where the
    policy has excess fail.
    """
    excess = token.permissions.excess if token.permissions else None
    why, action = _UNSEEN[token.permissions.unseen if token.permissions else None]
    found = _excess(token, excess) if excess else unseen(token, policy.excess_scopes, why, action)
    if found.result is Result.WARN:
        return (by_policy(policy.excess_scopes, found),)
    return (found,)


def _excess(token: TokenEvidence, excess: Excess) -> Finding:
    as_read = f", as read at {format_time(excess.as_of)}" if excess.as_of else ""
    if not excess.count and not excess.at_least:
        detail = f"may do no more than asked for, by the RBAC of this cluster{as_read}"
        return passed(token, Check.EXCESS_SCOPES, detail)
    more = "1 thing" if excess.count == 1 else f"{excess.count} things"
    least = "at least " if excess.at_least else ""
    named = f": {listed(excess.scopes, of=excess.count)}" if excess.count else ""
    detail = f"RBAC grants {least}{more} more than it needs{as_read}{named}"
    if not excess.count:
        detail = f"RBAC grants more than can be compared with what it needs{as_read}"
    action = "narrow the Roles that are bound to it, or add what it needs to allowed"
    return warned(token, Check.EXCESS_SCOPES, Reason.SCOPE_EXCESS, detail, action=action)


def unseen(token: TokenEvidence, level: Level, why: str, action: str) -> Finding:
    """Return that excess is not known: a Skip, and Unknown where the policy has excess fail."""
    detail = f"what else it may do is not known: {why}"
    check, reason = Check.EXCESS_SCOPES, Reason.SCOPE_UNKNOWN
    if level is Level.FAIL and text_of(token) is not None and not _is_dead(token):
        return unknown(token, check, reason, detail, action=action or ASK_AN_ADMIN)
    return skipped(token, check, reason, detail, action=action)


def _unanswered(token: TokenEvidence, found: Permissions) -> list[Finding]:
    silent = [one for one, said in found.said.items() if said is None]
    unlisted = [one for one in silent if one in found.unlisted]
    misplaced = [one for one in silent if one in found.misplaced]
    quiet = [one for one in silent if one not in (*found.formless, *unlisted, *misplaced)]
    findings = []
    if found.formless:
        detail = f"{listed(found.formless)} is no permission of Kubernetes"
        findings.append(unknown(token, _CHECK, Reason.SCOPE_UNKNOWN, detail, action=_FORM))
    if misplaced:
        detail = f"names a namespace for what is in none: {listed(misplaced)}"
        action = "leave @NAMESPACE out: it is of the whole cluster, and no RoleBinding gives it"
        findings.append(unknown(token, _CHECK, Reason.SCOPE_UNKNOWN, detail, action=action))
    if unlisted:
        detail = f"the API server lists no such resource, or does not answer: {listed(unlisted)}"
        findings.append(unknown(token, _CHECK, Reason.SCOPE_UNKNOWN, detail, action=_NAMES))
    if quiet:
        detail = f"the API server does not say whether it may do {listed(quiet)}"
        action = "it is asked again by itself; `tokencheck doctor` tells an admin what is missing"
        findings.append(unknown(token, _CHECK, Reason.SCOPE_UNKNOWN, detail, action=action))
    return findings


def _is_dead(token: TokenEvidence) -> bool:
    """Return whether the API server does not accept it: whose it was is nothing to judge."""
    activity = token.activity
    if activity is None or activity.state is not ActivityState.KNOWN or activity.answer is None:
        return False
    return not activity.answer.active


def _unasked(token: TokenEvidence) -> tuple[Finding, ...]:
    if _is_dead(token):
        detail = "not judged: the token is not active"
        return (skipped(token, _CHECK, Reason.INACTIVE, detail),)
    activity = token.activity
    if activity is not None and activity.state is ActivityState.KNOWN:
        reason = Reason.SCOPE_UNKNOWN
    elif activity is not None and activity.state is ActivityState.PENDING:
        reason = Reason.ACTIVITY_PENDING
    else:
        reason = (activity and activity.reason) or Reason.NOT_ASKED
    detail = "whose token it is is not known, so nobody could be asked what he may do"
    return (unknown(token, _CHECK, reason, detail, action=ASK_AN_ADMIN),)
