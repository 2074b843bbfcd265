"""What stands between us and the reader: a terminal with a width and colours, or a pipe.

A terminal gets colours and wrapped text. A pipe gets plain text, one finding a line, nothing cut.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TextIO

import click

_MIN_LAST = 24  # columns that the last column keeps on a narrow terminal
_GAP = "   "
_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "Pass": "green",
        "Valid": "green",
        "True": "green",
        "Warn": "yellow",
        "Fail": "red",
        "Invalid": "red",
        "False": "red",
        "Unknown": "magenta",
        "Skip": "bright_black",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Who reads.

    Args:
        width: columns of the terminal; None for a pipe or a file.
        colour: whether it shows colours and wants them. Source: no-color.org.
    """

    width: int | None = None
    colour: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> "Screen":
        """Return what `stream` writes to."""
        if not stream.isatty():
            return cls()
        try:
            width = os.get_terminal_size(stream.fileno()).columns
        except (OSError, ValueError):
            width = 0
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return cls(width=width or 80, colour=not plain)

    def painted(self, text: str, word: str | None = None) -> str:
        """Return `text` in the colour of the result that `word` (by default `text`) names."""
        colour = _COLOURS.get(word or text) if self.colour else None
        return text if colour is None else click.style(text, fg=colour)

    def strong(self, text: str) -> str:
        """Return `text` as a title."""
        return click.style(text, bold=True) if self.colour else text

    def faint(self, text: str) -> str:
        """Return `text` as a remark."""
        return click.style(text, fg="bright_black") if self.colour else text

    def wrapped(self, text: str, indent: int) -> list[str]:
        """Return the lines of `text` behind `indent` columns; a pipe gets one line."""
        if self.width is None:
            return [text]
        import textwrap

        room = self.width - indent
        if room < _MIN_LAST:
            return [text]  # a column of a few letters is worse than what the terminal does
        wrap = textwrap.TextWrapper(room, break_on_hyphens=False, break_long_words=False)
        return wrap.wrap(text) or [""]  # names stay whole, so that they can be copied


def table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], screen: Screen, *, loose: bool = False
) -> list[str]:
    """Return the lines of a table whose last column is wrapped to the terminal.

    Args:
        titles: of the columns; "" shows none.
        rows: cells; a line break in the last one starts a new line below it.
        loose: whether the results in it are coloured by their words (``Fail``, ``True``).
    """
    if not rows:
        return []
    cells = [tuple(row) for row in rows]
    widths = [max(len(row[i]) for row in (tuple(titles), *cells)) for i in range(len(titles) - 1)]
    indent = sum(widths) + len(_GAP) * len(widths)
    lines = []
    if any(titles):
        head = _GAP.join([t.ljust(w) for t, w in zip(titles, widths, strict=False)] + [titles[-1]])
        lines.append(screen.strong(head.rstrip()))
    for row in cells:
        parts = [part for text in row[-1].split("\n") for part in screen.wrapped(text, indent)]
        start = [_cell(c, w, screen, loose) for c, w in zip(row, widths, strict=False)]
        lines.append(_GAP.join([*start, parts[0]]).rstrip())
        lines += [" " * indent + part for part in parts[1:]]
    return lines


def _cell(text: str, width: int, screen: Screen, loose: bool) -> str:
    padded = text.ljust(width)
    return screen.painted(padded, text) if loose else padded
