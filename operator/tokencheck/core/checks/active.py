"""Active: the token's provider says that it lives, when it is asked.

A provider that cannot be asked is never the token's fault: the finding is Unknown, and says what
was last known, and when.
"""

from datetime import datetime

from tokencheck.api.path import parse_path
from tokencheck.api.quantity import format_time
from tokencheck.api.tokencheck import Policy
from tokencheck.core.checks.reading import ASK_AN_ADMIN, claims_of, text_of, unjudged
from tokencheck.core.checks.words import failed, passed, shown, skipped, unknown
from tokencheck.model.activity import Activity, ActivityState
from tokencheck.model.evidence import TokenEvidence
from tokencheck.model.facts import Facts, Family
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason
from tokencheck.model.trust import Trust

_CHECK = Check.ACTIVE
# Tokens that say by their looks whose they are, and cannot be ones of an OAuth provider.
_FOREIGN = frozenset({Family.VENDOR, Family.MACAROON})
# Of an entry in a docker configuration: a refresh token. Source: CNCF Distribution, "Oauth2 Token
# Authentication" (it stays the same); moby, "refresh_token remains the same after receiving a new
# one" (of a registry that takes each only once).
_REFRESH = "identitytoken"


def foreign(token: TokenEvidence) -> bool:
    """Return whether the token is of another kind than its provider issues.

    Whoever is shown it could use it, so it is sent to nobody.
    """
    held = text_of(token)
    if token.trust.registry:
        return held is not None and token.registry != token.trust.registry
    if held is not None and _wraps_another(held.facts):
        return True
    if token.trust.kinds:
        return held is not None and not _fits(held.facts, token.trust)
    claims = claims_of(token)
    kubernetes = claims is not None and (claims.kubernetes or claims.legacy_service_account)
    return held is not None and (held.facts.family in _FOREIGN or kubernetes)


def _fits(facts: Facts, trust: Trust) -> bool:
    """Return whether the token looks like those of its vendor, as far as these have a form."""
    return facts.kind in trust.kinds and trust.digits in (0, facts.digits)


def _wraps_another(facts: Facts) -> bool:
    """Return whether a text without a form of its own is the encoding of a token that has one."""
    opaque = facts.family is Family.OPAQUE
    return opaque and any(one.reason is Reason.MALFORMED_TOKEN for one in facts.problems)


def check_active(token: TokenEvidence, _policy: Policy, _now: datetime) -> tuple[Finding, ...]:
    """Return whether its provider accepts the token now. Source: RFC 7662 section 2.2."""
    if not token.trust.introspected:
        return ()
    held, activity = text_of(token), token.activity
    if held is None:
        return unjudged(token, _CHECK)
    if activity is None:
        detail = "its provider was not asked: only the operator does that"
        action = "look at the TokenCheck in the cluster"
        return (unknown(token, _CHECK, Reason.NOT_ASKED, detail, action=action),)
    match activity.state:
        case ActivityState.NOT_SENT:
            return (_not_sent(token, activity),)
        case ActivityState.PENDING:
            detail = f"TokenProvider {shown(activity.provider)} is being asked whether it lives"
            action = "wait: it is judged again soon"
            return (unknown(token, _CHECK, Reason.ACTIVITY_PENDING, detail, action=action),)
        case ActivityState.KNOWN:
            return (_known(token, activity),)
        case ActivityState.FAULTED:  # pragma: no branch - mypy proves it the last
            return (_faulted(token, activity),)


def _not_sent(token: TokenEvidence, activity: Activity) -> Finding:
    if activity.reason is not None:
        action = "have an admin run `tokencheck doctor`, which says what mends it"
        return unknown(token, _CHECK, activity.reason, activity.detail, action=action)
    if foreign(token) and token.trust.registry:
        return _no_login(token)
    if foreign(token):
        detail = "it is a token of another kind, so it was not shown to the provider"
        action = "name the TokenProvider that it is of, or remove providerRef"
        return unknown(token, _CHECK, Reason.NOT_VERIFIABLE, detail, action=action)
    return skipped(token, _CHECK, Reason.NOT_ASKED, "not asked: the token is known to be bad")


def _no_login(token: TokenEvidence) -> Finding:
    """Return why a registry is not shown the token.

    A refresh token is shown to none, for some end it when it is used, and nothing tells which do.
    """
    login = f'auths["{token.trust.registry}"].auth'
    detail = f"it is no login of {token.trust.vendor}, so it was not shown to the provider"
    action = f"name one with field, such as {login}"
    path = parse_path(token.spec.field or "")
    if path is not None and path[-1] == _REFRESH:
        detail = "an identitytoken is shown to nobody: some registries end it once it was used"
        action = f"have USER:PASSWORD in {login}, and name that; kubelets read no identitytoken"
    return unknown(token, _CHECK, Reason.NOT_VERIFIABLE, detail, action=action)


def _known(token: TokenEvidence, activity: Activity) -> Finding:
    provider, answer = shown(activity.provider), activity.answer
    if answer is not None and answer.active:
        return passed(token, _CHECK, f"active, says TokenProvider {provider}")
    if answer is not None and answer.stranger and not token.spec.listed:
        detail = f"TokenProvider {provider} does not know it: it may live elsewhere"
        return skipped(token, _CHECK, Reason.NOT_VERIFIABLE, detail)
    if answer is not None and answer.revoked:
        detail = f"revoked, says TokenProvider {provider}"
        return failed(token, _CHECK, Reason.REVOKED, detail, action="replace it by a new one")
    why = "revoked, expired, or not one that the operator's client may ask about"
    if token.trust.vendor:
        said = answer.why if answer and answer.why else "revoked, expired, or mistyped"
        why = f"{token.trust.vendor} does not accept it: {said}"
    detail = f"not active, says TokenProvider {provider}: {why}"
    return failed(token, _CHECK, Reason.INACTIVE, detail, action="replace it by a new one")


def _faulted(token: TokenEvidence, activity: Activity) -> Finding:
    reason = activity.reason or Reason.NOT_ASKED
    detail = f"{last_known(activity)}; TokenProvider {shown(activity.provider)}: {activity.detail}"
    return unknown(token, _CHECK, reason, detail, action=ASK_AN_ADMIN)


def last_known(activity: Activity) -> str:
    """Return the last definite answer with its time, for people."""
    if activity.answer is None or activity.answered_at is None:
        return "whether it is active is not known"
    word = "active" if activity.answer.active else "inactive"
    return f"last known {word} at {format_time(activity.answered_at)}"
