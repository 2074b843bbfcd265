"""All facts about the text of one token: the one call that gathers make."""

from dataclasses import replace

from tokencheck.core.tokens.caveats import left_by
from tokencheck.core.tokens.claims import claims_of
from tokencheck.core.tokens.ecr import end_of
from tokencheck.core.tokens.fingerprint import fingerprint
from tokencheck.core.tokens.jws import Jws, parse_jws
from tokencheck.core.tokens.keys import verify
from tokencheck.core.tokens.kinds import ECR
from tokencheck.core.tokens.macaroon import caveats_of
from tokencheck.core.tokens.recognise import digits_of, kind_of, undressed
from tokencheck.core.tokens.text import encoded_twice, text_fault, white_space
from tokencheck.model.facts import Claims, Facts, Family, Problem, Signature, SignatureState
from tokencheck.model.reveal import reveal
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust, TrustState

NESTED = "NestedJWT"
_NO_KEYS = Signature(state=SignatureState.NO_KEYS)
_UNSIGNED = Signature(state=SignatureState.ALGORITHM_FORBIDDEN, detail="the token is not signed")


def read_token(sealed: Sealed, trust: Trust, *, fingerprint_key: bytes) -> Facts:
    """Return what the text says about itself and whether `trust` vouches for it.

    Total: any bytes give facts, and no part of the text is in them but the claims and header values
    that `Facts` names.

    1. White space around the text is trimmed and warned of.
    2. Text that no client could send is malformed: control and non-ASCII characters, ``Bearer``,
       documents.
    3. The kind is recognised; only a JWT is read further, the caveats of a macaroon, and the end of
       a password of ECR.
    4. It is parsed once, strictly; then its claims are read and its signature is verified, each
       whatever the other says.

    Args:
        sealed: the value, or what a path names inside it.
        trust: who vouches; without usable keys nothing is verified, and only an unsigned token
            (``none``) is refused.
        fingerprint_key: the key of this installation.
    """
    text = reveal(sealed)
    trimmed = text.strip()
    mark = fingerprint(sealed, fingerprint_key)
    fault = text_fault(trimmed)
    if fault is not None:
        kind, family = kind_of(undressed(trimmed))
        return Facts(kind=kind, family=family, problems=(fault,), fingerprint=mark)
    problems = white_space(text, trimmed)
    kind, family = kind_of(trimmed)
    if family is Family.OPAQUE:
        problems += encoded_twice(trimmed)
        digits = digits_of(trimmed)
        return Facts(kind=kind, family=family, problems=problems, digits=digits, fingerprint=mark)
    if family is Family.MACAROON:
        return _macaroon(
            trimmed, Facts(kind=kind, family=family, problems=problems, fingerprint=mark)
        )
    if kind == ECR:
        return _ecr(trimmed, Facts(kind=kind, family=family, problems=problems, fingerprint=mark))
    if family is not Family.JWT:
        return Facts(kind=kind, family=family, problems=problems, fingerprint=mark)
    token = parse_jws(trimmed)
    if isinstance(token, Problem):
        return Facts(kind=kind, family=family, problems=(*problems, token), fingerprint=mark)
    return _facts_of(token, trust, problems, mark)


def _macaroon(text: bytes, facts: Facts) -> Facts:
    """Nobody but its issuer can verify the signature: what the caveats leave is its own word."""
    _, _, encoded = text.partition(b"-")
    caveats = caveats_of(encoded)
    if isinstance(caveats, Problem):
        return replace(facts, problems=(*facts.problems, caveats))
    return replace(facts, terms=left_by(caveats))


def _ecr(text: bytes, facts: Facts) -> Facts:
    end = end_of(text)
    if isinstance(end, Problem):
        return replace(facts, problems=(*facts.problems, end))
    return replace(facts, terms=Claims(expires_at=end))


def _facts_of(token: Jws, trust: Trust, problems: tuple[Problem, ...], mark: bytes) -> Facts:
    if token.payload is None:
        return Facts(
            kind=NESTED,
            family=Family.OPAQUE,
            problems=problems,
            header=token.header,
            fingerprint=mark,
        )
    claims = claims_of(token.payload, trust.scope_claims)
    return Facts(
        kind=_kind(claims),
        family=Family.JWT,
        problems=problems,
        header=token.header,
        claims=claims,
        signature=_signature(token, trust),
        fingerprint=mark,
    )


def _kind(claims: Claims) -> str:
    if claims.kubernetes:
        return "ServiceAccountToken"
    return "LegacyServiceAccountToken" if claims.legacy_service_account else "JWT"


def _signature(token: Jws, trust: Trust) -> Signature:
    if token.header.algorithm.casefold() == "none":
        return _UNSIGNED
    if trust.state is not TrustState.USABLE:
        return _NO_KEYS
    return verify(token, trust.keys, trust.algorithms)
