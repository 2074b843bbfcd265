"""The command line of the benchmarks."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from bench.contenders import CONTENDERS, prepare
from bench.load import LOADS, Outcome
from bench.load.outcome import outcome_in
from bench.load.page import write_loads
from bench.load.tables import missed, show
from bench.machine import machine, versions
from bench.options import Counts, Duration, Names
from bench.progress import display
from bench.report import Report
from bench.running import measured
from bench.scale import FULL, SCALES
from bench.sizes import LOAD_SIZES
from bench.stages import STAGES, Run
from controlplane.launch import CHECKOUT

_PIPED_WIDTH = 120
_LOADS = ", ".join(LOADS)
_BUILD = CHECKOUT / "build"
_DOCS = CHECKOUT / "docs"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--stage", "stages", type=Names((*STAGES, *LOADS)), default=",".join(STAGES),
              show_default=True, help=f"What to measure; {_LOADS} must be named.")  # fmt: skip
@click.option("--contender", "contenders", type=Names(CONTENDERS), default=",".join(CONTENDERS),
              show_default=True, help="Who is compared, in this order.")  # fmt: skip
@click.option("--scale", type=click.Choice(list(SCALES)), default=FULL.name, show_default=True,
              help="Targets are meant for full; small shows that everything works.")  # fmt: skip
@click.option("--checks", type=Counts(), help="Of scale; noisy takes the most, soak the fewest.")
@click.option("--secrets", type=Counts(), help="Other Secrets of scale; soak takes the fewest.")
@click.option("--workloads", type=click.IntRange(1), help="Deployments of scale and teams.")
@click.option("--pods", type=click.IntRange(0), help="Pods of scale.")
@click.option("--helm-releases", type=click.IntRange(0), help="Secrets of 1 MB of scale.")
@click.option("--rotated", type=click.IntRange(1), help="Secrets that burst rotates.")
@click.option("--shared", type=click.IntRange(1), help="Checks of one Secret in burst.")
@click.option("--duration", "duration_s", type=Duration(), help="Of soak: 90s, 30m, 8h.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False),
              default=_BUILD / "bench.json", help="Figures of the comparison.")  # fmt: skip
@click.option("--json-folder", type=click.Path(path_type=Path, file_okay=False),
              default=_BUILD / "bench", help="STAGE.json of each load stage.")  # fmt: skip
@click.option("--write-docs", is_flag=True, help="Put tables and curves into docs/.")
@click.option("--only-docs", is_flag=True, help="Only put what --json-folder holds into docs/.")
@click.option("--strict", is_flag=True, help="End with code 1 when a target is missed.")
def main(
    *,
    stages: tuple[str, ...],
    contenders: tuple[str, ...],
    scale: str,
    json_file: Path,
    json_folder: Path,
    write_docs: bool,
    only_docs: bool,
    strict: bool,
    **sizes: object,
) -> None:
    """Measure the operator beside a plain Go controller, and under load."""
    if only_docs:
        found = [json_folder / f"{stage}.json" for stage in LOADS]
        write_loads([outcome_in(path) for path in found if path.exists()], _DOCS)
        return
    console = _console()
    with display(console) as shown:
        run = Run(
            scale=SCALES[scale],
            sizes=LOAD_SIZES[scale].chosen(**sizes),
            contenders=contenders,
            display=shown,
        )
        report = _compare([stage for stage in stages if stage in STAGES], run)
        outcomes = [_load(stage, run, scale) for stage in stages if stage in LOADS]
    if report.results:
        report.write_json(json_file)
        report.print(console)
        _tell(console, json_file)
    for outcome in outcomes:
        show(outcome, console)
        _tell(console, outcome.write(json_folder))
    if write_docs:
        if report.results:
            report.write_docs(_DOCS / "benchmarks.md")
        write_loads(outcomes, _DOCS)
    if strict and (report.missed or any(missed(outcome) for outcome in outcomes)):
        raise SystemExit(1)


def _compare(stages: list[str], run: Run) -> Report:
    """The report of the stages that compare; without results when there are none."""
    date, host = _today(), machine()
    if stages:
        prepare(run.contenders, run.display)
    return Report(
        date=date,
        scale=asdict(run.scale),
        machine=host,
        versions=versions(),
        results={stage: measured(stage, STAGES[stage], run) for stage in stages},
    )


def _load(stage: str, run: Run, scale: str) -> Outcome:
    """The outcome of a load stage."""
    date, host = _today(), machine()
    points = measured(stage, LOADS[stage], run)
    return Outcome(
        stage=stage, scale=scale, date=date, machine=host, versions=versions(), points=points
    )


def _today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_PIPED_WIDTH)


def _tell(console: Console, path: Path) -> None:
    console.print(f"Figures: {path}", highlight=False, soft_wrap=True)
