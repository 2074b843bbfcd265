"""Many checks among many Secrets: how each cost grows with either."""

from __future__ import annotations

import asyncio

from bench import seed, shop
from bench.cluster import Cluster, cluster
from bench.load.meter import count
from bench.load.outcome import Point
from bench.load.stages.running import Running, operating
from bench.stages.changes import carry_out, changes, flips_spread, rest
from bench.stages.ends import Ends, measure_ends
from bench.stages.run import Run
from bench.summary import Figures


async def scale(run: Run) -> list[Point]:
    """One point for each number of checks with each number of other Secrets."""
    points = []
    for secrets in run.sizes.secrets:
        for checks in run.sizes.checks:
            run.display.title(f"scale: {checks:,} checks, {secrets:,} other Secrets")
            figures = await _measure(run, checks, secrets)
            points.append(
                Point(
                    title=f"{checks:,} checks",
                    group=f"{secrets:,} other Secrets",
                    sizes={"checks": checks, "secrets": secrets},
                    figures=figures,
                )
            )
    return points


async def _measure(run: Run, checks: int, secrets: int) -> Figures:
    sizes, display = run.sizes, run.display
    deployments = min(sizes.workloads, checks)
    async with cluster() as here:
        await seed.other_secrets(here, secrets, display)
        await seed.helm_releases(here, sizes.helm_releases, display)
        await seed.good_tokens(here, checks, display)
        await shop.workloads(here, sizes.workloads, sizes.pods, display)
        await shop.settle(here, sizes.workloads, sizes.pods, display)
        await seed.fresh_checks(here, checks, display, deployments=deployments)
        async with operating(here, checks, display) as running:
            await asyncio.sleep(sizes.settle_s)
            figures = running.start | running.memory()
            figures |= await rest(here, running.pid, sizes.idle_s, display)
            figures |= await _changes(run, here, running, checks)
            ends = Ends(
                per_s=sizes.ends_per_s,
                seconds=sizes.ends_s,
                at_once=max(1, min(sizes.ends_at_once, checks - sizes.ends_per_s * sizes.ends_s)),
                checks=checks,
            )
            if ends.total <= checks:
                figures |= await measure_ends(here, running.watch, ends, display)
            return figures | running.memory()


async def _changes(run: Run, here: Cluster, running: Running, checks: int) -> Figures:
    sizes = run.sizes
    plan = list(changes(here, per_s=sizes.changes_per_s, seconds=sizes.changes_s, checks=checks))
    before = await count(here, running.process)
    flips = await carry_out(here, running.watch, plan, run.display, per_s=sizes.changes_per_s)
    spent = (await count(here, running.process)).since(before)
    return flips_spread(flips) | {
        "changes": float(len(plan)),
        "cpu_per_change_ms": spent["cpu_s"] / len(plan) * 1000,
        "requests_per_change": spent["requests"] / len(plan),
        "read_kib_per_change": spent["read_mib"] * 1024 / len(plan),
        "writes_per_change": spent["writes"] / len(plan),
    }
