"""Macaroons in the second binary form: which caveats one has.

A caveat only restricts, and whoever holds a macaroon may add one; none can be taken away without
the key of whoever issued it, which alone could verify the signature. Source: libmacaroons,
doc/format.txt; what PyPI's reader (pymacaroons) refuses is refused.
"""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from tokencheck.core.tokens.strict import malformed
from tokencheck.model.facts import Problem

MAX_BYTES = 64 * 1024
_VERSION = 2
_END, _LOCATION, _IDENTIFIER, _KEY_ID, _SIGNATURE = 0, 1, 2, 4, 6
_SIGNATURE_BYTES = 32
_NUMBER_BYTES = 10
_TO_BASE64 = bytes.maketrans(b"-_", b"+/")
_CUT_OFF = "the macaroon is cut off"


def caveats_of(text: bytes) -> tuple[bytes | None, ...] | Problem:
    """Return what each caveat says, in its issuer's words; a Problem when the text is broken.

    None stands for a caveat of a third party, which that one alone can read. Total, and linear in
    the length of `text`.

    Args:
        text: base64url without what stands before it.
    """
    if len(text) > MAX_BYTES:
        return malformed(f"the macaroon is longer than {MAX_BYTES} characters")
    try:
        data = binascii.a2b_base64(text.translate(_TO_BASE64) + b"=" * (-len(text) % 4))
        return tuple(_caveats(_Reader(data)))
    except binascii.Error:
        return malformed(_CUT_OFF)
    except _BrokenError as broken:
        return malformed(broken.detail)


class _BrokenError(Exception):
    """Bytes that are no macaroon; never leaves this module."""

    def __init__(self, detail: str) -> None:
        super().__init__()
        self.detail = detail


@dataclass(slots=True)
class _Reader:
    """Reads fields one after the other."""

    data: bytes
    at: int = 0

    def take(self, length: int) -> bytes:
        part = self.data[self.at : self.at + length]
        if len(part) < length:
            raise _BrokenError(_CUT_OFF)
        self.at += length
        return part

    def number(self) -> int:
        """Return a number in 7 bits a byte, the lowest first."""
        value = 0
        for place in range(_NUMBER_BYTES):
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return value
        raise _BrokenError("the macaroon holds a number without end")

    def field(self) -> tuple[int, bytes]:
        kind = self.number()
        return (kind, b"") if kind == _END else (kind, self.take(self.number()))

    def section(self) -> dict[int, bytes]:
        """Return the fields up to the next end, which have to stand in their order."""
        fields: dict[int, bytes] = {}
        last = _END
        while (found := self.field())[0] != _END:
            if found[0] <= last:
                raise _BrokenError("the fields of the macaroon are out of order")
            last = found[0]
            fields[last] = found[1]
        return fields


def _caveats(reader: _Reader) -> Iterator[bytes | None]:
    if reader.number() != _VERSION or not _is_header(reader.section()):
        raise _BrokenError("the macaroon does not begin as one")
    while fields := reader.section():
        yield _caveat(fields)
    kind, signature = reader.field()
    if kind != _SIGNATURE or len(signature) != _SIGNATURE_BYTES:
        raise _BrokenError("the macaroon has no signature of 32 bytes")


def _is_header(fields: dict[int, bytes]) -> bool:
    return set(fields) - {_LOCATION} == {_IDENTIFIER}


def _caveat(fields: dict[int, bytes]) -> bytes | None:
    if set(fields) == {_IDENTIFIER}:
        return fields[_IDENTIFIER]
    if set(fields) - {_LOCATION} == {_IDENTIFIER, _KEY_ID}:
        return None
    raise _BrokenError("a caveat of the macaroon has other fields than caveats have")
