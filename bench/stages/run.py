"""What all stages share: their input, and the start of a contender."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.cluster import Cluster
from bench.contenders import running
from bench.progress import Display
from bench.scale import Scale
from bench.seed import counted, fresh_checks
from bench.sizes import Sizes
from bench.summary import Figures
from bench.watch import ReadyWatch, ready_watch
from controlplane.process import Server

# Far more than any contender needs; a run that hangs shall end.
_START_WAIT_S, _START_WAIT_FOR_EACH_S = 300.0, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was asked for on the command line, and where to report to."""

    scale: Scale
    sizes: Sizes
    contenders: tuple[str, ...]
    display: Display


Stage = Callable[[Run], Awaitable[dict[str, Figures]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A contender that has given its first verdict on every TokenCheck."""

    server: Server
    watch: ReadyWatch
    first_verdicts_s: float


@asynccontextmanager
async def started(name: str, run: Run, cluster: Cluster, checks: int) -> AsyncIterator[Started]:
    """The contender saw ``checks`` fresh TokenChecks, all of them good, and then settled."""
    await fresh_checks(cluster, checks, run.display)
    async with ready_watch(cluster.http) as watch:
        begun = time.monotonic()
        with running(name, cluster) as server:
            with run.display.step("first verdict on every TokenCheck", checks) as tick:
                reached = counted(tick)

                def follow(there: int) -> None:
                    server.require_alive()
                    reached(there)

                wait_s = _START_WAIT_S + checks * _START_WAIT_FOR_EACH_S
                ended = await watch.until_all("True", checks, timeout_s=wait_s, tick=follow)
            await asyncio.sleep(run.scale.settle_s)
            yield Started(server=server, watch=watch, first_verdicts_s=ended - begun)
