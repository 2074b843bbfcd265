"""The command line of the benchmarks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from bench.contenders import CONTENDERS, prepare
from bench.http import HttpError
from bench.machine import machine, versions
from bench.progress import display
from bench.report import Report
from bench.scale import FULL, SCALES
from bench.stages import STAGES, Run
from bench.summary import Figures
from controlplane.launch import CHECKOUT
from controlplane.process import StartError

_PIPED_WIDTH = 120


class _Names(click.ParamType[tuple[str, ...]]):
    """Names from a list, joined by commas."""

    name = "names"

    def __init__(self, known: tuple[str, ...]) -> None:
        self._known = known

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        names = tuple(str(value).split(","))
        if strange := [name for name in names if name not in self._known]:
            self.fail(f"{strange[0]!r} is none of: {', '.join(self._known)}", param, ctx)
        return names


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--stage", "stages", type=_Names(tuple(STAGES)), default=",".join(STAGES),
              show_default=True, help="What to measure.")  # fmt: skip
@click.option("--contender", "contenders", type=_Names(CONTENDERS), default=",".join(CONTENDERS),
              show_default=True, help="Who is measured, in this order.")  # fmt: skip
@click.option("--scale", type=click.Choice(list(SCALES)), default=FULL.name, show_default=True,
              help="Targets are meant for full; small shows that everything works.")  # fmt: skip
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False),
              default=CHECKOUT / "build" / "bench.json", help="Where the figures go.")  # fmt: skip
@click.option("--write-docs", is_flag=True, help="Put the table into docs/benchmarks.md.")
@click.option("--strict", is_flag=True, help="End with code 1 when a target is missed.")
def main(
    *,
    stages: tuple[str, ...],
    contenders: tuple[str, ...],
    scale: str,
    json_file: Path,
    write_docs: bool,
    strict: bool,
) -> None:
    """Measure the operator beside a plain controller-runtime controller in Go."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPED_WIDTH)
    size = SCALES[scale]
    date, host = datetime.now(UTC).strftime("%Y-%m-%d"), machine()
    with display(console) as shown:
        prepare(contenders, shown)
        run = Run(scale=size, contenders=contenders, display=shown)
        results = {stage: _measure(stage, run) for stage in stages}
    report = Report(
        date=date, scale=asdict(size), machine=host, versions=versions(), results=results
    )
    report.write_json(json_file)
    report.print(console)
    console.print(f"Figures: {json_file}", highlight=False, soft_wrap=True)
    if write_docs:
        report.write_docs(CHECKOUT / "docs" / "benchmarks.md")
    if strict and report.missed:
        raise SystemExit(1)


def _measure(stage: str, run: Run) -> dict[str, Figures]:
    """The figures of one stage; what went wrong is a message, without a traceback.

    Raises:
        click.ClickException: a process ended, did not answer in time, or refused.
    """

    async def measured() -> dict[str, Figures]:
        return await STAGES[stage](run)

    try:
        return asyncio.run(measured())
    except* (HttpError, StartError, TimeoutError, ConnectionError, RuntimeError) as failed:
        message = "\n".join(str(error) for error in _leaves(failed))
    raise click.ClickException(f"stage {stage}: {message}")


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
