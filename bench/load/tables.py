"""Outcomes as tables: on a terminal, and between two marks of the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.before import with_before
from bench.load.outcome import Outcome, Point
from bench.load.rows import ROWS, LoadRow


def missed(outcome: Outcome) -> list[tuple[LoadRow, Point]]:
    """Every figure that misses its target."""
    rows = ROWS[outcome.stage]
    return [(row, point) for row in rows for point in outcome.points if row.missed(point)]


def show(outcome: Outcome, console: Console) -> None:
    """The tables of a stage, what is missed in red."""
    for group, points in outcome.groups().items():
        title = f"{outcome.stage}, scale {outcome.scale}, {outcome.date}"
        table = Table("", *(point.title for point in points), "target", title=_and(title, group))
        for row in _filled(outcome, points):
            cells = [
                f"[red]{row.shown(point)}[/red]" if row.missed(point) else row.shown(point)
                for point in points
            ]
            table.add_row(row.label, *cells, row.target.text if row.target else "")
        console.print(table)


def marks(stage: str) -> tuple[str, str]:
    """What stands in the page before and after the tables of a stage."""
    return f"<!-- figures {stage}: begin -->", f"<!-- figures {stage}: end -->"


def write_page(outcome: Outcome, page: Path, images: Sequence[tuple[str, str]] = ()) -> None:
    """The page holds these tables between the marks of their stage, beside those of the run before.

    Args:
        outcome: of one stage.
        page: Markdown.
        images: (what it shows, file name beside the page) of each that stands above the tables.

    Raises:
        ValueError: the page has no such marks.
    """
    opening, closing = marks(outcome.stage)
    before, begin, rest = page.read_text().partition(opening)
    old, end, after = rest.partition(closing)
    if not (begin and end):
        raise ValueError(f"{page} has no {opening} … {closing} to write between")
    shown = "".join(f"\n![{what}]({name})\n" for what, name in images)
    tables = with_before(old, f"\n{shown}{markdown(outcome)}")
    page.write_text(f"{before}{begin}{tables}{end}{after}")


def markdown(outcome: Outcome) -> str:
    """The tables as Markdown, with what they were measured on."""
    lines = [
        "",
        f"Scale {outcome.scale}, {outcome.date}.",
        "",
        "On: " + ", ".join(f"{name} {value}" for name, value in outcome.machine.items()) + ".",
        "With: " + ", ".join(f"{name} {value}" for name, value in outcome.versions.items()) + ".",
    ]
    for group, points in outcome.groups().items():
        lines += ["", f"{group[:1].upper()}{group[1:]}:"] if group else []
        lines += ["", f"|  | {' | '.join(point.title for point in points)} | target |"]
        lines += [f"|---|{'--:|' * len(points)}---|"]
        for row in _filled(outcome, points):
            cells = [
                f"**{row.shown(point)}**" if row.missed(point) else row.shown(point)
                for point in points
            ]
            target = row.target.text if row.target else ""
            lines += [f"| {row.label} | {' | '.join(cells)} | {target} |"]
    return "\n".join(lines) + "\n\n"


def _filled(outcome: Outcome, points: list[Point]) -> list[LoadRow]:
    """The rows for which any of these points has a figure."""
    return [
        row for row in ROWS[outcome.stage] if any(row.figure in point.figures for point in points)
    ]


def _and(title: str, group: str) -> str:
    return f"{title}: {group}" if group else title
