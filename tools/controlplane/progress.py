"""Shows how far a build is: bars on a terminal, one line per program when piped."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from controlplane.recipes import Recipe

# A cold build was measured on 2 cores; more than 8 bring little, since linking is serial.
_MEASURED_CORES, _USEFUL_CORES = 2, 8
# A bar never looks finished before its program is.
_NEARLY = 0.98


class Progress(Protocol):
    """Where a build reports to."""

    def building(self, recipe: Recipe) -> AbstractContextManager[Callable[[], None]]:
        """Reports begin and end of one program; the value is called while it is built."""


@contextmanager
def progress_for(missing: Sequence[Recipe], target: Path) -> Iterator[Progress]:
    """A display fit for where stdout goes, with a first line that says what will happen."""
    console = Console(highlight=False)
    total_s = sum(expected_s(recipe) for recipe in missing)
    console.print(
        f"Building from Go modules into {target}: "
        f"{', '.join(recipe.name for recipe in missing)}.\n"
        f"This happens once and takes about {_minutes(total_s)} (less where Go has parts cached).",
        soft_wrap=True,
    )
    if not console.is_terminal:
        yield _Lines(missing)
        return
    columns = (TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn(), _expected())
    with Bars(*columns, console=console) as bars:
        yield _Bars(missing, bars)


def expected_s(recipe: Recipe) -> int:
    """The seconds that a cold build of this program takes here, roughly."""
    cores = min(os.cpu_count() or _MEASURED_CORES, _USEFUL_CORES)
    return max(round(recipe.cold_s * _MEASURED_CORES / cores), 5)


def _expected() -> TextColumn:
    return TextColumn("of about {task.fields[expected]}", style="dim")


def _minutes(seconds: int) -> str:
    return f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} min"


class _Lines:
    def __init__(self, missing: Sequence[Recipe]) -> None:
        self._order = {recipe.name: place for place, recipe in enumerate(missing, 1)}

    @contextmanager
    def building(self, recipe: Recipe) -> Iterator[Callable[[], None]]:
        place = f"[{self._order[recipe.name]}/{len(self._order)}]"
        print(f"{place} {recipe.name}: about {_minutes(expected_s(recipe))}", flush=True)
        begun = time.monotonic()
        yield lambda: None
        print(f"{place} {recipe.name}: built in {time.monotonic() - begun:.0f} s", flush=True)


class _Bars:
    def __init__(self, missing: Sequence[Recipe], bars: Bars) -> None:
        self._bars = bars
        self._tasks = {
            recipe.name: bars.add_task(
                recipe.name,
                start=False,
                total=float(expected_s(recipe)),
                expected=_minutes(expected_s(recipe)),
            )
            for recipe in missing
        }

    @contextmanager
    def building(self, recipe: Recipe) -> Iterator[Callable[[], None]]:
        task, total_s, begun = self._tasks[recipe.name], expected_s(recipe), time.monotonic()
        self._bars.start_task(task)

        def tick() -> None:
            done_s = min(time.monotonic() - begun, total_s * _NEARLY)
            self._bars.update(task, completed=done_s)

        yield tick
        self._bars.update(task, completed=float(total_s))
        self._bars.stop_task(task)
