"""The tiny path language for documents and claims: ``a.b``, ``["any name"]`` and ``[0]``.

No wildcards, filters or expressions: a path names exactly one value, and its cost is its length.
"""

import re
from functools import lru_cache
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

MAX_LENGTH = 512
MAX_STEPS = 16

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_STEP = re.compile(
    r"""(?P<dot>\.)?(?P<plain>[A-Za-z0-9_-]+)   # a name, after a dot unless it is the first
      | \["(?P<quoted>(?:[^"\\]|\\["\\])*)"\]   # any name; \" and \\ inside
      | \[(?P<index>[0-9]{1,6})\]""",
    re.VERBOSE,
)


class Missing:
    """What `walk` returns where a document has nothing; a document's null is None."""


MISSING = Missing()


@lru_cache(maxsize=1024)
def parse_path(text: str) -> Path | None:
    """Return the steps of `text`, or None when it is no path of at most 16 steps."""
    steps: list[str | int] = []
    position = 0
    while position < len(text) <= MAX_LENGTH and len(steps) < MAX_STEPS:
        match = _STEP.match(text, position)
        if match is None or (match["plain"] and bool(match["dot"]) != bool(steps)):
            return None
        steps.append(_step(match))
        position = match.end()
    return tuple(steps) if steps and position == len(text) else None


def _step(match: re.Match[str]) -> str | int:
    if match["index"] is not None:
        return int(match["index"])
    if match["plain"] is not None:
        return match["plain"]
    return re.sub(r"\\(.)", r"\1", match["quoted"])


def path_text(path: Path) -> str:
    """Return the text that `parse_path` reads as `path`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            escaped = step.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{escaped}"]'
    return text


def walk(document: object, path: Path) -> object:
    """Return the value at `path`, or MISSING."""
    for step in path:
        if isinstance(step, str) and isinstance(document, dict):
            document = document.get(step, MISSING)
        elif isinstance(step, int) and isinstance(document, list) and step < len(document):
            document = document[step]
        else:
            return MISSING
    return document
