"""Hours of change: what grows that should not, and is everything told once?"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field

from bench import objects, seed
from bench.cluster import Cluster, cluster
from bench.load.meter import Counts, count, facts
from bench.load.outcome import Point
from bench.load.stages.running import Running, operating
from bench.stages.changes import flip
from bench.stages.run import Run
from bench.summary import Figures, slope
from bench.usage import open_files, usage_of

_FLAP_WAIT_S = 60.0
_FLAPPER = 0
# Memory and etcd settle first: caches fill, the API server compacts every five minutes.
_WARM_UP_SHARE, _WARM_UP_MOST_S = 0.2, 600.0
# Per object, as client-go's spam filter lets through: 25 at once, then one in five minutes.
_EVENTS_AT_ONCE, _EVENTS_PER_H = 25, 12
_IN_USE = re.compile(r"^etcd_mvcc_db_total_size_in_use_in_bytes (\S+)$", re.MULTILINE)


@dataclass(slots=True)
class _Story:
    """What was done, and what was seen on the way."""

    begun: float = field(default_factory=time.monotonic)
    changes: int = 0
    flap_lost: int = 0
    samples: list[dict[str, float]] = field(default_factory=list)

    def slope_per_h(self, name: str) -> float:
        """How much a value grew an hour, after the warm-up."""
        hours = self.samples[-1]["hours"]
        warm = min(hours * _WARM_UP_SHARE, _WARM_UP_MOST_S / 3600)
        return slope([(one["hours"], one[name]) for one in self.samples if one["hours"] >= warm])


async def soak(run: Run) -> list[Point]:
    """One token flaps each second, others are rotated, checks come and go."""
    checks, duration_s = min(run.sizes.checks), run.sizes.duration_s
    run.display.title(f"soak: {checks:,} checks, {duration_s} s")
    async with cluster() as here:
        await seed.other_secrets(here, min(run.sizes.secrets), run.display)
        await seed.good_tokens(here, checks, run.display)
        await seed.fresh_checks(here, checks, run.display)
        async with operating(here, checks, run.display) as running:
            figures = await _soaked(run, here, running, checks)
    title = f"{checks:,} checks, {duration_s / 3600:.2g} h"
    return [
        Point(title=title, sizes={"checks": checks, "hours": duration_s / 3600}, figures=figures)
    ]


async def _soaked(run: Run, here: Cluster, running: Running, checks: int) -> Figures:
    await asyncio.sleep(run.sizes.settle_s)
    story, before = _Story(), await count(here, running.process)
    end = story.begun + run.sizes.duration_s
    with run.display.step("soak, seconds", run.sizes.duration_s) as tick:
        async with asyncio.TaskGroup() as group:
            group.create_task(_flap(here, running, story, end))
            group.create_task(_churn(here, story, checks, end))
            group.create_task(_look(run, here, running, story, end))
            for _ in range(run.sizes.duration_s):
                await asyncio.sleep(max(0.0, min(1.0, end - time.monotonic())))
                tick()
    await asyncio.sleep(run.sizes.settle_s)
    story.samples.append(await _sample(here, running, story))
    return _figures(story, before, await count(here, running.process), await facts(running.process))


async def _flap(here: Cluster, running: Running, story: _Story, end: float) -> None:
    """A token goes bad and good again, each second."""
    bad = True
    while (at := time.monotonic()) < end:
        token = here.signer.expired() if bad else here.signer.good()
        change = ("False" if bad else "True", objects.token_secret(_FLAPPER, token))
        seen = await flip(here, running.watch, change, wait_s=_FLAP_WAIT_S)
        story.changes += 1
        story.flap_lost += seen.seconds is None
        bad = not bad
        await asyncio.sleep(max(0.0, at + 1 - time.monotonic()))


async def _churn(here: Cluster, story: _Story, checks: int, end: float) -> None:
    """Each second one token is rotated, and one check is made again."""
    second = 0
    while (at := time.monotonic()) < end:
        second += 1
        rotated, again = 1 + second % (checks - 1), 1 + (second * 7 + 3) % (checks - 1)
        await seed.put_all(here, "secrets", [objects.token_secret(rotated, here.signer.good())])
        where = objects.checks_path(objects.namespace_of(again), objects.token_name(again))
        await here.http.request("DELETE", where)
        manifest = objects.token_check(again)
        await here.http.request("POST", objects.checks_path(objects.namespace_of(again)), manifest)
        story.changes += 2
        await asyncio.sleep(max(0.0, at + 1 - time.monotonic()))


async def _look(run: Run, here: Cluster, running: Running, story: _Story, end: float) -> None:
    while time.monotonic() < end:
        running.process.server.require_alive()
        story.samples.append(await _sample(here, running, story))
        await asyncio.sleep(run.sizes.sample_s)


async def _sample(here: Cluster, running: Running, story: _Story) -> dict[str, float]:
    usage = usage_of(running.pid)
    etcd = (await here.http.plain(f"http://127.0.0.1:{here.plane.at.etcd_port}/metrics")).decode()
    in_use = _IN_USE.search(etcd)
    return {
        "hours": (time.monotonic() - story.begun) / 3600,
        "rss_mib": usage.rss_mib,
        "fds": float(open_files(running.pid)),
        "tasks": float((await facts(running.process)).get("tasks", 0)),
        "etcd_mib": float(in_use[1]) / 2**20 if in_use else 0.0,
    }


def _figures(story: _Story, before: Counts, after: Counts, told: dict[str, float]) -> Figures:
    hours = story.samples[-1]["hours"]
    spent = after.since(before)
    return {
        "hours": hours,
        "changes_per_h": story.changes / hours,
        "rss_mib_per_h": story.slope_per_h("rss_mib"),
        "rss_mib": story.samples[-1]["rss_mib"],
        "tasks_per_h": story.slope_per_h("tasks"),
        "fds_per_h": story.slope_per_h("fds"),
        "etcd_mib_per_h": story.slope_per_h("etcd_mib"),
        "writes_per_change": spent["status_writes"] / story.changes,
        "status_writes_per_h": spent["status_writes"] / hours,
        "events_per_h": spent["events"] / hours,
        "events_per_budget": spent["events"] / events_budget(story.changes, hours),
        "flap_lost": float(story.flap_lost),
        "cpu_percent": spent["cpu_s"] / (hours * 3600) * 100,
        "passes_failed": float(told.get("passesFailed", 0)),
    }


def events_budget(changes: int, hours: float) -> float:
    """How many Events may be written: one for each change of the churn, and what a flap may tell.

    Of the changes a third is the flapping token's, which an object's own bound holds down.
    """
    return changes * 2 / 3 + _EVENTS_AT_ONCE + _EVENTS_PER_H * hours
