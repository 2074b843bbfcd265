"""Results to read again: as JSON, as a table, as the figures in ``docs/benchmarks.md``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.before import with_before
from bench.rows import ROWS, Results, Row

_BEGIN, _END = "<!-- figures: begin -->", "<!-- figures: end -->"
_MARKS = {True: "yes", False: "**no**", None: ""}
_HEADINGS = ("", "operator", "compared with", "target", "reached")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run: what was measured, when, on what."""

    date: str
    scale: dict[str, str | int | float]
    machine: dict[str, str]
    versions: dict[str, str]
    results: Results

    @property
    def missed(self) -> list[Row]:
        """The rows whose target is not reached."""
        return [row for row in ROWS if row.verdict(self.results) is False]

    def write_json(self, path: Path) -> None:
        """Everything, rounded nowhere."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def print(self, console: Console) -> None:
        """The table for a terminal."""
        table = Table(*_HEADINGS, title=self._about())
        for stage, rows in self._stages():
            table.add_section()
            table.add_row(f"[bold]{stage}")
            for row in rows:
                cells = [cell.replace("**", "") for cell in self._cells(row)]
                style = "red" if row in self.missed else None
                table.add_row(*cells, style=style)
        console.print(table)

    def write_docs(self, page: Path) -> None:
        """The figures stand between the two marks of the page, beside those of the run before.

        Raises:
            ValueError: the page has no such marks.
        """
        before, begin, rest = page.read_text().partition(_BEGIN)
        old, end, after = rest.partition(_END)
        if not (begin and end):
            raise ValueError(f"{page} has no {_BEGIN} … {_END} to write between")
        shown = with_before(old, f"\n{self._markdown()}")
        page.write_text(f"{before}{begin}{shown}{end}{after}")

    def _markdown(self) -> str:
        lines = [
            "",
            self._about() + ".",
            "",
            "On: " + ", ".join(f"{name} {value}" for name, value in self.machine.items()) + ".",
            "With: " + ", ".join(f"{name} {value}" for name, value in self.versions.items()) + ".",
        ]
        for stage, rows in self._stages():
            lines += ["", f"### {stage.capitalize()}", ""]
            lines += [f"| {' | '.join(_HEADINGS)} |", "|---|--:|--:|---|---|"]
            lines += [f"| {' | '.join(self._cells(row))} |" for row in rows]
        return "\n".join(lines) + "\n\n"

    def _about(self) -> str:
        return f"Scale {self.scale['name']}, {self.date}"

    def _stages(self) -> list[tuple[str, list[Row]]]:
        return [(name, [r for r in ROWS if r.stage == name]) for name in self.results]

    def _cells(self, row: Row) -> tuple[str, str, str, str, str]:
        own, other = row.values(self.results)
        target = row.target.text if row.target else ""
        mark = _MARKS[row.verdict(self.results)]
        return row.label, _shown(row, own), _shown(row, other), target, mark


def _shown(row: Row, value: float | None) -> str:
    return "" if value is None else f"{value:,.{row.digits}f} {row.unit}".strip()
