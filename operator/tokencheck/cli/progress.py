"""A line on the terminal that says how far long work is; nothing when nobody looks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(title: str) -> Iterator[Callable[[str, int], None]]:
    """Give a function that is told what is counted and how many of it were done."""
    if not sys.stderr.isatty():
        yield lambda _what, _count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[counted]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        # How many there will be is not known: a list says so only at its end.
        task = bar.add_task(title, total=None, counted="")
        counts: dict[str, int] = {}

        def tell(what: str, count: int) -> None:
            counts[what] = count
            text = ", ".join(f"{number:,} {name}" for name, number in counts.items())
            bar.update(task, counted=text)

        yield tell
