"""Checks of other namespaces whose tokens change while somebody makes very many: do they notice?"""

from __future__ import annotations

import asyncio
import time
from itertools import cycle

from bench import objects, seed
from bench.cluster import Cluster
from bench.load.stages.running import Running
from bench.stages.changes import Flip, flip
from bench.stages.run import Run
from bench.summary import Figures, spread

# Nobody may be held up for longer; one that is counts as never seen.
_WAIT_S = 120.0


async def victims(run: Run, here: Cluster) -> None:
    """The victims of the run exist, with good tokens, and nobody has looked at them."""
    await seed.good_tokens(here, run.sizes.victims, run.display)
    await seed.fresh_checks(here, run.sizes.victims, run.display)


async def changed(run: Run, here: Cluster, running: Running, over: asyncio.Event) -> list[Flip]:
    """The flips of all victims until it is over; their changes are spread over time."""
    pause_s = run.sizes.victims / run.sizes.changes_per_s
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number in range(run.sizes.victims):
            tasks.append(group.create_task(_victim(here, running, number, pause_s, over)))
            await asyncio.sleep(1 / run.sizes.changes_per_s)
    return [one for task in tasks for one in task.result()]


def told(flips: list[Flip]) -> Figures:
    """How long the victims waited, and how many changes were never seen."""
    took = [one.seconds for one in flips if one.seconds is not None]
    return spread("victim", took, "ms", 1000) | {
        "changes": float(len(flips)),
        "lost_flips": float(len(flips) - len(took)),
    }


async def _victim(
    here: Cluster, running: Running, number: int, pause_s: float, over: asyncio.Event
) -> list[Flip]:
    """A bad token, a good one, in turn: the next once the last was seen and the pause is over."""
    flips = []
    rounds = cycle((("False", here.signer.expired), ("True", here.signer.good)))
    while not over.is_set():
        begun = time.monotonic()
        status, token = next(rounds)
        change = (status, objects.token_secret(number, token()))
        flips.append(await flip(here, running.watch, change, wait_s=_WAIT_S))
        await asyncio.sleep(max(0.0, begun + pause_s - time.monotonic()))
    return flips
