"""What can be read of a token, and what a check says that has nothing to read."""

from tokencheck.api.tokencheck import ServiceAccountToken
from tokencheck.core.checks.words import skipped, unknown
from tokencheck.model.evidence import (
    Absent,
    Denied,
    Failed,
    Held,
    Projected,
    TokenEvidence,
    Unreachable,
)
from tokencheck.model.facts import Claims, SignatureState
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason
from tokencheck.model.trust import TrustState

USE_A_PROVIDER = "name a TokenProvider in providerRef, or public keys in keys.configMapKeyRef"


def text_of(token: TokenEvidence) -> Held | None:
    """Return the token when its text was read and is whole; None in every other case."""
    holding = token.holding
    if isinstance(holding, Held) and not any(problem.fatal for problem in holding.facts.problems):
        return holding
    return None


def claims_of(token: TokenEvidence) -> Claims | None:
    """Return the claims of a token; None for an opaque, unread or malformed one."""
    held = text_of(token)
    return held.facts.claims if held is not None else None


def vouched(token: TokenEvidence) -> bool:
    """Return whether a key that the spec or its provider trusts signed the claims."""
    held = text_of(token)
    return (
        held is not None
        and token.trust.state is TrustState.USABLE
        and held.facts.signature.state is SignatureState.VERIFIED
    )


def invalid(claims: Claims, *names: str) -> bool:
    """Return whether a claim of one of these names is there in a form that cannot be judged."""
    return any(name in names for name, _ in claims.invalid)


def claim_skipped(token: TokenEvidence, check: Check, name: str) -> tuple[Finding, ...]:
    """Return Skip for a claim whose form is wrong; WellFormed has said so and fails."""
    detail = f"not judged: the claim {name} has a wrong form"
    return (skipped(token, check, Reason.CLAIM_INVALID, detail),)


def unjudged(
    token: TokenEvidence,
    check: Check,
    *,
    asked: bool = False,
    reason: Reason = Reason.NOT_VERIFIABLE,
) -> tuple[Finding, ...]:
    """Return what a check says that needs claims and has none.

    Args:
        token: one without readable claims.
        check: which expectation.
        asked: whether the spec asks for what the check would tell.
        reason: why, when the token was read and is opaque.
    """
    match token.holding:
        case Projected():
            # The kubelet issues and renews it: nothing stands in a Secret, so nothing is missed.
            return (_unreadable(token, check, asked=True),) if asked else ()
        case Unreachable():
            return (_unreadable(token, check, asked=asked),)
        case Absent() | Denied() | Failed():
            return (
                skipped(
                    token, check, _why_unread(token, token.holding), "not judged: it was not read"
                ),
            )
        case Held(facts=facts):  # pragma: no branch - mypy proves it the last
            for problem in facts.problems:
                if problem.fatal:
                    detail = "not judged: the text has no readable form"
                    return (skipped(token, check, problem.reason, detail),)
            return (_opaque(token, check, reason, asked=asked),)


def _why_unread(token: TokenEvidence, holding: Absent | Denied | Failed) -> Reason:
    match holding:
        case Absent() if isinstance(token.spec.source, ServiceAccountToken):
            return Reason.WORKLOAD_NOT_FOUND
        case Absent(key_only=key_only):
            return Reason.SECRET_KEY_NOT_FOUND if key_only else Reason.SECRET_NOT_FOUND
        case Denied():
            return Reason.ACCESS_DENIED
        case Failed():  # pragma: no branch - mypy proves it the last
            return Reason.READ_FAILED


def _unreadable(token: TokenEvidence, check: Check, *, asked: bool) -> Finding:
    detail = "no Secret holds it, so its claims cannot be read"
    if asked:
        action = "remove what cannot be read from the spec, or take the token from a Secret"
        return unknown(token, check, Reason.NOT_READABLE, detail, action=action)
    return skipped(token, check, Reason.NOT_READABLE, detail)


def _opaque(token: TokenEvidence, check: Check, reason: Reason, *, asked: bool) -> Finding:
    detail = "it does not say this of itself, so it is not judged"
    if asked:
        action = "remove this expectation from the spec; only its issuer could tell"
        return unknown(token, check, reason, detail, action=action)
    return skipped(token, check, reason, detail)
