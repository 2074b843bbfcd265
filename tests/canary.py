"""A sweep for token text: unique secrets go in, no form of any piece of them may come out.

``Sweep(secrets).hits(text)`` names the pieces that ``text`` holds. A piece is eight characters of a
secret in a row: as they are, reversed, in base64 at each of its three offsets (standard and
URL-safe), in hexadecimal, percent-encoded, or as JSON escapes; also within base64 and gzip layers
and across line breaks. Plain digests of whole secrets count too, as they can be reversed.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

WINDOW = 8
# What may be base64 of something that is compressed.
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{32,}={0,2}")
_MAX_LAYERS = 3
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URLSAFE = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True)
class Secret:
    """What must not come out.

    Args:
        name: how hits call it; nothing of the text.
        text: the piece that is random; readable parts that may be shown are no part of it.
        whole: the token around it, for digests.
    """

    name: str
    text: str
    whole: str = ""


@dataclass
class Sweep:
    """Looks for secrets in texts."""

    secrets: Iterable[Secret]
    _windows: dict[bytes, dict[bytes, str]] = field(init=False, default_factory=dict)
    _numbers: set[int] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        for secret in self.secrets:
            assert len(secret.text) >= WINDOW, secret.name
            for form, window in _windows_of(secret.text):
                self._add(window, f"{secret.name} ({form})")
            for form, digest in _digests_of(secret):
                self._add(digest, f"{secret.name} ({form})")

    def _add(self, window: bytes, name: str) -> None:
        # Looked up by its beginning: all windows have one of the same length.
        start = window[:WINDOW]
        self._windows.setdefault(start, {}).setdefault(window, name)
        self._numbers.add(int.from_bytes(start, sys.byteorder))

    def hits(self, text: str | bytes) -> set[str]:
        """The names of the secrets, with the form, of which ``text`` holds a piece."""
        raw = text if isinstance(text, bytes) else text.encode()
        found: set[str] = set()
        for layer in _layers(raw):
            found |= self._in(layer)
        return found

    def _in(self, raw: bytes) -> set[str]:
        known = self._windows
        if self._has_none(raw):
            return set()
        places = [at for at in range(len(raw) - WINDOW + 1) if raw[at : at + WINDOW] in known]
        return {
            name
            for at in places
            for window, name in known[raw[at : at + WINDOW]].items()
            if raw.startswith(window, at)
        }

    def _has_none(self, raw: bytes) -> bool:
        """Whether no window begins anywhere; as numbers of eight bytes, it is looked at in C."""
        view = memoryview(raw)
        for start in range(min(WINDOW, len(raw) - WINDOW + 1)):
            end = len(raw) - (len(raw) - start) % WINDOW
            if not self._numbers.isdisjoint(view[start:end].cast("Q")):
                return False
        return True

    def report(self, texts: Mapping[str, str | bytes]) -> list[str]:
        """One line for each hit: where, and what."""
        return [
            f"{place}: {name}" for place, text in texts.items() for name in sorted(self.hits(text))
        ]


def forms(piece: str) -> Iterator[tuple[str, bytes]]:
    """Each form in which a piece of a secret may come out, whole."""
    raw = piece.encode()
    yield "as it is", raw
    yield "reversed", piece[::-1].encode()
    yield "JSON string", json.dumps(piece)[1:-1].encode()
    yield "JSON escapes", "".join(f"\\u{ord(char):04x}" for char in piece).encode()
    yield "hexadecimal", raw.hex().encode()
    yield "HEXADECIMAL", raw.hex().upper().encode()
    yield "percent-encoded", "".join(f"%{byte:02X}" for byte in raw).encode()
    for offset in range(3):
        yield f"base64 at {offset}", _base64_at(raw, offset)
        yield f"urlsafe base64 at {offset}", _base64_at(raw, offset).translate(_TO_URLSAFE)


def _windows_of(text: str) -> Iterator[tuple[str, bytes]]:
    """Each run of eight characters, in each form; every form has eight characters or more."""
    for at in range(len(text) - WINDOW + 1):
        yield from forms(text[at : at + WINDOW])


def _base64_at(raw: bytes, offset: int) -> bytes:
    """What every base64 text holds that holds ``raw`` at this offset within three bytes.

    A character stands for six bits; those that share some with a neighbour are left out.
    """
    text = base64.b64encode(b"\0" * offset + raw)
    return text[-(-8 * offset // 6) : 8 * (offset + len(raw)) // 6]


def _digests_of(secret: Secret) -> Iterator[tuple[str, bytes]]:
    for text in {secret.text, secret.whole or secret.text}:
        raw = text.encode()
        for name in ("md5", "sha1", "sha256", "sha512"):
            digest = hashlib.new(name, raw, usedforsecurity=False)
            yield name, digest.hexdigest().encode()
            yield name, base64.b64encode(digest.digest()).rstrip(b"=")
        yield "crc32", f"{zlib.crc32(raw):08x}".encode()


def _layers(raw: bytes, depth: int = 0) -> Iterator[bytes]:
    """The text, the text without line breaks, and what its base64 and gzip parts hold."""
    yield raw
    joined = re.sub(rb"\\[nr]|[\r\n]", b"", raw)
    if joined != raw:
        yield joined
    if depth >= _MAX_LAYERS:
        return
    for run in set(_BASE64_RUN.findall(raw)):
        text = run.rstrip(b"=").translate(_TO_STANDARD)
        with suppress(ValueError):
            inner = base64.b64decode(text + b"=" * (-len(text) % 4))
            # Only what is compressed: plain base64 is found by its own windows.
            if inner[:2] == b"\x1f\x8b":
                with suppress(OSError, EOFError, zlib.error):
                    yield from _layers(gzip.decompress(inner), depth + 1)
