"""Equal values are one value: checks look alike, and 10,000 copies of the same are megabytes."""

from collections.abc import Hashable
from functools import lru_cache
from typing import TypeVar

_Value = TypeVar("_Value", bound=Hashable)
_KEPT = 4096  # the latest; others are copies again


@lru_cache(maxsize=_KEPT, typed=True)
def shared(value: _Value) -> _Value:
    """Return the equal value of the same type that was given before, or else this one."""
    return value
