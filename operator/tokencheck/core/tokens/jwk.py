"""One JSON Web Key judged without building it: whether it is a public key that may verify a token.

Source: RFC 7517 section 4, RFC 7518 sections 6.2 and 6.3, RFC 8037 section 2.
"""

import json
import re
from collections.abc import Mapping

from tokencheck.core.tokens.edwards import is_of_low_order
from tokencheck.core.tokens.strict import base64url
from tokencheck.model.facts import Problem
from tokencheck.model.keyset import Jwk

RSA_MIN_BITS = (
    2048  # below it a key still verifies and is called weak. Source: RFC 7518 section 3.3
)
RSA_LEAST_BITS = 1024  # shorter ones were factored: such a key vouches for nothing
RSA_MAX_BITS = (
    8192  # a verification with 16384 bits takes milliseconds, and anybody could publish such keys
)

_PRIVATE_MEMBERS = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
_EXPONENT_MAX_BITS = 64
_KEY_ID = re.compile(r"[\x20-\x7e]{1,256}")

EC_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
ED_CURVES = ("Ed25519", "Ed448")
RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ED_ALGORITHMS = (
    "EdDSA",
    "Ed25519",
    "Ed448",
)  # the fully specified names are newer. Source: RFC 9864
ASYMMETRIC = (*RSA_ALGORITHMS, *EC_CURVES.values(), *ED_ALGORITHMS)


SYMMETRIC = "symmetric: whoever reads it can make tokens; remove it"
PRIVATE = "private members; rotate it"


def jwk_of(value: object) -> Jwk | str | None:
    """Return the key, why it is refused, or None when it is not meant for signatures."""
    if not isinstance(value, dict):
        return "is not an object"
    key_type = value.get("kty")
    if key_type == "oct":
        return SYMMETRIC
    if _PRIVATE_MEMBERS.intersection(value):
        return PRIVATE
    if not _signs(value):
        return None
    fault = _fault(value)
    if fault is not None:
        return fault
    members = ("kty", "crv", "x", "y", "n", "e")
    return Jwk(
        text=json.dumps({name: value[name] for name in members if name in value}, sort_keys=True),
        key_type=str(key_type),
        key_id=value.get("kid"),
        algorithm=value.get("alg"),
    )


def algorithms_of(jwk: Mapping[str, object]) -> tuple[str, ...]:
    """Return the algorithms that the type and curve of a key can verify; () when there is none."""
    match jwk.get("kty"):
        case "RSA":
            return RSA_ALGORITHMS
        case "EC":
            return tuple(alg for curve, alg in EC_CURVES.items() if curve == jwk.get("crv"))
        case "OKP":
            curve = jwk.get("crv")
            return ("EdDSA", curve) if isinstance(curve, str) and curve in ED_CURVES else ()
        case _:
            return ()


def _signs(value: Mapping[str, object]) -> bool:
    operations = value.get("key_ops", ["verify"])
    algorithm = value.get("alg")
    return (
        value.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and (algorithm is None or algorithm in ASYMMETRIC)
    )


def _fault(value: Mapping[str, object]) -> str | None:
    possible = algorithms_of(value)
    if not possible:
        return "its type or curve verifies no token"
    if value.get("alg") not in (None, *possible):
        return "its alg does not fit its type"
    key_id = value.get("kid")
    if key_id is not None and not (isinstance(key_id, str) and _KEY_ID.fullmatch(key_id)):
        return "its kid is not printable text of at most 256 characters"
    return _rsa_fault(value) if value.get("kty") == "RSA" else _point_fault(value)


def _rsa_fault(value: Mapping[str, object]) -> str | None:
    modulus, exponent = _bytes(value.get("n")), _bytes(value.get("e"))
    if not modulus or not exponent:
        return "n or e is not base64url"
    bits = int.from_bytes(modulus).bit_length()
    if bits < RSA_LEAST_BITS:
        return f"RSA with {bits} bits; at least {RSA_LEAST_BITS}"
    if bits > RSA_MAX_BITS:
        return f"RSA with {bits} bits; at most {RSA_MAX_BITS}"
    power = int.from_bytes(exponent)
    if power < 3 or power % 2 == 0 or power.bit_length() > _EXPONENT_MAX_BITS:
        return "its exponent is not an odd number from 3 to 64 bits"
    return None


def _point_fault(value: Mapping[str, object]) -> str | None:
    coordinates = ("x", "y") if value.get("kty") == "EC" else ("x",)
    if not all(_bytes(value.get(name)) for name in coordinates):
        return f"{' or '.join(coordinates)} is not base64url"
    if value.get("kty") == "OKP" and is_of_low_order(str(value.get("crv")), _bytes(value.get("x"))):
        return "its point is of low order: anybody can sign for it"
    return None


def _bytes(value: object) -> bytes:
    if not isinstance(value, str) or not value.isascii():
        return b""
    data = base64url(value.encode(), "member")
    return b"" if isinstance(data, Problem) else data
