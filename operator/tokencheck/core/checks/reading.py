"""What can be read of a token, and what a check says that has nothing to read."""

from dataclasses import replace

from tokencheck.api.tokencheck import ServiceAccountToken
from tokencheck.core.checks.words import skipped, unknown
from tokencheck.model.activity import ActivityState, Answer
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

ASK_AN_ADMIN = (
    "it is asked again by itself; `kubectl describe tokenprovider` tells an admin what to mend"
)
ONLY_ITS_ISSUER = "remove this expectation from the spec; only its issuer could tell"
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


def terms_of(token: TokenEvidence) -> Claims | None:
    """Return what a text that is no JWT says of its own use; None where it says nothing."""
    held = text_of(token)
    return held.facts.terms if held is not None else None


def answer_of(token: TokenEvidence) -> Answer | None:
    """Return the present word of the token's provider; None when it gives none now."""
    activity = token.activity
    if activity is None or activity.state is not ActivityState.KNOWN or text_of(token) is None:
        return None
    return activity.answer


def told_of(token: TokenEvidence) -> Claims | None:
    """Return the claims of a token, completed by what its provider says of it.

    Of an opaque token all is the provider's word, of a macaroon that of its caveats. A JWT says for
    itself who issued it and for whom, and a password of ECR when it ends; where it has no scopes or
    no end, the provider's count. A part that neither names is None.
    """
    own, answer = claims_of(token) or terms_of(token), answer_of(token)
    if answer is None or not answer.active:
        return own
    said = answer.claims
    if own is None:
        return replace(said, invalid=())
    if own.expires_at is None and not invalid(own, "exp"):
        own = replace(own, expires_at=said.expires_at, unbounded=said.unbounded)
    return own if own.scopes is not None else replace(own, scopes=said.scopes)


def voucher_for(token: TokenEvidence) -> str:
    """Return how to have somebody vouch for what only the token says, where anybody can."""
    return USE_A_PROVIDER if terms_of(token) is None else ONLY_ITS_ISSUER


def vouched(token: TokenEvidence) -> bool:
    """Return whether somebody that the spec or its provider trusts stands for the claims.

    A key that signed them, or the provider that accepts the token now.
    """
    held, answer = text_of(token), answer_of(token)
    if answer is not None and answer.active:
        return True
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
    if token.trust.introspected:
        return _untold(token, check, reason, asked=asked)
    if asked:
        return unknown(token, check, reason, detail, action=ONLY_ITS_ISSUER)
    return skipped(token, check, reason, detail)


def _untold(token: TokenEvidence, check: Check, reason: Reason, *, asked: bool) -> Finding:
    """Only its provider could tell: why it does not is the cause, where it is known."""
    why = token.activity.reason if token.activity else None
    detail = "it does not say this of itself, and its provider does not tell it"
    if not asked:
        return skipped(token, check, reason, detail)
    if why is not None:
        return unknown(token, check, why, f"{detail} now", action=ASK_AN_ADMIN)
    action = "have the provider's introspection tell it, or remove this expectation from the spec"
    return unknown(token, check, reason, detail, action=action)
