"""Signature: somebody vouches for what the token says."""

from datetime import datetime

from tokencheck.api.quantity import format_time
from tokencheck.api.tokencheck import Policy, TokenSpec
from tokencheck.core.checks.presence import GRANT_READ, WAIT_FOR_READ
from tokencheck.core.checks.reading import (
    ASK_AN_ADMIN,
    USE_A_PROVIDER,
    claims_of,
    text_of,
    unjudged,
)
from tokencheck.core.checks.words import (
    by_policy,
    failed,
    passed,
    shown,
    skipped,
    unknown,
    warned,
)
from tokencheck.model.evidence import TokenEvidence
from tokencheck.model.facts import Facts, Signature, SignatureState
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason
from tokencheck.model.trust import Trust, TrustState

_CHECK = Check.SIGNATURE


def check_signature(token: TokenEvidence, policy: Policy, _now: datetime) -> tuple[Finding, ...]:
    """Return whether a trusted key signed the token; who cannot be trusted is named first."""
    held = text_of(token)
    if held is None:
        return unjudged(token, _CHECK, asked=_asked(token.spec))
    if _forbidden(held.facts, token.trust):
        return (_algorithm_forbidden(token, held.facts),)
    if token.trust.introspected and held.facts.claims is None:
        return ()  # nothing is signed: its provider says whether it is genuine (Active)
    unusable = _unusable(token)
    if unusable is not None:
        return (unusable,)
    if claims_of(token) is None:
        return unjudged(token, _CHECK, asked=_asked(token.spec))
    if token.trust.state is TrustState.NONE and token.trust.introspected:
        detail = "its provider names no public keys, and is asked about it instead (Active)"
        return (skipped(token, _CHECK, Reason.NOT_VERIFIABLE, detail),)
    if token.trust.state is TrustState.NONE:
        return (_local_only(token, policy),)
    return _by_key(token, held.facts.signature)


def _asked(spec: TokenSpec) -> bool:
    """Return whether the spec asks for something that only a signature can vouch for."""
    return bool(
        spec.provider
        or spec.keys
        or spec.issuer
        or spec.audiences
        or spec.subject
        or spec.scopes.asked
    )


def _forbidden(facts: Facts, trust: Trust) -> bool:
    """Return whether the algorithm cannot vouch: unsigned, or a shared secret beside public keys.

    Without keys an HS* token is one that nobody vouches for here, like any other.
    Source: RFC 8725 sections 3.1 and 3.2.
    """
    if facts.signature.state is SignatureState.ALGORITHM_FORBIDDEN:
        return True
    if facts.claims is None or facts.header is None:
        return False
    algorithm = facts.header.algorithm
    shared = algorithm.upper().startswith("HS") and algorithm not in trust.algorithms
    return (shared and trust.state is not TrustState.NONE) or algorithm.casefold() == "none"


def _algorithm_forbidden(token: TokenEvidence, facts: Facts) -> Finding:
    name = shown(facts.header.algorithm) if facts.header else ""
    return failed(
        token,
        _CHECK,
        Reason.ALGORITHM_FORBIDDEN,
        f'the algorithm "{name}" is not allowed',
        action="have it issued with an asymmetric algorithm that the TokenProvider allows",
    )


def _unusable(token: TokenEvidence) -> Finding | None:
    """Return Unknown when who should vouch cannot: that is never the token's fault."""
    trust = token.trust
    where = trust.detail or "the public keys"
    match trust.state:
        case TrustState.NONE | TrustState.USABLE:
            return None
        case TrustState.NOT_USABLE:
            reason = Reason.PROVIDER_NOT_USABLE
            detail = f'TokenProvider "{shown(trust.provider)}" is not usable from this namespace'
            action = (
                "correct providerRef, or ask an admin for the provider and its allowedNamespaces"
            )
        case TrustState.KEYS_UNAVAILABLE:
            reason = trust.reason or Reason.KEYS_UNAVAILABLE
            detail = f"no usable public key: {where}"
            action = (
                ASK_AN_ADMIN
                if trust.reason
                else "put the issuer's JWKS where the keys are expected"
            )
        case TrustState.DENIED:
            reason, detail = Reason.ACCESS_DENIED, f"the operator may not read the keys: {where}"
            action = GRANT_READ
        case TrustState.READ_FAILED:
            reason, detail = Reason.READ_FAILED, f"the keys could not be read: {where}"
            action = WAIT_FOR_READ
        case TrustState.PENDING:  # pragma: no branch - mypy proves it the last
            reason, detail, action = Reason.KEYS_PENDING, where, "wait: it is judged again soon"
    return unknown(token, _CHECK, reason, detail, action=action)


def _local_only(token: TokenEvidence, policy: Policy) -> Finding:
    detail = "nobody vouches for it: only its shape and dates were checked"
    return by_policy(
        policy.unverified,
        warned(token, _CHECK, Reason.LOCAL_CHECKS_ONLY, detail, action=USE_A_PROVIDER),
    )


def _age(trust: Trust) -> str:
    """Return how old the keys of a server are, when it no longer answers."""
    if trust.read_at is None or trust.reason is None:
        return ""
    return f" (keys of {format_time(trust.read_at)}; {trust.reason} since)"


def _by_key(token: TokenEvidence, signature: Signature) -> tuple[Finding, ...]:
    detail = f": {signature.detail}" if signature.detail else ""
    match signature.state:
        case SignatureState.VERIFIED if signature.weak_key:
            text, action = f"signed with a weak key{detail}", "have the issuer use a longer key"
            return (warned(token, _CHECK, Reason.WEAK_KEY, text, action=action),)
        case SignatureState.VERIFIED:
            return (passed(token, _CHECK, f"signed by a trusted key{_age(token.trust)}"),)
        case SignatureState.INVALID | SignatureState.ALGORITHM_FORBIDDEN:
            text = f"the signature does not match any trusted key{detail}"
            action = "replace it: it was altered, or another issuer signed it"
            return (failed(token, _CHECK, Reason.SIGNATURE_INVALID, text, action=action),)
        case SignatureState.KEY_NOT_FOUND:
            text = f"no trusted key has its key id{detail}{_age(token.trust)}"
            action = "add the issuer's new key to the key set, or use a token of this issuer"
            return (unknown(token, _CHECK, Reason.KEY_NOT_FOUND, text, action=action),)
        case SignatureState.KEY_UNUSABLE:
            text = f"the trusted key does not fit its algorithm{detail}"
            action = "correct the key in the key set"
            return (unknown(token, _CHECK, Reason.KEY_UNUSABLE, text, action=action),)
        case (
            SignatureState.NOT_APPLICABLE | SignatureState.NO_KEYS
        ):  # pragma: no branch - mypy proves it the last
            text, action = (
                "no key could be tried",
                "put the issuer's JWKS where the keys are expected",
            )
            return (unknown(token, _CHECK, Reason.KEYS_UNAVAILABLE, text, action=action),)
