"""1,000 checks among 20,000 other Secrets: start, rest, then 40 Secret changes a second."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator

from bench import objects, seed
from bench.cluster import Cluster, cluster
from bench.http import Object
from bench.stages.run import Run, Started, started
from bench.summary import Figures, spread
from bench.usage import usage_of

# A flip that takes longer is a defect, not a slow one.
_FLIP_WAIT_S = 30.0


async def latency(run: Run) -> dict[str, Figures]:
    """Reaction time, CPU for each change, memory, rest, time to the first verdicts."""
    figures = {}
    async with cluster() as here:
        await seed.other_secrets(here, run.scale.other_secrets, run.display)
        await seed.good_tokens(here, run.scale.checks, run.display)
        for name in run.contenders:
            run.display.title(f"latency: {name}")
            async with started(name, run, here, run.scale.checks) as contender:
                figures[name] = await _measure(run, here, contender)
    return figures


async def _measure(run: Run, here: Cluster, contender: Started) -> Figures:
    figures: Figures = {"first_verdicts_s": contender.first_verdicts_s}
    figures |= await _rest(run, here, contender.server.pid)
    plan = list(_changes(run, here))
    before, written = usage_of(contender.server.pid), await here.writes()
    server_before = here.server_cpu_s()
    flips = await _change(run, here, contender, plan)
    after = usage_of(contender.server.pid)
    server_cpu_s = here.server_cpu_s() - server_before
    writes = _new_writes(written, await here.writes())
    lost = sum(took is None for _, took in flips)
    for name, status in (("to_false", "False"), ("to_true", "True")):
        took = [seconds for wanted, seconds in flips if wanted == status and seconds is not None]
        figures |= spread(name, took, "ms", 1000)
    return figures | {
        "changes": float(len(plan)),
        "lost_flips": float(lost),
        "cpu_per_change_ms": (after.cpu_s - before.cpu_s) / len(plan) * 1000,
        "server_cpu_per_change_ms": server_cpu_s / len(plan) * 1000,
        "writes_per_change": writes / len(plan),
        "rss_mib": after.rss_mib,
        "peak_mib": after.peak_mib,
    }


async def _rest(run: Run, here: Cluster, pid: int) -> Figures:
    """Nothing happens: what does the contender do?"""
    seconds = run.scale.idle_s
    writes, usage = await here.writes(), usage_of(pid)
    with run.display.step("at rest", seconds) as tick:
        for _ in range(seconds):
            await asyncio.sleep(1)
            tick()
    used = usage_of(pid).cpu_s - usage.cpu_s
    new = _new_writes(writes, await here.writes())
    return {"idle_cpu_percent": used / seconds * 100, "idle_writes": float(new)}


def _new_writes(before: dict[str, int], after: dict[str, int]) -> int:
    """What was written in between, without our own Secrets and the API server's own Leases."""
    counted = after.keys() - {"secrets", "leases"}
    return sum(after[name] - before.get(name, 0) for name in counted)


def _changes(run: Run, here: Cluster) -> Iterator[tuple[str, Object]]:
    """The new Secrets with the `Ready` that each brings: a second of bad ones, then good again."""
    width, seconds = run.scale.changes_per_s, run.scale.changes_s // 2 * 2
    for second in range(seconds):
        bad = second % 2 == 0
        for place in range(width):
            number = (second // 2 * width + place) % run.scale.checks
            token = here.signer.good()
            if bad:
                token = here.signer.expired() if place % 2 else here.stranger.good()
            yield ("False" if bad else "True"), objects.token_secret(number, token)


async def _change(
    run: Run, here: Cluster, contender: Started, plan: list[tuple[str, Object]]
) -> list[tuple[str, float | None]]:
    """Every change is sent at its own time, however long the others take."""

    async def flip(status: str, manifest: Object) -> tuple[str, float | None]:
        meta = manifest["metadata"]
        seen = contender.watch.expect((meta["namespace"], meta["name"]), status)
        where = objects.path("secrets", meta["namespace"], meta["name"])
        sent = time.monotonic()
        await here.http.request("PUT", where, manifest)
        try:
            return status, await asyncio.wait_for(seen, _FLIP_WAIT_S) - sent
        except TimeoutError:
            return status, None

    # The harness's own garbage collection is nobody's latency.
    gc.collect()
    gc.disable()
    begun = time.monotonic()
    tasks = []
    try:
        with run.display.step("Secret changes", len(plan)) as tick:
            for number, (status, manifest) in enumerate(plan):
                due = begun + number / run.scale.changes_per_s
                await asyncio.sleep(max(due - time.monotonic(), 0))
                tasks.append(asyncio.create_task(flip(status, manifest)))
                tick()
            return list(await asyncio.gather(*tasks))
    finally:
        gc.enable()
