"""An operator that has judged everything, and what its start took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench import seed
from bench.cluster import Cluster
from bench.load.meter import count, looks
from bench.progress import Display
from bench.summary import Figures
from bench.usage import usage_of
from bench.watch import Key, ReadyWatch, ready_watch
from controlplane import OperatorProcess

# Far more than any start needs; a run that hangs shall end.
_WAIT_S, _WAIT_FOR_EACH_S = 300.0, 0.1
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The operator, the harness's watch, and the figures of the start."""

    process: OperatorProcess
    watch: ReadyWatch
    start: Figures

    @property
    def pid(self) -> int:
        """Of the operator."""
        return self.process.server.pid

    def memory(self) -> Figures:
        """Memory now and at most."""
        usage = usage_of(self.pid)
        return {"rss_mib": usage.rss_mib, "peak_mib": usage.peak_mib}

    async def until_good(self, keys: Sequence[Key], reached: seed.Reached) -> float:
        """These checks are there and good; returns when the last one was seen to be.

        Raises:
            TimeoutError: with how many are not.
        """
        wait_s = _WAIT_S + len(keys) * _WAIT_FOR_EACH_S
        deadline, left = time.monotonic() + wait_s, set(keys)
        while left:
            left = {key for key in left if not self.watch.reads(key, "True")}
            reached(len(keys) - len(left))
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(left)} of {len(keys)} checks not good in {wait_s:.0f} s")
            self.process.server.require_alive()
            await asyncio.sleep(_LOOK_S)
        return max(self.watch.last[key].at for key in keys)


@asynccontextmanager
async def operating(
    here: Cluster, checks: int, display: Display, *, args: Sequence[str] = ()
) -> AsyncIterator[Running]:
    """An operator runs that has found ``checks`` checks good; it has ended after the block.

    Args:
        args: more of its command line.
    """
    log = here.folder / "operator.log"
    process = OperatorProcess(here.kubeconfig, log, args=args, plane=here.plane, elects=True)
    before = await count(here, None)
    async with ready_watch(here.http) as watch:
        begun = time.monotonic()
        process.start(ready=False)
        try:
            async with looks(process) as seen:
                ended = await _judged(watch, process, checks, display)
            took = (await count(here, process)).since(before)
            start = {
                "first_verdicts_s": ended - begun,
                "start_requests": took["requests"],
                "start_read_mib": took["read_mib"],
                "start_watch_mib": took["watch_mib"],
                "queue_depth_max": seen.queue_most,
            }
            yield Running(process=process, watch=watch, start=start)
            process.server.require_alive()
        finally:
            process.stop()


async def _judged(
    watch: ReadyWatch, process: OperatorProcess, checks: int, display: Display
) -> float:
    """All of them are good; returns when the last one was seen."""
    with display.step("first verdict on every TokenCheck", checks) as tick:
        reached = seed.counted(tick)

        def follow(there: int) -> None:
            process.server.require_alive()
            reached(there)

        wait_s = _WAIT_S + checks * _WAIT_FOR_EACH_S
        return await watch.until_all("True", checks, timeout_s=wait_s, tick=follow)
