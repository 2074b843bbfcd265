"""``python -m bench.weights``: what the operator's memory consists of, as tables."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench import objects, seed
from bench.cluster import Cluster, cluster
from bench.options import Counts
from bench.progress import Display, display
from bench.usage import usage_of
from bench.watch import ready_watch
from controlplane import OperatorProcess

_SHOWN = 15
# Longer than connections rest that a peak has opened, each with 256 KiB.
_SETTLE_S = 40.0
_WAIT_S, _WAIT_FOR_EACH_S = 300.0, 0.5
_WRITTEN_WAIT_S = 600.0
_KIB = 1024
_Judged = Callable[[int], Awaitable[None]]


@click.command()
@click.option("--checks", type=Counts(), default="1000,5000", show_default=True,
              help="Memory is compared between so many TokenChecks and so many.")  # fmt: skip
def main(*, checks: tuple[int, ...]) -> None:
    """Weigh what the operator loads, and what it keeps for each TokenCheck that it judges."""
    console = Console(width=120)
    few, many = checks[0], checks[-1]
    _show_imports(console)
    with display(console) as shown:
        plain = asyncio.run(_plain(few, many, shown))
    _show(console, "An operator, MiB resident", {k: f"{v:.1f}" for k, v in plain.items()})
    each = (plain[f"{many:,} checks"] - plain[f"{few:,} checks"]) * _KIB / (many - few)
    console.print(f"A check: {each:.2f} KiB resident")
    with display(console) as shown:
        traced = asyncio.run(_traced(few, many, shown))
    grown = {name: traced[1].get(name, 0) - traced[0].get(name, 0) for name in traced[1]}
    _show(console, "Allocated by Python, bytes for each check", {
        name: f"{size / (many - few):.0f}" for name, size in _largest(grown)
    })  # fmt: skip
    console.print(f"All of it: {sum(grown.values()) / (many - few):.0f} bytes")


def _show_imports(console: Console) -> None:
    asked = [sys.executable, "-m", "bench.weights.imports"]
    told = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
    rows = {"Python itself": f"{told['first'] / _KIB:.1f}"}
    for name, kib in _largest(told["kib"]):
        rows[f"{name} ({told['modules'][name]} modules)"] = f"{kib / _KIB:.1f}"
    _show(console, "What is loaded, MiB resident", rows | {"all": f"{told['last'] / _KIB:.1f}"})


def _largest(sizes: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(sizes.items(), key=lambda one: -one[1])[:_SHOWN]


def _show(console: Console, title: str, rows: Mapping[str, str]) -> None:
    table = Table("", "", title=title, title_justify="left")
    for row in rows.items():
        table.add_row(*row)
    console.print(table)


async def _plain(few: int, many: int, shown: Display) -> dict[str, float]:
    """Resident memory with no check, with few and with many."""
    found: dict[str, float] = {}
    async with cluster() as here:
        await seed.good_tokens(here, many, shown)
        process = OperatorProcess(here.kubeconfig, here.folder / "operator.log", plane=here.plane)
        async with _judging(here, process, shown) as judged:
            for total in (0, few, many):
                await judged(total)
                found[f"{total:,} checks"] = usage_of(process.server.pid).rss_mib
    return found


async def _traced(few: int, many: int, shown: Display) -> list[dict[str, int]]:
    """What is allocated by whom, with few checks and with many."""
    found = []
    async with cluster() as here:
        await seed.good_tokens(here, many, shown)
        process = OperatorProcess(here.kubeconfig, here.folder / "operator.log", plane=here.plane)
        out = here.folder / "sums.json"
        process.server.command[:1] = [sys.executable, "-m", "bench.weights.traced", str(out)]
        async with _judging(here, process, shown) as judged:
            for total in (few, many):
                await judged(total)
                found.append(await asyncio.to_thread(_sums, process, out))
    return found


@asynccontextmanager
async def _judging(
    here: Cluster, process: OperatorProcess, shown: Display
) -> AsyncIterator[_Judged]:
    """The operator runs; the value has so many checks made and judged."""
    async with ready_watch(here.http) as watch:
        process.start(ready=False)
        await asyncio.to_thread(process.wait_ready, timeout_s=_WAIT_S)
        there = 0

        async def judged(total: int) -> None:
            nonlocal there
            manifests = (objects.token_check(number) for number in range(there, total))
            await seed.post_checks(here, manifests, shown, count=total - there)
            there = total
            if total:
                wait_s = _WAIT_S + total * _WAIT_FOR_EACH_S
                await watch.until_all("True", total, timeout_s=wait_s, tick=lambda _: None)
            await asyncio.sleep(_SETTLE_S)

        try:
            yield judged
        finally:
            process.stop()


def _sums(process: OperatorProcess, out: Path) -> dict[str, int]:
    out.unlink(missing_ok=True)
    os.kill(process.server.pid, signal.SIGUSR1)
    deadline = time.monotonic() + _WRITTEN_WAIT_S
    while not out.exists():
        process.server.require_alive()
        if time.monotonic() > deadline:
            raise TimeoutError(f"the operator wrote no {out} within {_WRITTEN_WAIT_S:.0f} s")
        time.sleep(0.2)
    sums: dict[str, int] = json.loads(out.read_text())
    return sums


if __name__ == "__main__":
    main()
