"""The smallest JSON merge patch that turns one status into another. Source: RFC 7386."""

from collections.abc import Mapping
from typing import Any


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the patch: what differs, None for what is gone; lists are replaced whole."""
    patch: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        if name not in old:
            patch[name] = value
        elif isinstance(value, Mapping) and isinstance(old[name], Mapping):
            if nested := merge_patch(old[name], value):
                patch[name] = nested
        elif old[name] != value:
            patch[name] = value
    return patch
