"""Base64url and JSON without the leniency of their usual decoders.

What is refused here is what two parsers could read in two ways: duplicate keys, another encoding
than UTF-8, a byte order mark, NaN, lone surrogates, spare bits and padding.
"""

import binascii
import json
import re
from typing import NoReturn

from tokencheck.model.facts import Problem
from tokencheck.model.reasons import Reason

MAX_DEPTH = 32  # JSON in tokens and Secrets nests 3 to 6 deep
STORE_AGAIN = "Store the token again, whole and exactly as the issuer gave it"

_OPENERS = (b"{", b"[")
_TO_BASE64 = bytes.maketrans(b"-_", b"+/")
_TO_BASE64URL = bytes.maketrans(b"+/", b"-_")
_BASE64URL = re.compile(rb"[A-Za-z0-9_-]*")


def malformed(detail: str, action: str = STORE_AGAIN) -> Problem:
    """Return the fatal Problem that a text cannot be parsed; `detail` is in words of ours."""
    return Problem(reason=Reason.MALFORMED_TOKEN, detail=detail, action=action)


def base64url(part: bytes, what: str) -> bytes | Problem:
    """Return the bytes that `part` encodes, or why it does not.

    Encoding the result again must give `part`: that refuses foreign characters, padding and spare
    bits at once.

    Args:
        part: one part of a compact serialisation.
        what: its name for people (``header``).

    Source: RFC 7515 section 2 (no padding), RFC 4648 sections 3.3 and 3.5 (foreign characters,
    spare bits).
    """
    try:
        data = binascii.a2b_base64(part.translate(_TO_BASE64) + b"=" * (-len(part) % 4))
    except binascii.Error:
        data = b""
    if binascii.b2a_base64(data, newline=False).translate(_TO_BASE64URL).rstrip(b"=") == part:
        return data
    if b"=" in part:
        return malformed(f"{what} has base64 padding (=)")
    if b"+" in part or b"/" in part:
        return malformed(f"{what} is standard base64 instead of base64url")
    if len(part) % 4 == 1 and _BASE64URL.fullmatch(part):
        return malformed(f"{what} is cut off: no base64 text has its length")
    return malformed(f"{what} is not base64url")


def strict_json(data: bytes, what: str) -> object:
    """Return the JSON value that `data` holds, or a Problem that says why it holds none.

    Args:
        data: UTF-8 text; the caller has bounded its size.
        what: its name for people (``payload``).

    Source: RFC 8259 section 8.1 (UTF-8, no byte order mark); RFC 7519 section 4 (unique names).
    """
    try:
        value: object = _DECODER.decode(data.decode("utf-8"))
        if sum(data.count(opener) for opener in _OPENERS) > MAX_DEPTH and _deeper(value):
            return malformed(f"{what} nests deeper than {MAX_DEPTH} levels")
        if b"\\u" in data:
            _encode_again(value)
    except _RefusedError as refused:
        return malformed(f"{what} {refused.detail}")
    except UnicodeDecodeError:
        return malformed(f"{what} is not UTF-8")
    except UnicodeEncodeError:
        return malformed(f"{what} holds half a surrogate pair")
    except RecursionError:
        return malformed(f"{what} nests deeper than {MAX_DEPTH} levels")
    except ValueError:
        return malformed(f"{what} is not JSON")
    return value


class _RefusedError(Exception):
    """JSON that is well-formed and still not accepted; never leaves this module."""

    def __init__(self, detail: str) -> None:
        super().__init__()
        self.detail = detail


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _RefusedError("names a member twice")
    return result


def _no_constant(_: str) -> NoReturn:
    raise _RefusedError("holds NaN or Infinity, which JSON does not have")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _deeper(value: object, limit: int = MAX_DEPTH) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return limit == 0 or any(_deeper(item, limit - 1) for item in inner)


def _encode_again(value: object) -> None:
    """Raise UnicodeEncodeError for a string that no status could hold."""
    json.dumps(value, ensure_ascii=False).encode()
