"""Rest, and Secret changes at their own times: what both kinds of stages measure."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import objects
from bench.cluster import Cluster
from bench.http import Object
from bench.progress import Display
from bench.summary import Figures, spread
from bench.usage import usage_of
from bench.watch import ReadyWatch

# A flip that takes longer is a defect, not a slow one.
_FLIP_WAIT_S = 30.0
Change = tuple[str, Object]
"""The `Ready` that a Secret brings, and the Secret."""


@dataclass(frozen=True, slots=True)
class Flip:
    """The ``Ready`` that was waited for.

    Args:
        wanted: its status.
        seconds: from the PUT to when it was seen; None: it never came.
        put_s: from the PUT to its own answer: the API server's share.
    """

    wanted: str
    seconds: float | None
    put_s: float


async def rest(here: Cluster, pid: int, seconds: int, display: Display) -> Figures:
    """Nothing happens: what does the contender do?"""
    writes, usage = await here.writes(), usage_of(pid)
    with display.step("at rest", seconds) as tick:
        for _ in range(seconds):
            await asyncio.sleep(1)
            tick()
    used = usage_of(pid).cpu_s - usage.cpu_s
    new = new_writes(writes, await here.writes())
    return {"idle_cpu_percent": used / seconds * 100, "idle_writes": float(new)}


def new_writes(before: dict[str, int], after: dict[str, int]) -> int:
    """What was written in between, without our own Secrets and the API server's own Leases."""
    counted = after.keys() - {"secrets", "leases"}
    return sum(after[name] - before.get(name, 0) for name in counted)


def changes(here: Cluster, *, per_s: int, seconds: int, checks: int) -> Iterator[Change]:
    """A second of bad tokens (expired and a stranger's, in turn), then the same good again."""
    for second in range(seconds // 2 * 2):
        bad = second % 2 == 0
        for place in range(per_s):
            number = (second // 2 * per_s + place) % checks
            token = here.signer.good()
            if bad:
                token = here.signer.expired() if place % 2 else here.stranger.good()
            yield ("False" if bad else "True"), objects.token_secret(number, token)


async def flip(
    here: Cluster, watch: ReadyWatch, change: Change, *, wait_s: float = _FLIP_WAIT_S
) -> Flip:
    """The Secret was put; how long it took until its check had the `Ready` that it brings."""
    status, manifest = change
    meta = manifest["metadata"]
    seen = watch.expect((meta["namespace"], meta["name"]), status)
    where = objects.path("secrets", meta["namespace"], meta["name"])
    sent = time.monotonic()
    await here.http.request("PUT", where, manifest)
    put_s = time.monotonic() - sent
    try:
        async with asyncio.timeout(wait_s):
            return Flip(status, await seen - sent, put_s)
    except TimeoutError:
        return Flip(status, None, put_s)


async def carry_out(
    here: Cluster,
    watch: ReadyWatch,
    plan: Sequence[Change],
    display: Display,
    *,
    per_s: float,
    wait_s: float = _FLIP_WAIT_S,
) -> list[Flip]:
    """Every change is sent at its own time, however long the others take."""
    # The harness's own garbage collection is nobody's latency.
    gc.collect()
    gc.disable()
    begun = time.monotonic()
    tasks = []
    try:
        with display.step("Secret changes", len(plan)) as tick:
            for number, change in enumerate(plan):
                await asyncio.sleep(max(begun + number / per_s - time.monotonic(), 0))
                tasks.append(asyncio.create_task(flip(here, watch, change, wait_s=wait_s)))
                tick()
            return list(await asyncio.gather(*tasks))
    finally:
        gc.enable()


def flips_spread(flips: Sequence[Flip]) -> Figures:
    """Percentiles for each of both directions and of the PUTs, and how many never came."""
    figures: Figures = {"lost_flips": float(sum(one.seconds is None for one in flips))}
    for name, status in (("to_false", "False"), ("to_true", "True")):
        took = [one.seconds for one in flips if one.wanted == status and one.seconds is not None]
        figures |= spread(name, took, "ms", 1000)
    return figures | spread("put", [one.put_s for one in flips], "ms", 1000)
