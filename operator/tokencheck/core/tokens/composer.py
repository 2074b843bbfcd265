"""YAML events -> plain values, one event at a time: so reading can rest between any two.

Strings only, no aliases, no member twice, one document: what is ambiguous is refused.
"""

from typing import TypeAlias

import yaml

from tokencheck.core.tokens.strict import MAX_DEPTH

_Open: TypeAlias = dict[str, object] | list[object]


class RefusedError(Exception):
    """YAML that is well-formed and still not accepted; the text says why, after "the document"."""


class Composer:
    """Builds the value of one document."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._root: object = None
        self._documents = 0
        self._open: list[_Open] = []
        self._keys: list[str | None] = []  # of each open mapping, the member whose value is next

    @property
    def root(self) -> _Open | None:
        """Return the mapping or list, None when the document is neither."""
        return self._root if isinstance(self._root, dict | list) else None

    def take(self, event: object) -> None:
        """Take the next event.

        Raises:
            RefusedError: the document is not to be read.
        """
        match event:
            case yaml.ScalarEvent(value=value):
                self._place(value)
            case yaml.SequenceStartEvent():
                self._begin([])
            case yaml.MappingStartEvent():
                self._begin({})
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._open.pop()
                self._keys.pop()
            case yaml.AliasEvent():
                raise RefusedError("has aliases (*name), which are not followed")
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise RefusedError("is more than one YAML document")
            case _:
                pass  # the ends of document and stream

    def _begin(self, value: _Open) -> None:
        self._place(value)
        self._open.append(value)
        self._keys.append(None)

    def _place(self, value: object) -> None:
        """Put a value where it belongs: a list's end, a member's name, or that member's value."""
        if len(self._open) >= MAX_DEPTH:
            raise RefusedError(f"nests deeper than {MAX_DEPTH} levels")
        if not self._open:
            self._root = value
            return
        into, key = self._open[-1], self._keys[-1]
        if isinstance(into, list):
            into.append(value)
        elif key is not None:
            into[key] = value
            self._keys[-1] = None
        elif isinstance(value, str) and value not in into:
            self._keys[-1] = value
        else:
            raise RefusedError("names a member twice, or by something else than text")
