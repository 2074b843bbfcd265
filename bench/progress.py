"""Shows where a run is: bars on a terminal, one line per step when piped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Tick = Callable[[], None]


class Display(Protocol):
    """Where stages report to."""

    def title(self, text: str) -> None:
        """A stage or a contender begins."""

    def step(self, text: str, total: int) -> AbstractContextManager[Tick]:
        """One step of so many parts; the value is called after each part."""


@contextmanager
def display(console: Console) -> Iterator[Display]:
    """A display fit for where the console writes to."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        TextColumn("  {task.description:<44}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        yield _Bars(bars)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console

    def title(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, text: str, total: int) -> Iterator[Tick]:  # noqa: ARG002  a line shows no parts
        begun = time.monotonic()
        yield lambda: None
        self.title(f"  {text}: {time.monotonic() - begun:.1f} s")


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def title(self, text: str) -> None:
        self._bars.console.print(text, highlight=False)

    @contextmanager
    def step(self, text: str, total: int) -> Iterator[Tick]:
        task = self._bars.add_task(text, total=total)
        yield lambda: self._bars.advance(task)
        self._bars.stop_task(task)
