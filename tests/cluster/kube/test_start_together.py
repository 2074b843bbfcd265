"""Many replicas that start in the same moment: pages, a few at a time, and then only watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from faultproxy import Seen
from kube_world import QUICK, World
from tokencheck.clients.kube.informer import Informer
from tokencheck.clients.kube.limits import jitter
from tokencheck.clients.kube.reads import version_in
from tokencheck.clients.kube.resources import SECRETS
from tokencheck.clients.kube.transport import Limits, Transport
from tokencheck.clients.kube.watching import Target

REPLICAS, RESOURCES, AT_ONCE = 5, 10, 2
LIMITS = Limits(connections=AT_ONCE * 4)


def is_list(seen: Seen) -> bool:
    return seen.verb == "get"


@pytest.fixture
async def replicas(world: World, tmp_path: Path) -> AsyncIterator[list[Informer[int]]]:
    """Informers of five processes, each of ten resources, that nobody has started."""
    path = SECRETS.path(world.namespace) or ""
    transports = [
        await Transport.connect(
            kubeconfig=world.proxy.kubeconfig(tmp_path / f"replica-{number}"), limits=LIMITS
        )
        for number in range(REPLICAS)
    ]
    target = Target(name="secrets", path=path, metadata_only=True, record=version_in)
    yield [
        Informer(transport, target, on_change=lambda *_: None, pace=QUICK)
        for transport in transports
        for _ in range(RESOURCES)
    ]
    await world.stop()
    for transport in transports:
        await transport.close()


async def all_synced(replicas: list[Informer[int]]) -> None:
    async with asyncio.timeout(60):
        for informer in replicas:
            await informer.synced.wait()


async def test_each_replica_has_few_lists_under_way(
    world: World, replicas: list[Informer[int]]
) -> None:
    world.put_secret("a")
    world.proxy.keep_back(is_list)
    for informer in replicas:
        world.run(informer)
    await world.until(lambda: world.proxy.held == REPLICAS * AT_ONCE)
    await asyncio.sleep(0.5)
    assert world.proxy.held == REPLICAS * AT_ONCE
    world.proxy.send_on()
    await all_synced(replicas)


async def test_every_list_comes_in_pages_and_every_watch_with_bookmarks(
    world: World, replicas: list[Informer[int]]
) -> None:
    for number in range(5):
        world.put_secret(f"s{number}")
    for informer in replicas:
        world.run(informer)
    await all_synced(replicas)
    await world.until(lambda: world.proxy.open_streams == len(replicas))
    lists = [seen for seen in world.proxy.seen if is_list(seen)]
    watches = [seen for seen in world.proxy.seen if seen.verb == "watch"]
    assert len(lists) == len(replicas) * 3, "five objects in pages of two"
    assert {seen.query["limit"] for seen in lists} == {"2"}
    assert not [seen for seen in lists if "resourceVersion" in seen.query], "consistent reads"
    assert len(watches) == len(replicas)
    assert all(seen.query["allowWatchBookmarks"] == "true" for seen in watches)
    assert all(int(seen.query["resourceVersion"]) > 0 for seen in watches)
    assert len({seen.query["timeoutSeconds"] for seen in watches}) > 1, "they end at their own time"


async def test_lists_that_were_throttled_come_back_and_nothing_is_polled_afterwards(
    world: World, replicas: list[Informer[int]]
) -> None:
    world.put_secret("a")
    world.proxy.refuse(429, is_list, times=REPLICAS * AT_ONCE, headers={"Retry-After": "1"})
    for informer in replicas:
        world.run(informer)
    await all_synced(replicas)
    await world.until(lambda: world.proxy.open_streams == len(replicas))
    asked = len(world.proxy.seen)
    assert asked == REPLICAS * AT_ONCE + 2 * len(replicas)
    await asyncio.sleep(3)
    assert len(world.proxy.seen) == asked


def test_what_comes_again_and_again_comes_at_a_time_of_its_own() -> None:
    times = {jitter(60.0, 0.2) for _ in range(100)}
    assert len(times) > 90
    assert all(48.0 <= seconds <= 60.0 for seconds in times)
