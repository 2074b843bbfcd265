"""NotBefore and Expiry: the token's dates against `now`.

Nothing here reads a clock. A finding is the same at every `now` between two of the token's
`moments`.
"""

from datetime import datetime

from tokencheck.api.quantity import format_time, parse_time
from tokencheck.api.tokencheck import ANNOTATION_EXPIRES_AT, Policy
from tokencheck.core.checks.moments import End, Moments, moments_of
from tokencheck.core.checks.reading import (
    claim_skipped,
    claims_of,
    invalid,
    terms_of,
    text_of,
    told_of,
    unjudged,
)
from tokencheck.core.checks.words import by_policy, failed, passed, warned
from tokencheck.model.evidence import Held, TokenEvidence
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason

_ROTATE_SOON = "rotate it before its end"
_END = "use a token that expires, or say in expiry.expiresAt when it ends"
_CLOCKS = "compare the clocks of issuer and cluster"


def check_not_before(token: TokenEvidence, _policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """Return whether the token is valid yet, and a warning when it was issued in the future.

    Source: RFC 7519 sections 4.1.5 and 4.1.6; the provider's clockSkew is the leeway.
    """
    claims, moments = told_of(token), moments_of(token)
    if claims is None or moments is None:
        return ()
    findings: list[Finding] = []
    if invalid(claims, "nbf") and claims.not_before is None:
        findings.extend(claim_skipped(token, Check.NOT_BEFORE, "nbf"))
    if claims.not_before and moments.valid_at and now < moments.valid_at:
        detail = f"not valid before {format_time(claims.not_before)} (nbf)"
        action = f"wait for it, or {_CLOCKS}"
        findings.append(
            failed(token, Check.NOT_BEFORE, Reason.NOT_YET_VALID, detail, action=action)
        )
    if claims.issued_at and moments.issued_at and now < moments.issued_at:
        detail = f"issued in the future, at {format_time(claims.issued_at)} (iat)"
        findings.append(
            warned(token, Check.NOT_BEFORE, Reason.ISSUED_IN_FUTURE, detail, action=_CLOCKS)
        )
    if not findings and (claims.not_before or claims.issued_at):
        findings.append(passed(token, Check.NOT_BEFORE, "valid already"))
    return tuple(findings)


def check_expiry(token: TokenEvidence, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """Return how near the end is: of exp, expiresAt and the Secret's annotation the earliest.

    There is no leeway: a token must not be used on or after its exp. Source: RFC 7519 section
    4.1.4.
    """
    held, moments = text_of(token), moments_of(token)
    if held is None or moments is None:
        return unjudged(token, Check.EXPIRY)
    if moments.end is None:
        return (*_endless(token, policy), *_annotation(token, held))
    return (_nearness(token, policy, moments.end, moments, now), *_annotation(token, held))


def _nearness(
    token: TokenEvidence, policy: Policy, end: End, moments: Moments, now: datetime
) -> Finding:
    said_by = "" if end.by == "exp" else f" (by {end.by})"
    ends = f"ends at {format_time(end.at)}{said_by}"
    if now >= end.at:
        detail = f"expired at {format_time(end.at)}{said_by}"
        return failed(token, Check.EXPIRY, Reason.TOKEN_EXPIRED, detail, action="rotate it")
    if moments.fail_at is not None and now >= moments.fail_at:
        detail = f"{ends}, too soon since {format_time(moments.fail_at)} (failBefore)"
        return failed(token, Check.EXPIRY, Reason.EXPIRING_SOON, detail, action=_ROTATE_SOON)
    if moments.warn_at is not None and now >= moments.warn_at:
        detail = f"{ends}, which warns since {format_time(moments.warn_at)} (warnBefore)"
        soon = warned(token, Check.EXPIRY, Reason.EXPIRING_SOON, detail, action=_ROTATE_SOON)
        return by_policy(policy.expiring_soon, soon)
    return passed(token, Check.EXPIRY, ends)


def _endless(token: TokenEvidence, policy: Policy) -> tuple[Finding, ...]:
    """A JWT without an end is a finding; of an opaque token the end is only not known.

    Unless its provider says that it has none, or all caveats of a macaroon are known.

    warnBefore says when a known end is near and asks for nothing else; failBefore, of a listed
    token, asks that it has an end.
    """
    claims, told = claims_of(token), told_of(token)
    if claims is None and told is not None and told.endless:
        detail = "never ends: no caveat ends it"
        if terms_of(token) is None:
            detail = f"never ends, says {token.trust.vendor or 'its provider'}"
        endless = warned(token, Check.EXPIRY, Reason.NO_EXPIRY, detail, action=_END)
        return (by_policy(policy.no_expiry, endless),)
    if claims is None:
        asked = token.spec.listed and token.spec.expiry.fail_before is not None
        return unjudged(token, Check.EXPIRY, asked=asked)
    if invalid(claims, "exp"):
        return claim_skipped(token, Check.EXPIRY, "exp")
    detail = "never ends (no exp)"
    action = _END
    if claims.unbounded:
        detail = "ends more than 100 years ahead (exp), which is as good as never"
        action = "have the issuer correct exp: milliseconds written as seconds?"
    if claims.legacy_service_account:
        action = "use a projected service-account token, which the kubelet renews"
    endless = warned(token, Check.EXPIRY, Reason.NO_EXPIRY, detail, action=action)
    return (by_policy(policy.no_expiry, endless),)


def _annotation(token: TokenEvidence, held: Held) -> tuple[Finding, ...]:
    """An end that somebody wrote down and nobody can read must be said, or it is missed."""
    text = held.secret.annotations.get(ANNOTATION_EXPIRES_AT)
    if text is None or parse_time(text) is not None:
        return ()
    detail = f"the Secret's annotation {ANNOTATION_EXPIRES_AT} is no time"
    action = "write it like 2027-01-31T00:00:00Z"
    return (warned(token, Check.EXPIRY, Reason.INVALID_SPEC, detail, action=action),)
