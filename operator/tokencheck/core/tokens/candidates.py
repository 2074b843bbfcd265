"""Whether discovery should take a text for a token."""

import re

from tokencheck.core.tokens.recognise import kind_of, undressed
from tokencheck.model.facts import Family

# Not even a kubeconfig with its certificates is longer; what is longer is no token.
MAX_CANDIDATE_BYTES = 64 * 1024

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAMES = re.compile(
    r".*(?:token|api-?key|access-?key|credential|bearer)s?-.*"
    r"|.*-pat-.*"
)
# A name that ends so says something about a token: TOKEN_URL, token-ttl, ACCESS_KEY_ID,
# TOKEN_SECRET (which signs).
_ABOUT = re.compile(
    r"ur[il]|endpoint|host|audience|issuer|ttl|lifetime|duration|seconds|expiry|expires|expiration"
    r"|at|name|id|file|path|dir|type|header|scopes?|user|username|email|enabled|count|limit|max"
    r"|version|format|prefix|hash|secret|alg|algorithm|mode"
)
_SIGNING = frozenset(("signing", "public", "hmac"))  # TOKEN_SIGNING_KEY makes tokens and is none
_SECRET_TEXT = re.compile(rb"(?!\.{0,2}/|[<${\[(]|[0-9.]+\Z)[\x21-\x7e]{8,}")


def looks_like_token(name: str, text: bytes) -> bool:
    """Return whether discovery takes the value `text` of the key or variable `name` for a token.

    A recognised kind always is one, broken JWTs and those behind ``Bearer`` or in quotation marks
    included. Opaque text is one only when its name says so. Certificates, keys, binary data,
    addresses and documents never are.
    """
    if len(text) > MAX_CANDIDATE_BYTES:
        return False
    trimmed = text.strip()
    if kind_of(undressed(trimmed))[1] is not Family.OPAQUE:
        return True
    return (
        _SECRET_TEXT.fullmatch(trimmed) is not None and b"://" not in trimmed and _says_token(name)
    )


def _says_token(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name[:253])]
    if not words or _ABOUT.fullmatch(words[-1]) or _SIGNING.intersection(words):
        return False
    return _NAMES.fullmatch(f"-{'-'.join(words)}-") is not None
