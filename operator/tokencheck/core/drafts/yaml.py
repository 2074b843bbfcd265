"""Pieces of YAML that are written by hand, because no library keeps comments in their places."""

import re
from collections.abc import Collection, Iterable

_PLAIN = re.compile(r"[A-Za-z][-A-Za-z0-9._/]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_MAX_NAME = 63
_SPACE, _DELETE, _BASIC_PLANE = 0x20, 0x7F, 0xFFFF


def scalar(text: str) -> str:
    """Return `text` so that every YAML parser reads it as this text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """Return a double-quoted scalar in ASCII. Source: YAML 1.2 section 5.7.

    Not JSON's: what JSON writes as a pair of surrogates is one escape here.
    """
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return f"\\{character}"
    if _SPACE <= code < _DELETE:
        return character
    return f"\\u{code:04x}" if code <= _BASIC_PLANE else f"\\U{code:08x}"


def flow(texts: Iterable[str]) -> str:
    """Return a list in one line."""
    return f"[{', '.join(quoted(text) for text in texts)}]"


def comment(text: str) -> str:
    """Return `text` as one line of comment, whatever it holds."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return f"# {shown}" if shown else "#"


def name_of(text: str, taken: Collection[str]) -> str:
    """Return a name of lower-case letters, digits and dashes, as near to `text` as is free."""
    base = _NOT_IN_NAMES.sub("-", text.lower()).strip("-")[:_MAX_NAME].strip("-") or "token"
    name, number = base, 1
    while name in taken:
        number += 1
        end = f"-{number}"
        name = base[: _MAX_NAME - len(end)].strip("-") + end
    return name
