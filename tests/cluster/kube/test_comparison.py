"""What a running watch missed is found by a list of now, beside it."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from msgspec import Raw

from kube_world import QUICK, World
from tokencheck.clients.kube.media import METADATA_LIST


def data_in(raw: Raw | bytes) -> bool:
    """Whether this is a whole Secret."""
    return b'"data"' in bytes(raw)


@pytest.mark.parametrize("metadata_only", [True, False])
async def test_events_that_were_never_sent_are_found_by_comparison(
    world: World, metadata_only: bool
) -> None:
    world.put_secret("goes")
    world.put_secret("changes")
    quick = dataclasses.replace(QUICK, compare_s=1.0)
    informer = world.informer(pace=quick, metadata_only=metadata_only, record=data_in)
    await world.synced(informer)
    world.proxy.drop_events(lambda _: True)
    world.told.clear()
    world.delete_secret("goes")
    world.put_secret("changes", "2")
    world.put_secret("comes")
    await world.until(lambda: len(world.told) >= 3, timeout_s=20)
    assert {(name, new) for name, _, new in world.told} == {
        ("goes", None),
        ("changes", not metadata_only),
        ("comes", not metadata_only),
    }
    assert not informer.restarts, "the watch went on"


async def test_a_comparison_of_what_the_watch_told_meanwhile_reads_no_whole_object(
    world: World,
) -> None:
    for name in ("changes", "page", "turned"):
        world.put_secret(name)
    informer = world.informer(metadata_only=False, record=data_in)
    await world.synced(informer)
    world.proxy.drop_events(lambda _: True)
    world.put_secret("changes", "2")
    await asyncio.sleep(0.2)
    world.proxy.allow()
    world.proxy.seen.clear()
    world.proxy.hold(lambda seen: "continue" in seen.query)
    comparing = asyncio.create_task(informer.compare_versions())
    await world.until(lambda: world.proxy.held == 1)
    told = len(world.told)
    world.put_secret("changes", "3")
    await world.until(lambda: len(world.told) > told)
    world.proxy.release()
    await comparing
    assert [seen.accept for seen in world.proxy.seen if seen.verb == "get"] == [METADATA_LIST] * 2


async def test_a_comparison_by_versions_takes_what_nobody_wants_for_no_difference(
    world: World,
) -> None:
    informer = world.informer(
        metadata_only=False, record=data_in, wanted=lambda place: place[1] == "mine"
    )
    world.put_secret("other")
    await world.synced(informer)
    world.proxy.seen.clear()
    await informer.compare_versions()
    assert [seen.accept for seen in world.proxy.seen if seen.verb == "get"] == [METADATA_LIST]


async def test_a_comparison_tells_nothing_that_the_watch_told(world: World) -> None:
    informer = world.informer()
    await world.synced(informer)
    told = 0
    for i in range(20):
        world.put_secret(f"s{i}")
        if i % 3 == 0:
            world.delete_secret(f"s{i}")
            told += 1
        told += 1
        await informer.compare()
    await world.until(lambda: len(world.told) >= told)
    await informer.compare()
    await asyncio.sleep(0.2)
    assert len(world.told) == told
    assert world.names() == {f"s{i}" for i in range(20) if i % 3}


async def test_what_the_watch_tells_during_a_comparison_is_newer_than_its_list(
    world: World,
) -> None:
    """What was deleted meanwhile does not come back, and what was made meanwhile stays."""
    world.put_secret("goes")
    informer = world.informer()
    await world.synced(informer)
    world.proxy.hold()
    comparing = asyncio.create_task(informer.compare())
    await world.until(lambda: world.proxy.held == 1)
    world.delete_secret("goes")
    world.put_secret("comes")
    await world.until(lambda: world.names() == {"comes"})
    told = len(world.told)
    world.proxy.release()
    await comparing
    assert len(world.told) == told
    assert set(informer.store.records()) == {(world.namespace, "comes")}


async def test_what_was_made_again_during_a_comparison_stays(world: World) -> None:
    """The list lacks it, and the watch has told a newer one."""
    world.put_secret("again")
    informer = world.informer()
    await world.synced(informer)
    world.proxy.drop_events(lambda _: True)
    world.delete_secret("again")
    await asyncio.sleep(0.2)
    world.proxy.allow()
    world.proxy.hold()
    comparing = asyncio.create_task(informer.compare())
    await world.until(lambda: world.proxy.held == 1)
    world.put_secret("again", "2")
    await world.until(lambda: len(world.told) == 2)
    world.proxy.release()
    await comparing
    assert world.names() == {"again"}
