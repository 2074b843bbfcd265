"""10,000 checks: tokens end at their own time, 20 a second and then 2,000 at once."""

from __future__ import annotations

import asyncio
import time

from bench import objects, seed
from bench.cluster import Cluster, cluster
from bench.stages.run import Run, Started, started
from bench.summary import Figures, spread
from bench.usage import usage_of

# Between the last new token and the first end, and between the last end and the burst.
_LEAD_S, _PAUSE_S = 20, 5
_BURST_WAIT_S = 120.0


async def expiry(run: Run) -> dict[str, Figures]:
    """How long after `exp` a check is seen with `Ready=False`."""
    figures = {}
    async with cluster() as here:
        await seed.good_tokens(here, run.scale.expiry_checks, run.display)
        for name in run.contenders:
            run.display.title(f"expiry: {name}")
            async with started(name, run, here, run.scale.expiry_checks) as contender:
                figures[name] = await _measure(run, here, contender)
            await _restore(run, here)
    return figures


async def _measure(run: Run, here: Cluster, contender: Started) -> Figures:
    ends = await _give_ends(run, here, contender)
    seen = {number: contender.watch.expect(_key(number), "False") for number in ends}
    to_monotonic = time.monotonic() - time.time()
    burst = max(ends.values())
    with run.display.step("expiries", len(ends)) as tick:
        for one in seen.values():
            one.add_done_callback(lambda _: tick())
        await asyncio.wait(seen.values(), timeout=burst - time.time() + _BURST_WAIT_S)
    late = {
        number: one.result() - to_monotonic - ends[number]
        for number, one in seen.items()
        if one.done()
    }
    usage = usage_of(contender.server.pid)
    return {
        "first_verdicts_s": contender.first_verdicts_s,
        "lost_expiries": float(len(ends) - len(late)),
        **spread("steady", [s for n, s in late.items() if ends[n] < burst], "ms", 1000),
        **spread("burst", [s for n, s in late.items() if ends[n] == burst], "ms", 1000),
        "rss_mib": usage.rss_mib,
        "peak_mib": usage.peak_mib,
    }


async def _give_ends(run: Run, here: Cluster, contender: Started) -> dict[int, int]:
    """The tokens that will end are in place and judged good; returns when each ends."""
    scale = run.scale
    steady = scale.expiries_per_s * scale.expiry_s
    # 500 Secrets a second is what a busy machine still manages.
    start = int(time.time()) + _LEAD_S + (steady + scale.burst) // 500
    ends = {number: start + number // scale.expiries_per_s for number in range(steady)}
    at_once = start + scale.expiry_s + _PAUSE_S
    ends |= dict.fromkeys(range(steady, steady + scale.burst), at_once)
    manifests = [objects.token_secret(n, here.signer.until(end)) for n, end in ends.items()]
    await seed.put_all(here, "secrets", manifests)
    if time.time() > start - _LEAD_S / 4:
        raise TimeoutError("the machine is too busy: tokens end before they are all in place")
    if contender.watch.count("True") != scale.expiry_checks:
        raise AssertionError("a token that has not ended yet was judged bad")
    return ends


async def _restore(run: Run, here: Cluster) -> None:
    ended = run.scale.expiries_per_s * run.scale.expiry_s + run.scale.burst
    manifests = [objects.token_secret(number, here.signer.good()) for number in range(ended)]
    await seed.put_all(here, "secrets", manifests)


def _key(number: int) -> tuple[str, str]:
    return objects.namespace_of(number), objects.token_name(number)
