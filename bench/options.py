"""Values of the command line: names, numbers and durations."""

from __future__ import annotations

import re
from typing import TypeVar

import click

T = TypeVar("T")
_UNITS_S = {"s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"([1-9][0-9]*)([smh])")


class Names(click.ParamType[tuple[str, ...]]):
    """Names from a list, joined by commas."""

    name = "names"

    def __init__(self, known: tuple[str, ...]) -> None:
        """Take these and no others."""
        self._known = known

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The names in their order."""
        names = tuple(str(value).split(","))
        if strange := [name for name in names if name not in self._known]:
            self.fail(f"{strange[0]!r} is none of: {', '.join(self._known)}", param, ctx)
        return names


class Counts(click.ParamType[tuple[int, ...]]):
    """Whole numbers above 0, joined by commas."""

    name = "counts"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The numbers, the smallest first."""
        parts = str(value).split(",")
        if wrong := [part for part in parts if not (part.isdecimal() and int(part))]:
            self.fail(f"{wrong[0]!r} is no number above 0; write 1000,10000", param, ctx)
        return tuple(sorted(int(part) for part in parts))


class Duration(click.ParamType[int]):
    """A time such as 90s, 30m or 8h."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Seconds."""
        found = _DURATION.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no duration; write 90s, 30m or 8h", param, ctx)
        return int(found[1]) * _UNITS_S[found[2]]
