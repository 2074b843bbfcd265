"""1,000 checks among 20,000 other Secrets: start, rest, then 40 Secret changes a second."""

from __future__ import annotations

from bench import seed
from bench.cluster import Cluster, cluster
from bench.stages.changes import carry_out, changes, flips_spread, new_writes, rest
from bench.stages.run import Run, Started, started
from bench.summary import Figures
from bench.usage import usage_of


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
    scale, pid = run.scale, contender.server.pid
    figures: Figures = {"first_verdicts_s": contender.first_verdicts_s}
    figures |= await rest(here, pid, scale.idle_s, run.display)
    plan = list(
        changes(here, per_s=scale.changes_per_s, seconds=scale.changes_s, checks=scale.checks)
    )
    before, written = usage_of(pid), await here.writes()
    server_before = here.server_cpu_s()
    flips = await carry_out(here, contender.watch, plan, run.display, per_s=scale.changes_per_s)
    after = usage_of(pid)
    server_cpu_s = here.server_cpu_s() - server_before
    writes = new_writes(written, await here.writes())
    return (
        figures
        | flips_spread(flips)
        | {
            "changes": float(len(plan)),
            "cpu_per_change_ms": (after.cpu_s - before.cpu_s) / len(plan) * 1000,
            "server_cpu_per_change_ms": server_cpu_s / len(plan) * 1000,
            "writes_per_change": writes / len(plan),
            "rss_mib": after.rss_mib,
            "peak_mib": after.peak_mib,
        }
    )
