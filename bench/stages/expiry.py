"""10,000 checks: tokens end at their own time, 20 a second and then 2,000 at once."""

from __future__ import annotations

from bench import seed
from bench.cluster import cluster
from bench.stages.ends import Ends, measure_ends, restore
from bench.stages.run import Run, started
from bench.summary import Figures
from bench.usage import usage_of


async def expiry(run: Run) -> dict[str, Figures]:
    """How long after `exp` a check is seen with `Ready=False`."""
    scale, figures = run.scale, {}
    ends = Ends(
        per_s=scale.expiries_per_s,
        seconds=scale.expiry_s,
        at_once=scale.burst,
        checks=scale.expiry_checks,
    )
    async with cluster() as here:
        await seed.good_tokens(here, scale.expiry_checks, run.display)
        for name in run.contenders:
            run.display.title(f"expiry: {name}")
            async with started(name, run, here, scale.expiry_checks) as contender:
                late = await measure_ends(here, contender.watch, ends, run.display)
                usage = usage_of(contender.server.pid)
            figures[name] = late | {
                "first_verdicts_s": contender.first_verdicts_s,
                "rss_mib": usage.rss_mib,
                "peak_mib": usage.peak_mib,
            }
            await restore(here, ends)
    return figures
