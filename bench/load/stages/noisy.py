"""One team makes very many checks at once; do the others notice?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bench import objects, seed
from bench.cluster import Cluster, cluster
from bench.load.meter import looks
from bench.load.outcome import Point
from bench.load.stages.running import Running, operating
from bench.load.stages.victims import changed, told, victims
from bench.stages.run import Run
from bench.summary import Figures

NOISY = "noisy"


async def noisy(run: Run) -> list[Point]:
    """Victims of other namespaces change their tokens while the noisy ones are made and judged."""
    checks = max(run.sizes.checks)
    run.display.title(f"noisy: {checks:,} checks at once, {run.sizes.victims:,} victims")
    async with cluster() as here:
        await here.http.request("POST", "/api/v1/namespaces", objects.namespace(NOISY))
        names = [objects.token_name(number) for number in range(checks)]
        await seed.good_tokens(here, checks, run.display, spaces=(NOISY,))
        await victims(run, here)
        async with operating(here, run.sizes.victims, run.display) as running:
            figures = await _storm(run, here, running, names)
    return [Point(title=f"{checks:,} checks at once", sizes={"checks": checks}, figures=figures)]


async def _storm(run: Run, here: Cluster, running: Running, names: Sequence[str]) -> Figures:
    over = asyncio.Event()
    begun = time.monotonic()
    async with looks(running.process) as seen, asyncio.TaskGroup() as group:
        flips = group.create_task(changed(run, here, running, over))
        manifests = (objects.check_of(NOISY, name, secret=name) for name in names)
        await seed.post_checks(here, manifests, run.display, count=len(names))
        created_s = time.monotonic() - begun
        with run.display.step("noisy checks judged", len(names)) as tick:
            keys = [(NOISY, name) for name in names]
            judged_s = await running.until_good(keys, seed.counted(tick)) - begun
        over.set()
    return told(flips.result()) | {
        "created_s": created_s,
        "judged_s": judged_s,
        "queue_depth_max": seen.queue_most,
        **running.memory(),
    }
