"""Public keys: parsed from text into a `KeySet`, and asked whether one of them signed a token.

Which algorithms count is said by the caller, never by the token; a key only ever verifies what its
own type, curve and `alg` allow. PyJWT does the arithmetic and no decision. Source: RFC 8725
sections 3.1 and 3.2.
"""

import json
from functools import lru_cache
from typing import Any, NamedTuple

from tokencheck.core.tokens.jwk import (
    ASYMMETRIC,
    ED_ALGORITHMS,
    PRIVATE,
    RSA_ALGORITHMS,
    RSA_MIN_BITS,
    SYMMETRIC,
    algorithms_of,
    jwk_of,
)
from tokencheck.core.tokens.jws import Jws
from tokencheck.core.tokens.pem import is_pem, jwks_of_pem
from tokencheck.core.tokens.strict import strict_json
from tokencheck.model.facts import Problem, Signature, SignatureState
from tokencheck.model.keyset import Jwk, KeySet

MAX_BYTES = 256 * 1024
MAX_KEYS = 100
MAX_TRIED = 10  # a token that names no key costs at most this many verifications


def parse_jwks(text: str) -> KeySet:
    """Return the usable public keys of a JSON Web Key Set, of one JSON Web Key, or of PEM blocks.

    Total. Keys for encryption are passed over; others that are left out are named in `faults` by
    their position (``key 3: private members; rotate it``). Two keys of one kid are both kept.

    Args:
        text: at most 256 KiB and 100 keys.

    Source: RFC 7517 section 5.
    """
    if len(text) > MAX_BYTES:
        return KeySet(faults=("the key set is larger than 256 KiB",))
    values = jwks_of_pem(text, MAX_KEYS + 1) if is_pem(text) else _values(text)
    if isinstance(values, str):
        return KeySet(faults=(values,))
    if len(values) > MAX_KEYS:
        return KeySet(faults=(f"the key set has more than {MAX_KEYS} keys",))
    keys: list[Jwk] = []
    faults: list[str] = []
    exposed = 0
    for position, value in enumerate(values, 1):
        judged = value if isinstance(value, str) else jwk_of(value)
        if isinstance(judged, Jwk):
            keys.append(judged)
        elif judged is not None:
            exposed += judged in (PRIVATE, SYMMETRIC)
            faults.append(f"key {position}: {judged}")
    if not keys and not faults:
        faults.append("the key set holds no key for signatures")
    return KeySet(keys=tuple(keys), faults=tuple(faults), exposed=exposed)


def _values(text: str) -> list[object] | str:
    value = strict_json(text.encode("utf-8", "replace"), "the key set")
    if isinstance(value, Problem):
        return value.detail
    if isinstance(value, dict) and "kty" in value:
        return [value]
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list):
        return "the key set is not an object with the list keys"
    return ["is not an object" if isinstance(key, str) else key for key in keys]


def verify(token: Jws, keys: KeySet, algorithms: tuple[str, ...]) -> Signature:
    """Return whether one of `keys` signed `token` with one of `algorithms`.

    Total: whatever the libraries raise becomes a state.

    Args:
        algorithms: what the caller allows; symmetric ones and ``none`` never count here.

    Source: RFC 7515 section 5.2; RFC 8725 section 3.1.
    """
    algorithm = token.header.algorithm
    if algorithm not in ASYMMETRIC or not _allowed(algorithm, algorithms):
        detail = f"allowed: {', '.join(algorithms)}"
        return Signature(state=SignatureState.ALGORITHM_FORBIDDEN, detail=detail)
    named = [key for key in keys.keys if token.key_id is not None and key.key_id == token.key_id]
    # Keys without an id (PEM, sloppy issuers) may be the one that a token names by its id.
    candidates = named or [k for k in keys.keys if token.key_id is None or k.key_id is None]
    fitting = [key for key in candidates if _fits(key, algorithm)]
    if not fitting:
        return _no_key(token, named=bool(named))
    signature = _tried(token, fitting[:MAX_TRIED])
    if signature.state is SignatureState.VERIFIED or named:
        return signature
    if token.key_id is not None:
        return _no_key(token, named=False)
    if len(fitting) > MAX_TRIED:
        detail = f"the token names no key, and more than {MAX_TRIED} keys could be meant"
        return Signature(state=SignatureState.KEY_NOT_FOUND, detail=detail)
    return signature


