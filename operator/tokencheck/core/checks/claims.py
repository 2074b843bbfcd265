"""Issuer, Audience, Subject: the token is of whom, for whom and about whom the spec says.

All comparisons are exact, character by character. Source: RFC 7519 section 2 (StringOrURI), RFC
8725 section 3.8.
"""

from datetime import datetime

from tokencheck.api.tokencheck import Policy
from tokencheck.core.checks.reading import (
    claim_skipped,
    claims_of,
    invalid,
    told_of,
    unjudged,
    vouched,
    voucher_for,
)
from tokencheck.core.checks.words import failed, listed, passed, shown, unknown, warned
from tokencheck.model.evidence import TokenEvidence
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason


def check_issuer(token: TokenEvidence, _policy: Policy, _now: datetime) -> tuple[Finding, ...]:
    """Return whether `iss` is the one of the spec and of the provider, where these name one."""
    expected = tuple(dict.fromkeys(i for i in (token.spec.issuer, token.trust.issuer) if i))
    if not expected:
        return ()
    claims = told_of(token)
    if claims is None or _untold(token, claims.issuer):
        return unjudged(token, Check.ISSUER, asked=token.spec.issuer is not None)
    if invalid(claims, "iss"):
        return claim_skipped(token, Check.ISSUER, "iss")
    for issuer in expected:
        if claims.issuer != issuer:
            return (_other_issuer(token, claims.issuer, issuer),)
    return (agreed(token, Check.ISSUER, f'iss is "{shown(expected[0])}"'),)


def _other_issuer(token: TokenEvidence, found: str | None, expected: str) -> Finding:
    if found is None:
        detail = f'has no iss and should have "{shown(expected)}"'
    else:
        detail = f'iss is "{shown(found)}" and should be "{shown(expected)}"'
        if found.rstrip("/") == expected.rstrip("/"):
            detail += " (the trailing slash counts)"
    action = "use a token of this issuer, or correct the expected issuer"
    return failed(token, Check.ISSUER, Reason.ISSUER_MISMATCH, detail, action=action)


def check_audience(token: TokenEvidence, _policy: Policy, _now: datetime) -> tuple[Finding, ...]:
    """Return whether `aud` names an expected audience, and a warning when it names others too.

    Source: RFC 7519 section 4.1.3.
    """
    expected = token.spec.audiences
    if not expected:
        return ()
    claims = told_of(token)
    if claims is None or _untold(token, claims.audiences):
        return unjudged(token, Check.AUDIENCE, asked=True)
    if invalid(claims, "aud"):
        return claim_skipped(token, Check.AUDIENCE, "aud")
    found = claims.audiences or ()
    if not set(found) & set(expected):
        detail = f"aud is {listed(found)} and should be {listed(expected)}"
        action = f"request the token for {listed(expected)}"
        return (failed(token, Check.AUDIENCE, Reason.AUDIENCE_MISMATCH, detail, action=action),)
    meets = agreed(token, Check.AUDIENCE, f"aud is {listed(found)}")
    extra = sorted(set(found) - set(expected))
    if not extra:
        return (meets,)
    detail = f"aud also names {listed(extra)}: these accept the token too"
    broad = warned(
        token,
        Check.AUDIENCE,
        Reason.AUDIENCE_TOO_BROAD,
        detail,
        action=f"request the token for {listed(expected)} alone",
    )
    return (meets, broad)


def check_subject(token: TokenEvidence, _policy: Policy, _now: datetime) -> tuple[Finding, ...]:
    """Return whether `sub` is the expected one; no message shows it, it may name a person."""
    if token.spec.subject is None:
        return ()
    claims = told_of(token)
    if claims is None or _untold(token, claims.subject):
        return unjudged(token, Check.SUBJECT, asked=True)
    if invalid(claims, "sub"):
        return claim_skipped(token, Check.SUBJECT, "sub")
    if claims.subject == token.spec.subject:
        return (agreed(token, Check.SUBJECT, "sub is the expected one"),)
    what = "has no sub" if claims.subject is None else "sub is not the one of the spec"
    action = "use the token of the expected subject, or correct subject in the spec"
    return (failed(token, Check.SUBJECT, Reason.SUBJECT_MISMATCH, what, action=action),)


def _untold(token: TokenEvidence, part: object) -> bool:
    """What a JWT leaves out it lacks; what an introspection leaves out is unknown.

    Source: RFC 7662 section 2.2: all but `active` is optional.
    """
    return part is None and claims_of(token) is None


def agreed(token: TokenEvidence, check: Check, detail: str) -> Finding:
    """Return Pass for a claim that a key vouches for; Unknown when only the token says it."""
    if vouched(token):
        return passed(token, check, detail)
    text = f"{detail}, by its own word: no trusted key vouches for it"
    return unknown(token, check, Reason.NOT_VERIFIABLE, text, action=voucher_for(token))
