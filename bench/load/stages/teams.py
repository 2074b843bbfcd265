"""One ClusterTokenCheck for all workloads of forty teams: what does it cost, and who notices?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bench import objects, seed, shop
from bench.cluster import Cluster, cluster
from bench.http import Object
from bench.load.meter import count, looks
from bench.load.outcome import Point
from bench.load.stages.running import Running, operating
from bench.load.stages.victims import changed, told, victims
from bench.stages.changes import new_writes
from bench.stages.run import Run
from bench.summary import Figures, most_within, steepest
from bench.watch import Key

NAME = "all-teams"
_WHERE = f"{objects.CLUSTER_CHECKS}/{NAME}"
_VALUES = {"clusterTokenChecks": {"enabled": True}}
_ARGS = ("--cluster-token-checks",)
_TEMPLATE = (_WHERE, {"spec": {"template": {"spec": {"interval": "1h"}}}})
_OPT_OUT = {"metadata": {"labels": {objects.ENABLED: "false"}}}
# Far more than any step needs; a run that hangs shall end.
_WAIT_S, _WAIT_FOR_EACH_S = 300.0, 0.2
_LOOK_S = 0.25


async def teams(run: Run) -> list[Point]:
    """All get their TokenCheck while victims' tokens change; a new template; one team opts out."""
    total, spaces = run.sizes.workloads, [f"shop-{n:02d}" for n in range(run.sizes.teams)]
    title = f"{total:,} Deployments of {len(spaces)} teams"
    run.display.title(f"teams: {title}, {run.sizes.victims:,} victims")
    async with cluster(_VALUES) as here:
        await _seeded(run, here, spaces)
        await victims(run, here)
        async with operating(here, run.sizes.victims, run.display, args=_ARGS) as running:
            keys = [
                (objects.namespace_of(number, spaces), f"deployment-{shop.name_of(number)}")
                for number in range(total)
            ]
            figures = await _made(run, here, running, keys)
            figures |= await _changed(run, here, "template", _TEMPLATE, left=total, of=total)
            gone = sum(space == spaces[0] for space, _ in keys)
            opt_out = (f"/api/v1/namespaces/{spaces[0]}", _OPT_OUT)
            figures |= await _changed(run, here, "opt_out", opt_out, left=total - gone, of=gone)
            figures |= running.memory()
    return [Point(title=title, sizes={"checks": total}, figures=figures)]


async def _seeded(run: Run, here: Cluster, spaces: Sequence[str]) -> None:
    """Deployments run in the teams' namespaces, each with a Pod and a token of its own."""
    total, display = run.sizes.workloads, run.display
    for space in spaces:
        manifest = objects.namespace(space, {objects.ENABLED: "true"})
        await here.http.request("POST", "/api/v1/namespaces", manifest)
    await seed.good_tokens(here, total, display, spaces=spaces)
    await shop.workloads(here, total, total, display, spaces=spaces)
    await shop.settle(here, total, total, display, spaces=spaces)


async def _made(run: Run, here: Cluster, running: Running, keys: Sequence[Key]) -> Figures:
    """From nothing to a verdict on every workload."""
    over, written = asyncio.Event(), await here.written("tokenchecks")
    before = await count(here, running.process)
    async with looks(running.process) as seen, asyncio.TaskGroup() as group:
        flips = group.create_task(changed(run, here, running, over))
        begun = time.monotonic()
        await here.http.request("POST", objects.CLUSTER_CHECKS, objects.cluster_check(NAME))
        with run.display.step("TokenChecks made and judged", len(keys)) as tick:
            judged = await running.until_good(keys, seed.counted(tick))
        said = await _says(here, len(keys))
        over.set()
    spent, whole_s = (await count(here, running.process)).since(before), time.monotonic() - begun
    posted = (await here.written("tokenchecks"))["POST"] - written["POST"]
    made = [running.watch.made[key] for key in keys]
    return told(flips.result()) | {
        "made_s": max(made) - begun,
        "judged_s": judged - begun,
        "said_s": said - begun,
        "made_in_a_second": float(most_within(made, 1.0)),
        "doubles": float(max(posted, await _there(here)) - len(keys)),
        "requests_per_s": spent["requests"] / whole_s,
        "requests_most_per_s": steepest(seen.requests, over=1.0),
        "cpu_percent": spent["cpu_s"] / whole_s * 100,
        "queue_depth_max": seen.queue_most,
    }


async def _changed(
    run: Run, here: Cluster, name: str, change: tuple[str, Object], *, left: int, of: int
) -> Figures:
    """What a merge patch costs, until the ClusterTokenCheck says that all is done.

    Args:
        run, here: what all stages share.
        name: of the figures.
        change: path and patch.
        left: how many TokenChecks there are afterwards.
        of: how many of them it is about.
    """
    await asyncio.sleep(run.sizes.settle_s)
    before, begun = await here.writes(), time.monotonic()
    with run.display.step(f"{name.replace('_', ' ')}: {of:,} TokenChecks", 1) as tick:
        await here.http.merge(*change)
        said = await _says(here, left)
        tick()
    await asyncio.sleep(run.sizes.settle_s)  # Events go after statuses
    theirs = new_writes(before, await here.writes()) - 1
    return {f"{name}_s": said - begun, f"{name}_writes": theirs / of}


async def _says(here: Cluster, total: int) -> float:
    """The time at which the ClusterTokenCheck said that it has so many, and all of them are good.

    Raises:
        TimeoutError: with what it says instead.
    """
    deadline = time.monotonic() + _WAIT_S + total * _WAIT_FOR_EACH_S
    while not is_done(found := await here.http.get(_WHERE), total):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{total} TokenChecks are wanted; {NAME}: {found.get('status')}")
        await asyncio.sleep(_LOOK_S)
    return time.monotonic()


def is_done(found: Object, total: int) -> bool:
    """Whether the status is about the spec as it is, says so of so many, and nothing is left."""
    status = found.get("status", {})
    conditions = {one["type"]: one["status"] for one in status.get("conditions", ())}
    counts = dict.fromkeys(("selected", "checked"), total)
    none = dict.fromkeys(("handWritten", "optedOut", "others", "refused"), 0)
    return (
        status.get("observedGeneration") == found["metadata"]["generation"]
        and conditions == {"Ready": "True"}
        and status.get("good") == f"{total}/{total}"
        and status.get("workloads") == counts | none
        and not status.get("failing")
    )


async def _there(here: Cluster) -> int:
    """How many TokenChecks there are that a ClusterTokenCheck made."""
    listed = await here.http.get(f"{objects.CHECKS}?labelSelector=tokencheck.dev/cluster-check")
    return len(listed["items"])
