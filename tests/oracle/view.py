"""A token read as leniently as anybody reads one: what the rules of `rules` look at."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from oracle.draft import Case


@dataclass(frozen=True)
class View:
    """The parts of a case's token, without a line of the operator's code."""

    case: Case

    @cached_property
    def parts(self) -> list[bytes]:
        """What stands between the dots."""
        return self.case.token.strip().split(b".")

    @cached_property
    def texts(self) -> list[bytes]:
        """Header and payload, decoded as far as that is possible."""
        return [_decoded(part) for part in self.parts[:2]]

    @cached_property
    def header(self) -> dict[str, Any]:
        """The last of members of one name counts."""
        return _object(self.texts[0])

    @cached_property
    def claims(self) -> dict[str, Any]:
        """So here."""
        return _object(self.texts[1]) if len(self.texts) > 1 else {}

    @cached_property
    def keys(self) -> list[Any]:
        """The entries of the key set."""
        keys = _object(self.case.jwks.encode()).get("keys")
        return keys if isinstance(keys, list) else []

    def date(self, name: str) -> float | None:
        """A date when it is a number."""
        value = self.claims.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def canonical(part: bytes) -> bool:
    """Whether the bytes of a part have no other encoding than it."""
    return base64.urlsafe_b64encode(_decoded(part)).rstrip(b"=") == part


def repeats(text: bytes) -> bool:
    """Whether an object of a JSON text names a member twice."""
    found = []

    def pairs(members: list[tuple[str, Any]]) -> None:
        found.append(len({name for name, _ in members}) < len(members))

    try:
        json.loads(text.decode("utf-8", "replace"), object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return False
    return any(found)


def _decoded(part: bytes) -> bytes:
    clean = part.replace(b"\n", b"").replace(b"\r", b"")
    try:
        return base64.urlsafe_b64decode(clean + b"=" * (-len(clean) % 4))
    except binascii.Error:
        return b""


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
