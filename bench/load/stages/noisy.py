"""One team makes very many checks at once; do the others notice?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import cycle

from bench import objects, seed
from bench.cluster import Cluster, cluster
from bench.load.meter import depths
from bench.load.outcome import Point
from bench.load.stages.running import Running, operating
from bench.stages.changes import Flip, flip
from bench.stages.run import Run
from bench.summary import Figures, spread

NOISY = "noisy"
# Nobody may be held up for longer; one that is counts as never seen.
_VICTIM_WAIT_S = 120.0
_ALL_WAIT_S, _ALL_WAIT_FOR_EACH_S = 300.0, 0.1


async def noisy(run: Run) -> list[Point]:
    """Victims of other namespaces change their tokens while the noisy ones are made and judged."""
    checks, victims = max(run.sizes.checks), run.sizes.victims
    run.display.title(f"noisy: {checks:,} checks at once, {victims:,} victims")
    async with cluster() as here:
        await here.http.request("POST", "/api/v1/namespaces", objects.namespace(NOISY))
        names = [objects.token_name(number) for number in range(checks)]
        await _noisy_secrets(here, names, run)
        await seed.good_tokens(here, victims, run.display)
        await seed.fresh_checks(here, victims, run.display)
        async with operating(here, victims, run.display) as running:
            figures = await _storm(run, here, running, names)
    return [Point(title=f"{checks:,} checks at once", sizes={"checks": checks}, figures=figures)]


async def _noisy_secrets(here: Cluster, names: Sequence[str], run: Run) -> None:
    async def post(name: str) -> None:
        token = here.signer.good().encode()
        manifest = objects.secret(NOISY, name, {"token": token})
        await here.http.request("POST", objects.path("secrets", NOISY), manifest)

    with run.display.step(f"{len(names):,} Secrets of one namespace", len(names)) as tick:
        await here.http.many(names, post, tick)


async def _storm(run: Run, here: Cluster, running: Running, names: Sequence[str]) -> Figures:
    over = asyncio.Event()
    begun = time.monotonic()
    async with depths(running.process) as queue, asyncio.TaskGroup() as group:
        told = group.create_task(_victims(run, here, running, over))
        manifests = (objects.check_of(NOISY, name, secret=name) for name in names)
        await seed.post_checks(here, manifests, run.display, count=len(names))
        created_s = time.monotonic() - begun
        with run.display.step("noisy checks judged", len(names)) as tick:
            wait_s = _ALL_WAIT_S + len(names) * _ALL_WAIT_FOR_EACH_S
            await _all_judged(running, names, wait_s, seed.counted(tick))
        judged_s = time.monotonic() - begun
        over.set()
    flips = told.result()
    took = [one.seconds for one in flips if one.seconds is not None]
    return spread("victim", took, "ms", 1000) | {
        "created_s": created_s,
        "judged_s": judged_s,
        "changes": float(len(flips)),
        "lost_flips": float(len(flips) - len(took)),
        "queue_depth_max": queue.most,
        **running.memory(),
    }


async def _all_judged(
    running: Running, names: Sequence[str], wait_s: float, reached: seed.Reached
) -> None:
    deadline = time.monotonic() + wait_s
    left = {(NOISY, name) for name in names}
    while left:
        left = {key for key in left if not running.watch.reads(key, "True")}
        reached(len(names) - len(left))
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(left)} of {len(names)} checks not judged in {wait_s:.0f} s")
        running.process.server.require_alive()
        await asyncio.sleep(0.5)


async def _victims(run: Run, here: Cluster, running: Running, over: asyncio.Event) -> list[Flip]:
    """The flips of all victims, whose changes are spread over time."""
    pause_s = run.sizes.victims / run.sizes.changes_per_s
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number in range(run.sizes.victims):
            tasks.append(group.create_task(_victim(here, running, number, pause_s, over)))
            await asyncio.sleep(1 / run.sizes.changes_per_s)
    return [one for task in tasks for one in task.result()]


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
        flips.append(await flip(here, running.watch, change, wait_s=_VICTIM_WAIT_S))
        await asyncio.sleep(max(0.0, begun + pause_s - time.monotonic()))
    return flips
