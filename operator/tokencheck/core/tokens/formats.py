"""Secret values that are documents: JSON, YAML (a kubeconfig) and dotenv, as plain values.

JSON keeps its types; YAML and dotenv give strings only, so that no value changes its text on the
way (``1e3``, ``no``).
"""

import re
from collections.abc import Iterator
from typing import TypeAlias

from tokencheck.core.tokens.strict import MAX_DEPTH, malformed, strict_json
from tokencheck.model.facts import Problem

Document: TypeAlias = dict[str, object] | list[object]

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
    if len(text) > MAX_BYTES:
        return malformed("the value is larger than 1 MiB", _REPAIR)
    trimmed = text.strip()
    if trimmed.startswith((b"{", b"[")):
        return _json(trimmed)
    lines = _lines(trimmed)
    return _dotenv(lines) or _yaml(trimmed, lines[0]) if lines else None


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


def _yaml(trimmed: bytes, first_line: str) -> Document | Problem | None:
    """Return the mapping or list, without aliases: a few lines of them can stand for gigabytes."""
    if not _YAML_START.match(first_line):
        return None
    if len(trimmed) > MAX_YAML_BYTES:
        return malformed("the YAML document is larger than 128 KiB", _REPAIR)
    import yaml  # here: most values are no YAML, and a command line that reads one token needs none

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _root(yaml.parse(trimmed.decode("utf-8"), Loader=loader))
    except _RefusedError as refused:
        return malformed(f"the document {refused}", _REPAIR)
    except yaml.YAMLError:
        return malformed("the document is not YAML", _REPAIR)


class _RefusedError(Exception):
    """YAML that is well-formed and still not accepted; never leaves this module."""


def _root(events: Iterator[object]) -> Document | None:
    import yaml

    value: object = None
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            value = _node(next(events), events, MAX_DEPTH)
        if documents > 1:
            raise _RefusedError("is more than one YAML document")
    return value if isinstance(value, dict | list) else None


def _node(event: object, events: Iterator[object], levels: int) -> object:
    import yaml

    if levels == 0:
        raise _RefusedError(f"nests deeper than {MAX_DEPTH} levels")
    match event:
        case yaml.ScalarEvent(value=value):
            return value
        case yaml.SequenceStartEvent():
            return [
                _node(item, events, levels - 1) for item in _until(yaml.SequenceEndEvent, events)
            ]
        case yaml.MappingStartEvent():
            return _mapping(events, levels - 1)
        case _:
            raise _RefusedError("has aliases (*name), which are not followed")


def _mapping(events: Iterator[object], levels: int) -> dict[str, object]:
    import yaml

    result: dict[str, object] = {}
    for event in _until(yaml.MappingEndEvent, events):
        key = _node(event, events, levels)
        if not isinstance(key, str) or key in result:
            raise _RefusedError("names a member twice, or by something else than text")
        result[key] = _node(next(events), events, levels)
    return result


def _until(end: type, events: Iterator[object]) -> Iterator[object]:
    for event in events:
        if isinstance(event, end):
            return
        yield event
