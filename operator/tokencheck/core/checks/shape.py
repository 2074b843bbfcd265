"""WellFormed and Type: the text is what it claims to be."""

from datetime import datetime

from tokencheck.api.tokencheck import Policy
from tokencheck.core.checks.reading import claims_of, unjudged
from tokencheck.core.checks.words import failed, listed, passed, shown, warned
from tokencheck.model.evidence import Held, TokenEvidence
from tokencheck.model.facts import Claims, Facts, Problem
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason

_ISSUER_BUG = "have the issuer corrected: RFC 7519 does not allow this form"


def check_well_formed(token: TokenEvidence, _policy: Policy, _now: datetime) -> tuple[Finding, ...]:
    """Return every fault of the text, its header and the form of its claims."""
    if not isinstance(token.holding, Held):
        return unjudged(token, Check.WELL_FORMED)
    facts = token.holding.facts
    faults = (
        *(_problem(token, problem) for problem in facts.problems),
        *_header_faults(token, facts),
        *_claim_faults(token, facts.claims or Claims()),
    )
    return faults or (passed(token, Check.WELL_FORMED, f"a well-formed {shown(facts.kind)} token"),)


def _problem(token: TokenEvidence, problem: Problem) -> Finding:
    say = failed if problem.fatal else warned
    action = problem.action or "put the token into the Secret again, byte by byte as it was issued"
    return say(token, Check.WELL_FORMED, problem.reason, problem.detail, action=action)


def _header_faults(token: TokenEvidence, facts: Facts) -> tuple[Finding, ...]:
    """Headers that change how a token is read have no place here. Source: RFC 8725 section 3.10."""
    if facts.header is None or not facts.header.forbidden:
        return ()
    return (
        failed(
            token,
            Check.WELL_FORMED,
            Reason.MALFORMED_TOKEN,
            f"its header has {listed(facts.header.forbidden)}, which an API token may not have",
            action="use a token without these headers",
        ),
    )


def _claim_faults(token: TokenEvidence, claims: Claims) -> tuple[Finding, ...]:
    faults = (f"claim {shown(name)} {fault}" for name, fault in claims.invalid)
    return tuple(
        failed(token, Check.WELL_FORMED, Reason.CLAIM_INVALID, fault, action=_ISSUER_BUG)
        for fault in faults
    )


def check_type(token: TokenEvidence, _policy: Policy, _now: datetime) -> tuple[Finding, ...]:
    """Return whether `typ` is one that the provider accepts, or absent; opaque tokens have none.

    Source: RFC 8725 section 3.11; RFC 7515 section 4.1.9 (case, and ``application/`` left out).
    """
    if claims_of(token) is None:
        return ()
    header = token.holding.facts.header if isinstance(token.holding, Held) else None
    if header is None or header.type is None:
        return (passed(token, Check.TYPE, "the header states no typ"),)
    if _plain(header.type) in {_plain(accepted) for accepted in token.trust.types}:
        return (passed(token, Check.TYPE, f'typ is "{shown(header.type)}"'),)
    return (
        failed(
            token,
            Check.TYPE,
            Reason.WRONG_TOKEN_TYPE,
            f'typ is "{shown(header.type)}" and should be {listed(token.trust.types)} or absent',
            action="mount an access token",
        ),
    )


def _plain(media_type: str) -> str:
    return media_type.casefold().removeprefix("application/")
