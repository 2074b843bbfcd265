"""Secret values that are documents: JSON, YAML (a kubeconfig) and dotenv, as plain values.

JSON keeps its types; YAML and dotenv give strings only, so that no value changes its text on the
way (``1e3``, ``no``).
"""

import re
from collections.abc import Generator
from typing import TypeAlias, TypeVar

from tokencheck.core.tokens.strict import malformed, strict_json
from tokencheck.model.facts import Problem

T = TypeVar("T")
Document: TypeAlias = dict[str, object] | list[object]
# Work that would take long at a stretch: after each turn others may have theirs.
Steps: TypeAlias = Generator[None, None, T]
# Events or texts of one turn: 2 to 3 ms.
TURN = 1500

MAX_BYTES = 1024 * 1024  # what a Secret may hold. Source: Kubernetes, Secret size limit
# libyaml reads about 1 MiB/s; a kubeconfig of ten clusters has 60 KiB.
MAX_YAML_BYTES = 128 * 1024

_REPAIR = "Store it as valid JSON, YAML or dotenv, or store the token alone"
_DOTENV = re.compile(
    r"(?:export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_.-]*|//[^\s=]+)[ \t]*="
    r"[ \t]*(?P<value>\"[^\"]*\"|'[^']*'|[^\n]*)"
)
_YAML_START = re.compile(r"(?:---|- |[\"']?[A-Za-z0-9_./-]+[\"']?[ \t]*:(?:[ \t]|$))")


def document_of(text: bytes) -> Document | Problem | None:
    """Return the document that `text` holds, None when it is none, or why it is a broken one.

    Args:
        text: a whole Secret value, of any size and content.
    """
    return finished(document_steps(text))


def document_steps(text: bytes) -> Steps[Document | Problem | None]:
    """Do what `document_of` does, a turn at a time."""
    if len(text) > MAX_BYTES:
        return malformed("the value is larger than 1 MiB", _REPAIR)
    trimmed = text.strip()
    if trimmed.startswith((b"{", b"[")):
        return _json(trimmed)
    lines = _lines(trimmed)
    if not lines:
        return None
    return _dotenv(lines) or (yield from _yaml(trimmed, lines[0]))


def encoded(text: str) -> bytes:
    """Return the bytes of a document's text.

    A YAML escape can make half a surrogate pair; its bytes are refused later, as non-ASCII text.
    """
    return text.encode("utf-8", "surrogatepass")


def finished(steps: Steps[T]) -> T:
    """Return what `steps` come to, without a rest."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def yaml_bytes(text: bytes) -> int:
    """Return how many bytes `document_of` would read as YAML, its one slow format; mostly 0."""
    trimmed = text.strip()
    if len(text) > MAX_BYTES or trimmed.startswith((b"{", b"[")):
        return 0
    lines = _lines(trimmed)
    slow = lines and _YAML_START.match(lines[0]) and _dotenv(lines) is None
    return len(trimmed) if slow else 0


def _lines(trimmed: bytes) -> list[str]:
    """Return the lines that say something; none when the value is no document of lines."""
    try:
        lines = _meaningful(trimmed.decode("utf-8"))
    except UnicodeDecodeError:
        return []
    return [] if lines and lines[0].startswith("-----BEGIN") else lines


def _json(trimmed: bytes) -> Document | Problem:
    value = strict_json(trimmed, "the document")
    if isinstance(value, Problem):
        return malformed(value.detail, _REPAIR)
    # It starts with a bracket: there is no other value that could have been read.
    return value if isinstance(value, dict | list) else []


def _meaningful(text: str) -> list[str]:
    lines = (line.strip() for line in text.split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def _dotenv(lines: list[str]) -> Document | None:
    """Return the variables when every line sets one; of two with one name the last counts."""
    values: dict[str, object] = {}
    for line in lines:
        match = _DOTENV.match(line)
        # One line such as `c2VjcmV0==` is base64 with its padding, not the variable c2VjcmV0.
        if match is None or (len(lines) == 1 and not match["value"].strip("=")):
            return None
        values[match["key"]] = _unquoted(match["value"])
    return values


def _unquoted(value: str) -> str:
    if value[:1] in ('"', "'"):
        return value.strip(value[0])
    return value.split(" #", 1)[0].strip()


def _yaml(trimmed: bytes, first_line: str) -> Steps[Document | Problem | None]:
    """Return the mapping or list, without aliases: a few lines of them can stand for gigabytes."""
    if not _YAML_START.match(first_line):
        return None
    if len(trimmed) > MAX_YAML_BYTES:
        return malformed("the YAML document is larger than 128 KiB", _REPAIR)
    import yaml  # here: most values are no YAML, and a command line that reads one token needs none

    from tokencheck.core.tokens.composer import Composer, RefusedError

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    composer = Composer()
    try:
        for number, event in enumerate(yaml.parse(trimmed.decode("utf-8"), Loader=loader), 1):
            composer.take(event)
            if number % TURN == 0:
                yield
    except RefusedError as refused:
        return malformed(f"the document {refused}", _REPAIR)
    except yaml.YAMLError:
        return malformed("the document is not YAML", _REPAIR)
    return composer.root
