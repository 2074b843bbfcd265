"""How the demo is shown: a live table on a terminal, one line for each change when piped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from demo.watch import Row

_COLOURS = {"True": "green", "False": "red", "Unknown": "yellow"}


class Screen:
    """Shows headings, the table and its changes."""

    def __init__(self, rows: Callable[[], dict[str, Row]]) -> None:
        """Show `rows` as they are at each refresh."""
        self.console = Console(highlight=False)
        self._rows = rows
        self._doing = ""
        self._live = Live(
            get_renderable=self._render, console=self.console, refresh_per_second=8, transient=False
        )

    def __enter__(self) -> Self:
        """The live table is on, on a terminal."""
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        """The table stands as it was last."""
        self._doing = ""
        if self._live.is_started:
            self._live.stop()
        else:
            self._plain()

    def say(self, text: str) -> None:
        """A line that stays."""
        self.console.print(text, soft_wrap=not self.console.is_terminal)

    def doing(self, text: str) -> None:
        """What is being waited for, below the table."""
        self._doing = text
        if not self.console.is_terminal:
            self.console.print(f"… {text}", soft_wrap=True)

    def changed(self, row: Row) -> None:
        """One check says something else."""
        if not self.console.is_terminal:
            line = f"  {row.name}: Ready={row.ready} {row.reason}"
            self.console.print(line, soft_wrap=True)

    def _plain(self) -> None:
        """Columns for pipes: nothing is cut."""
        for row in sorted(self._rows().values(), key=lambda row: row.name):
            verdict = f"{row.name:<10} {row.ready:<8} {row.reason:<20} {row.checks:<6}"
            text = f"{verdict} {_expires(row.expires):<12} {row.message}"
            self.console.print(text, soft_wrap=True, markup=False)

    def _render(self) -> Group:
        doing = Text(f"… {self._doing}" if self._doing else "", style="bold")
        return Group(self.table(width=self.console.width), doing)

    def table(self, *, width: int | None) -> Table:
        """The checks by name."""
        table = Table(box=None, pad_edge=False, header_style="bold", width=width)
        for heading in ("CHECK", "READY", "REASON", "CHECKS", "EXPIRES"):
            table.add_column(heading, no_wrap=True)
        table.add_column("WHAT AND WHAT NEXT", ratio=1, no_wrap=True, overflow="ellipsis")
        for row in sorted(self._rows().values(), key=lambda row: row.name):
            style = _COLOURS.get(row.ready, "")
            if row.ready == "True" and row.reason == "PassedWithWarnings":
                style = "yellow"
            table.add_row(
                row.name,
                Text(row.ready, style=style),
                Text(row.reason, style=style),
                row.checks,
                _expires(row.expires),
                _point(row.message),
            )
        return table


def _point(message: str) -> str:
    """Each row of the demo is one Secret: what is wrong with it counts, not its name again."""
    start, _, rest = message.partition('": ')
    return rest if rest and start.startswith("Secret ") else message


def _expires(moment: datetime | None) -> str:
    if moment is None:
        return "-"
    seconds = int((moment - datetime.now(UTC)).total_seconds())
    size, unit = next(
        (
            (size, unit)
            for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"))
            if abs(seconds) >= 2 * size
        ),
        (1, "s"),
    )
    count = abs(seconds) // size
    return f"in {count} {unit}" if seconds > 0 else f"{count} {unit} ago"
