"""Which kind of token a text is."""

import re

from tokencheck.core.tokens.kinds import OPAQUE, TABLE
from tokencheck.model.facts import Family

_ANY = re.compile(b"|".join(b"(?P<row%d>%s)" % (i, row[2]) for i, row in enumerate(TABLE)))
_ROWS = {f"row{i}": (kind, family) for i, (kind, family, _) in enumerate(TABLE)}
_UNRECOGNISED = (OPAQUE, Family.OPAQUE)

_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]+")
_DRESS = re.compile(rb"(?:authorization:\s*)?bearer\s+", re.IGNORECASE)


def kind_of(text: bytes) -> tuple[str, Family]:
    """Return the kind, as people call it, and the family of a trimmed token text.

    Time is linear in the length of `text`; nothing is decoded, so a JWT may still turn out to be
    broken.
    """
    match = _ANY.fullmatch(text)
    return _ROWS[match.lastgroup] if match is not None and match.lastgroup else _UNRECOGNISED


def digits_of(text: bytes) -> int:
    """Return how many hexadecimal digits a trimmed text is; 0 when it holds anything else."""
    return len(text) if _HEXADECIMAL.fullmatch(text) else 0


def undressed(trimmed: bytes) -> bytes:
    """Return the text without quotation marks, ``Bearer`` or a header's name around it."""
    if len(trimmed) > 1 and trimmed[:1] == trimmed[-1:] and trimmed[:1] in (b'"', b"'"):
        trimmed = trimmed[1:-1]
    dress = _DRESS.match(trimmed)
    return trimmed[dress.end() :] if dress else trimmed
