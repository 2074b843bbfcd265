"""The compact serialisation of a JWS, parsed strictly and once.

Source: RFC 7515 sections 4, 5.2 and 7.1; RFC 8725.
"""

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tokencheck.core.tokens.jwk import jwk_of
from tokencheck.core.tokens.strict import base64url, malformed, strict_json
from tokencheck.model.facts import Header, Problem
from tokencheck.model.keyset import Jwk

_SHORT = re.compile(r"[\x20-\x7e]{1,64}")
_KEY_ID = re.compile(r"[\x20-\x7e]{0,256}")
# They change what is signed (crit, b64) or make a small token a large one (zip): no API token needs
# them.
_FORBIDDEN = ("b64", "crit", "zip")
# They say which key to trust, in the token's own words: an attacker's key and an attacker's
# address. Never followed.
_IGNORED = ("jku", "jwk", "x5c", "x5u")
_NO_KEY = "Have it issued without this header, or with the public key in it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jws:
    """One parsed token; what could show its text is not in its repr.

    Args:
        payload: the claims; None when another token is nested inside (``cty: JWT``), which cannot
            be read.
        signing_input: the bytes that the signature covers.
    """

    header: Header
    key_id: str | None = field(repr=False)
    payload: Mapping[str, object] | None = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def parse_jws(text: bytes) -> Jws | Problem:
    """Return the parts of a token, or the first fault of its form.

    Args:
        text: trimmed, ASCII, and of bounded size (`text.text_fault`).
    """
    parts = text.split(b".")
    if len(parts) != 3:
        return malformed(f"the token has {len(parts)} parts between dots instead of 3")
    header = _object(parts[0], "header")
    if isinstance(header, Problem):
        return header
    judged = _header(header)
    if isinstance(judged, Problem):
        return judged
    payload = _payload(parts[1], nested=str(header.get("cty")).casefold() == "jwt")
    if isinstance(payload, Problem):
        return payload
    signature = base64url(parts[2], "signature")
    if isinstance(signature, Problem):
        return signature
    if not signature and judged.algorithm.casefold() != "none":
        return malformed("the signature is missing: the token is cut off")
    key_id = header.get("kid")
    return Jws(
        header=judged,
        key_id=key_id if isinstance(key_id, str) else None,
        payload=payload,
        signing_input=text[: len(parts[0]) + 1 + len(parts[1])],
        signature=signature,
    )


def _payload(part: bytes, *, nested: bool) -> Mapping[str, object] | Problem | None:
    payload = _object(part, "payload")
    return None if nested and isinstance(payload, Problem) else payload


def _object(part: bytes, what: str) -> dict[str, object] | Problem:
    data = base64url(part, what)
    if isinstance(data, Problem):
        return data
    value = strict_json(data, what)
    if isinstance(value, dict | Problem):
        return value
    return malformed(f"{what} is not a JSON object")


def _header(header: Mapping[str, object]) -> Header | Problem:
    """Return what is judged of a header; text of bounded length only, since it may be shown."""
    algorithm, kind, key_id = header.get("alg"), header.get("typ"), header.get("kid")
    if not isinstance(algorithm, str) or not _SHORT.fullmatch(algorithm):
        return malformed("header alg is missing or is not a short text")
    if "typ" in header and not (isinstance(kind, str) and _SHORT.fullmatch(kind)):
        return malformed("header typ is not a short text")
    if "kid" in header and not (isinstance(key_id, str) and _KEY_ID.fullmatch(key_id)):
        return malformed("header kid is not printable text of at most 256 characters")
    return _brought_fault(header) or Header(
        algorithm=algorithm,
        type=kind if isinstance(kind, str) else None,
        has_key_id="kid" in header,
        forbidden=tuple(name for name in _FORBIDDEN if name in header),
        ignored=tuple(name for name in _IGNORED if name in header),
    )


def _brought_fault(header: Mapping[str, object]) -> Problem | None:
    """Return why a key that a token brings is no key: a private one above all.

    It is never followed, and what is in a certificate is never looked at.
    Source: RFC 7515 sections 4.1.3 (the public key) and 4.1.6 (a list of base64 texts).
    """
    if "jwk" in header and not isinstance(jwk_of(header["jwk"]), Jwk):
        return malformed("header jwk is not a public key for signatures", _NO_KEY)
    chain = header.get("x5c", [])
    if isinstance(chain, list) and all(isinstance(i, str) and _is_base64(i) for i in chain):
        return None
    return malformed("header x5c is not a list of certificates", _NO_KEY)


def _is_base64(text: str) -> bool:
    try:
        return bool(binascii.a2b_base64(text.encode(), strict_mode=True))
    except ValueError:
        return False
