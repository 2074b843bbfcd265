"""1,000 checks among 50,000 other Secrets: what does it cost to know that they are there?"""

from __future__ import annotations

from bench import seed
from bench.cluster import cluster
from bench.stages.run import Run, started
from bench.summary import Figures
from bench.usage import usage_of


async def memory(run: Run) -> dict[str, Figures]:
    """Memory at rest and at most, and the time to the first verdicts."""
    figures = {}
    async with cluster() as here:
        await seed.other_secrets(here, run.scale.memory_secrets, run.display)
        await seed.good_tokens(here, run.scale.checks, run.display)
        for name in run.contenders:
            run.display.title(f"memory: {name}")
            async with started(name, run, here, run.scale.checks) as contender:
                usage = usage_of(contender.server.pid)
                figures[name] = {
                    "first_verdicts_s": contender.first_verdicts_s,
                    "rss_mib": usage.rss_mib,
                    "peak_mib": usage.peak_mib,
                }
    return figures
