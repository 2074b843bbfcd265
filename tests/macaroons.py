"""Macaroons made as their issuers make them. Source: libmacaroons, doc/format.txt."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable

THIRD_PARTY = None


def minted(caveats: Iterable[str | bytes | None], location: str = "pypi.org") -> bytes:
    """The text without its prefix; None is a caveat of a third party."""
    data = b"\x02" + _field(1, location.encode()) + _field(2, b"6e71242a-7e3d-4325") + b"\0"
    signature = _signed(b"a key of nobody", b"6e71242a-7e3d-4325")
    for caveat in caveats:
        said = b"who are you" if caveat is THIRD_PARTY else caveat
        said = said.encode() if isinstance(said, str) else said
        if caveat is THIRD_PARTY:
            data += _field(1, b"https://third.example.com")
        data += _field(2, said)
        if caveat is THIRD_PARTY:
            data += _field(4, bytes(range(72)))
        data += b"\0"
        signature = _signed(signature, said)
    return encoded(data + b"\0" + _field(6, signature))


def encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _signed(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, said, hashlib.sha256)


def _field(kind: int, value: bytes) -> bytes:
    length, head = len(value), b""
    while length >= 0x80:
        head, length = head + bytes((length & 0x7F | 0x80,)), length >> 7
    return bytes((kind,)) + head + bytes((length,)) + value