def _allowed(algorithm: str, algorithms: tuple[str, ...]) -> bool:
    return algorithm in algorithms or (algorithm in ED_ALGORITHMS and "EdDSA" in algorithms)


def _fits(key: Jwk, algorithm: str) -> bool:
    if algorithm not in _possible(key.text):
        return False
    both = {key.algorithm, algorithm}
    return key.algorithm in (None, algorithm) or ("EdDSA" in both and both <= set(ED_ALGORITHMS))


@lru_cache(maxsize=1024)
def _possible(text: str) -> tuple[str, ...]:
    return algorithms_of(json.loads(text))


def _no_key(token: Jws, *, named: bool) -> Signature:
    algorithm = token.header.algorithm
    if named:
        detail = f"the key that the token names does not fit {algorithm}"
        return Signature(state=SignatureState.KEY_UNUSABLE, detail=detail)
    if token.key_id is None:
        detail = f"the token names no key, and no known key fits {algorithm}"
    else:
        detail = "no known key has the key id of the token"
    return Signature(state=SignatureState.KEY_NOT_FOUND, detail=detail)


class _Built(NamedTuple):
    """A key object beside the PyJWT algorithm that uses it.

    Args:
        size_bytes: of its signatures; None when the algorithm looks at that itself.
    """

    algorithm: Any
    key: Any
    weak: bool
    size_bytes: int | None


def _of_its_size(signature: bytes, built: _Built) -> bool:
    """OpenSSL takes an RSA-PSS signature without the zeros before it. Source: RFC 8017 8.1.2."""
    return built.size_bytes in (None, len(signature))


def _tried(token: Jws, keys: list[Jwk]) -> Signature:
    """Return VERIFIED for the first key that accepts; INVALID when one refuses and none accepts."""
    answers: list[Signature] = []
    for key in keys:
        answers.append(_answer(key, token))
        if answers[-1].state is SignatureState.VERIFIED:
            return answers[-1]
    return next((a for a in answers if a.state is SignatureState.INVALID), answers[0])


def _answer(key: Jwk, token: Jws) -> Signature:
    try:
        built = _built(key.text, token.header.algorithm)
        accepts = _of_its_size(token.signature, built) and built.algorithm.verify(
            token.signing_input, built.key, token.signature
        )
    except Exception:  # noqa: BLE001 - PyJWT and cryptography raise many classes, builtin ones too
        return Signature(state=SignatureState.KEY_UNUSABLE, detail="the key cannot be used")
    if accepts:
        return Signature(state=SignatureState.VERIFIED, weak_key=built.weak)
    return Signature(state=SignatureState.INVALID, detail="no known key made it")


@lru_cache(maxsize=1024)
def _built(text: str, algorithm: str) -> _Built:
    """Return the key as an object; remembered, because building it costs more than a verification.

    Raises:
        Exception: of whatever class the libraries choose, when they refuse the key.
    """
    # Here: recognising and listing tokens needs no cryptography.
    from jwt.algorithms import get_default_algorithms

    name = "EdDSA" if algorithm in ED_ALGORITHMS else algorithm
    verifier = get_default_algorithms()[name]
    key: Any = verifier.from_jwk(text)
    if name not in RSA_ALGORITHMS:
        return _Built(verifier, key, weak=False, size_bytes=None)
    return _Built(verifier, key, key.key_size < RSA_MIN_BITS, (key.key_size + 7) // 8)
