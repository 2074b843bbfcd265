"""Tokens that end at their own time: so many a second, and then many in the same second."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bench import objects, seed
from bench.cluster import Cluster
from bench.progress import Display
from bench.summary import Figures, spread
from bench.watch import ReadyWatch

# Between the last new token and the first end, and between the last end and the burst. What is
# measured is the end: a contender has a minute to have judged all new tokens before.
_LEAD_S, _PAUSE_S = 60, 5
_BURST_WAIT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """How many end when: ``per_s`` for ``seconds``, then ``at_once``; of ``checks`` in all."""

    per_s: int
    seconds: int
    at_once: int
    checks: int

    @property
    def total(self) -> int:
        """How many tokens end."""
        return self.per_s * self.seconds + self.at_once


async def measure_ends(here: Cluster, watch: ReadyWatch, ends: Ends, display: Display) -> Figures:
    """How long after `exp` a check is seen with `Ready=False`."""
    when = await _give_ends(here, watch, ends)
    seen = {number: watch.expect(_key(number), "False") for number in when}
    to_monotonic = time.monotonic() - time.time()
    burst = max(when.values())
    with display.step("expiries", len(when)) as tick:
        for one in seen.values():
            one.add_done_callback(lambda _: tick())
        await asyncio.wait(seen.values(), timeout=burst - time.time() + _BURST_WAIT_S)
    late = {
        number: one.result() - to_monotonic - when[number]
        for number, one in seen.items()
        if one.done()
    }
    return {
        "lost_expiries": float(len(when) - len(late)),
        **spread("steady", [s for n, s in late.items() if when[n] < burst], "ms", 1000),
        **spread("burst", [s for n, s in late.items() if when[n] == burst], "ms", 1000),
    }


async def restore(here: Cluster, ends: Ends) -> None:
    """What ended is good again."""
    manifests = [objects.token_secret(number, here.signer.good()) for number in range(ends.total)]
    await seed.put_all(here, "secrets", manifests)


async def _give_ends(here: Cluster, watch: ReadyWatch, ends: Ends) -> dict[int, int]:
    """The tokens that will end are in place and judged good; returns when each ends."""
    steady = ends.per_s * ends.seconds
    # 500 Secrets a second is what a busy machine still manages.
    start = int(time.time()) + _LEAD_S + ends.total // 500
    when = {number: start + number // ends.per_s for number in range(steady)}
    at_once = start + ends.seconds + _PAUSE_S
    when |= dict.fromkeys(range(steady, ends.total), at_once)
    manifests = [objects.token_secret(n, here.signer.until(end)) for n, end in when.items()]
    await seed.put_all(here, "secrets", manifests)
    if time.time() > start - _LEAD_S / 4:
        raise TimeoutError("the machine is too busy: tokens end before they are all in place")
    # What is still bad is of the changes before; a new token that is called bad stays so.
    left_s = start - _LEAD_S / 8 - time.time()
    await watch.until_all("True", ends.checks, timeout_s=left_s, tick=lambda _: None)
    return when


def _key(number: int) -> tuple[str, str]:
    return objects.namespace_of(number), objects.token_name(number)
