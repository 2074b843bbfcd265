"""Reading untyped JSON: what is absent or of another type than expected reads as empty.

A manifest of a foreign kind may hold anything, and a parser that raises would stop an informer.
"""

from collections.abc import Mapping
from typing import Any

# The widest number that Kubernetes writes is an int64.
_DIGITS = 19


def at(value: object, *path: str) -> object:
    """Return what stands at `path`, or None."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def mapping(value: object) -> Mapping[str, Any]:
    """Return `value` when it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> tuple[Mapping[str, Any], ...]:
    """Return the objects of the list `value`; other members are left out."""
    if not isinstance(value, list | tuple):
        return ()
    return tuple(item for item in value if isinstance(item, Mapping))


def text(value: object) -> str:
    """Return `value` when it is a string, else ""."""
    return value if isinstance(value, str) else ""


def number(value: object) -> int | None:
    """Return a JSON integer, or one written as a string; else None.

    Source: Argo Rollouts, whose status.observedGeneration is a string of digits.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flag(value: object) -> bool:
    """Return whether `value` is the JSON true."""
    return value is True
