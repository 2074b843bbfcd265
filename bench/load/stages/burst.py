"""Much at once: many Secrets rotated within seconds, and one Secret that many checks name."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench import objects, seed
from bench.cluster import Cluster, cluster
from bench.load.meter import count, looks
from bench.load.outcome import Point
from bench.load.stages.running import Running, operating
from bench.stages.changes import Change, Flip, carry_out
from bench.stages.run import Run
from bench.summary import Figures, spread

_WAIT_S = 600.0
_SHARED = "shared"


async def burst(run: Run) -> list[Point]:
    """What follows when a team rotates everything, and when a Secret of everybody changes."""
    return [await _rotated(run), await _shared(run)]


async def _rotated(run: Run) -> Point:
    sizes = run.sizes
    run.display.title(f"burst: {sizes.rotated:,} Secrets within {sizes.rotated_s} s")
    async with cluster() as here:
        await seed.good_tokens(here, sizes.rotated, run.display)
        await seed.fresh_checks(here, sizes.rotated, run.display)
        plan: list[Change] = [
            ("False", objects.token_secret(number, here.signer.expired()))
            for number in range(sizes.rotated)
        ]
        async with operating(here, sizes.rotated, run.display) as running:
            per_s = sizes.rotated / sizes.rotated_s
            figures = await _carried_out(run, here, running, plan, per_s)
    return Point(
        title=f"{sizes.rotated:,} Secrets in {sizes.rotated_s} s",
        sizes={"checks": sizes.rotated},
        figures=figures,
    )


async def _carried_out(
    run: Run, here: Cluster, running: Running, plan: Sequence[Change], per_s: float
) -> Figures:
    before, begun = await count(here, running.process), time.monotonic()
    async with looks(running.process) as seen:
        flips = await carry_out(here, running.watch, plan, run.display, per_s=per_s, wait_s=_WAIT_S)
    all_s = time.monotonic() - begun
    spent = (await count(here, running.process)).since(before)
    return _figures(flips, spent, len(plan)) | {
        "all_s": all_s,
        "queue_depth_max": seen.queue_most,
        **running.memory(),
    }


async def _shared(run: Run) -> Point:
    checks = run.sizes.shared
    run.display.title(f"burst: one Secret of {checks:,} checks")
    async with cluster() as here:
        space = objects.NAMESPACES[0]
        where = objects.path("secrets", space)
        first = objects.secret(space, _SHARED, {"token": here.signer.good().encode()})
        await here.http.request("POST", where, first)
        keys = [(space, objects.token_name(number)) for number in range(checks)]
        manifests = [objects.check_of(*key, secret=_SHARED) for key in keys]
        await seed.post_checks(here, manifests, run.display, count=checks)
        async with operating(here, checks, run.display) as running:
            bad = objects.secret(space, _SHARED, {"token": here.signer.expired().encode()})
            before = await count(here, running.process)
            expected = [running.watch.expect(key, "False") for key in keys]
            begun = time.monotonic()
            async with looks(running.process) as seen:
                await here.http.request("PUT", f"{where}/{_SHARED}", bad)
                put_s = time.monotonic() - begun
                await running.watch.until_all(
                    "False", checks, timeout_s=_WAIT_S, tick=lambda _: None
                )
            flips = [Flip("False", one.result() - begun, put_s) for one in expected]
            spent = (await count(here, running.process)).since(before)
            figures = _figures(flips, spent, checks) | running.memory()
    return Point(
        title=f"1 Secret of {checks:,} checks",
        sizes={"checks": checks},
        figures=figures
        | {"all_s": max(one.seconds or 0 for one in flips), "queue_depth_max": seen.queue_most},
    )


def _figures(flips: Sequence[Flip], spent: Figures, verdicts: int) -> Figures:
    took = [one.seconds for one in flips if one.seconds is not None]
    return spread("flip", took, "ms", 1000) | {
        "lost_flips": float(len(flips) - len(took)),
        "requests_per_change": spent["requests"] / verdicts,
        "cpu_per_change_ms": spent["cpu_s"] / verdicts * 1000,
        "throttled": spent["throttled"],
    }
