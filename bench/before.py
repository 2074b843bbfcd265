"""The figures of a page beside those of the run that they replace, read from the page itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ABOUT = re.compile(r"^Scale (\S+), (\S+)\.$", re.MULTILINE)
# The figures of a table end where one of these begins.
_NOT_OURS = ("compared with", "target")


def with_before(old: str, new: str) -> str:
    """The new tables, each with a last column of what stood in the row of this name before.

    Nothing is added when the page has no figures or those of another scale, and the old tables
    stay when the new figures are the same run again.
    """
    was, now = _ABOUT.search(old), _ABOUT.search(new)
    if not (was and now) or was[1] != now[1]:
        return new
    before = {line.place: line.figures for line in _lines(old) if line.place}
    if before == {line.place: line.figures for line in _lines(new) if line.place}:
        return old
    column = {"head": f" before ({was[2]}) |", "rule": "--:|"}
    shown = []
    for line in _lines(new):
        cell = f" {before.get(line.place, '')} |" if line.place else column.get(line.kind, "")
        shown.append(f"{line.text}{cell}\n")
    return "".join(shown)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of Markdown.

    Args:
        text: the whole line.
        kind: ``head`` or ``rule`` of a table, else "".
        place: of a row: the heading that it stands under, and its label.
        figures: of a row: those of the operator.
    """

    text: str
    kind: str = ""
    place: tuple[str, str] | None = None
    figures: str = ""


def _lines(text: str) -> Iterator[_Line]:
    heading, width = "", 0
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if not cells:
            heading = line if line.startswith("#") or line.endswith(":") else heading
            yield _Line(line)
        elif not cells[0]:
            yield _Line(line, "head")
            width = next(place for place, cell in enumerate(cells) if cell in _NOT_OURS)
        elif cells[0].startswith("---"):
            yield _Line(line, "rule")
        else:
            figures = " / ".join(cells[1:width]).replace("**", "")
            yield _Line(line, place=(heading, cells[0]), figures=figures)
