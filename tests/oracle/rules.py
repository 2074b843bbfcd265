"""Where we are stricter than the library, by which source. Nowhere are we more lenient."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from oracle.view import View, canonical, repeats

_DATES = ("exp", "nbf", "iat")
_CLAIMS = (*_DATES, "iss", "aud", "sub", "jti")
_OF_TIME = frozenset({"expired", "not-yet", "issued-in-future"})
_FORMS = frozenset(f"{name}-form" for name in _CLAIMS)
_ALL = frozenset({"unknown-key", "signature", "issuer", "audience"}) | _OF_TIME | _FORMS
_YEAR_10000 = 253_402_300_800


@dataclass(frozen=True)
class Rule:
    """A fault that we find and the library does not.

    Args:
        finds: words for it; each is ours alone.
        hides: faults of the library that we then no longer look for.
        applies: told from the token and the keys as they are, not from what either side says.
    """

    name: str
    source: str
    finds: frozenset[str]
    applies: Callable[[View], bool]
    hides: frozenset[str] = frozenset()


def _malformed(name: str, source: str, applies: Callable[[View], bool]) -> Rule:
    # With cty JWT a payload that is none is taken for a nested token.
    return Rule(name, source, frozenset({"malformed", "unrecognised"}), applies, _ALL)


def _short_rsa(view: View) -> bool:
    keys = [*view.keys, view.header.get("jwk")]
    texts = [k.get("n") for k in keys if isinstance(k, dict) and k.get("kty") == "RSA"]
    return any(isinstance(text, str) and len(text) * 6 < 1024 for text in texts)


def _depth(text: bytes) -> bool:
    return b"[" * 32 in text


def _utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return re.search(rb"\\u[dD][89abAB]", text) is None


def _typ(view: View) -> bool:
    kind = view.header.get("typ", "JWT")
    plain = str(kind).casefold().removeprefix("application/")
    return plain not in ("jwt", "at+jwt")


def _key_id(view: View) -> bool:
    name = view.header.get("kid", "")
    return not isinstance(name, str) or re.fullmatch(r"[ -~]{0,256}", name) is None


def _at_the_end(view: View) -> bool:
    return view.date("exp") == view.case.now


def _fraction(view: View) -> bool:
    dates = [view.date(name) for name in ("nbf", "iat")]
    return any(date is not None and date % 1 for date in dates)


def _out_of_range(view: View) -> bool:
    dates = [view.date(name) for name in _DATES]
    return any(date is not None and not 0 < date < _YEAR_10000 for date in dates)


def _null(view: View) -> bool:
    return any(name in view.claims and view.claims[name] is None for name in _CLAIMS)


def _never(view: View) -> bool:
    start, end = view.date("nbf"), view.date("exp")
    return start is not None and end is not None and start > end


RULES = (
    _malformed(
        "base64url has one form",
        "RFC 7515 section 2; RFC 4648 sections 3.3 (foreign characters) and 3.5 (spare bits)",
        lambda view: not all(map(canonical, view.parts)),
    ),
    _malformed(
        "a member is named once, at every depth",
        "RFC 7515 section 4, RFC 7519 section 4, RFC 8725 section 2.4",
        lambda view: any(map(repeats, view.texts)),
    ),
    _malformed(
        "JSON is UTF-8 without half surrogates",
        "RFC 8259 sections 8.1 and 8.2",
        lambda view: not all(map(_utf8, view.texts)),
    ),
    _malformed(
        "a signature is not empty",
        "RFC 7519 section 6: it is so in unsecured tokens alone; others are cut off",
        lambda view: not view.parts[-1],
    ),
    _malformed(
        "JSON has bounds",
        "RFC 8259 sections 6 (digits) and 9 (depth): a parser may set limits",
        lambda view: any(_depth(t) or re.search(rb"\d{4301}", t) for t in view.texts),
    ),
    _malformed(
        "a token has at most 16 KiB",
        "RFC 7519 has no limit; core/tokens/text.py says why ours",
        lambda view: len(view.case.token.strip()) > 16 * 1024,
    ),
    _malformed(
        "kid is short printable text", "RFC 7515 section 4.1.4 (text); the length is ours", _key_id
    ),
    Rule(
        "a JWT begins with a brace and a member",
        "RFC 7515 section 3.1; core/tokens/kinds.py says how kinds are told",
        frozenset({"unrecognised"}),
        lambda view: not view.parts[0].startswith((b"eyJ", b"eyA", b"ewk", b"ewo", b"ew0")),
        _ALL,
    ),
    Rule(
        "no header changes what is signed",
        "RFC 7797 section 7 (b64), RFC 7515 section 4.1.11 (crit), RFC 8725 section 3.6 (zip)",
        frozenset({"malformed", "signature", "unknown-key"}),
        lambda view: any(name in view.header for name in ("crit", "b64", "zip")),
    ),
    Rule(
        "typ is that of an access token or absent",
        "RFC 8725 section 3.11; RFC 9068 section 2.1",
        frozenset({"type", "malformed"}),
        _typ,
        _ALL,
    ),
    Rule(
        "at exp it has ended",
        "RFC 7519 section 4.1.4: not on or after it",
        frozenset({"expired"}),
        _at_the_end,
    ),
    Rule(
        "parts of a second count",
        "RFC 7519 section 2 (NumericDate)",
        frozenset({"not-yet", "issued-in-future"}),
        _fraction,
    ),
    Rule(
        "a date lies between 1970 and 9999",
        "RFC 7519 section 2 (NumericDate: seconds since 1970)",
        frozenset(f"{name}-form" for name in _DATES),
        _out_of_range,
        _OF_TIME,
    ),
    Rule(
        "null is not a value",
        "RFC 7519 sections 4.1.1 to 4.1.7: the type of each claim",
        _FORMS,
        _null,
        frozenset({"issuer", "audience"}),
    ),
    Rule(
        "a token is valid at some time",
        "RFC 7519 sections 4.1.4 and 4.1.5: nbf before exp, whatever the leeway",
        frozenset({"nbf-form"}),
        _never,
    ),
    Rule(
        "the salt is as long as the hash",
        "RFC 7518 section 3.5",
        frozenset({"signature", "unknown-key"}),
        lambda view: "signatures: salt" in view.case.twists,
    ),
    Rule(
        "RSA has 1024 bits at least",
        "RFC 7518 section 3.3 (2048; between the two we warn); the library fails on use",
        frozenset({"unknown-key", "malformed"}),
        _short_rsa,
        _ALL,
    ),
    Rule(
        "a key set names a member once",
        "RFC 7517 section 4",
        frozenset({"unknown-key"}),
        lambda view: repeats(view.case.jwks.encode()),
        frozenset({"signature"}),
    ),
)
