"""An informer knows what the API server has, whatever happens on the way."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import Any

from controlplane import ControlPlane
from kube_world import QUICK, World, pages_listed
from tokencheck.clients.kube.watching import Restart, State


def _watches(seen: Any) -> bool:
    return bool(seen.verb == "watch")


async def test_every_page_of_a_list_is_read(world: World) -> None:
    """Pages hold two objects here."""
    for i in range(5):
        world.put_secret(f"s{i}")
    informer = world.informer()
    await world.synced(informer)
    assert world.names() == {"s0", "s1", "s2", "s3", "s4"}
    assert informer.listed == 5
    assert world.proxy.count("get") == 3


async def test_changes_are_told_once_each_with_old_and_new_record(world: World) -> None:
    first = world.put_secret("a", "1")
    informer = world.informer()
    await world.synced(informer)
    second = world.put_secret("a", "2")
    world.delete_secret("a")
    await world.until(lambda: len(world.told) == 3)
    v1, v2 = (int(s["metadata"]["resourceVersion"]) for s in (first, second))
    assert world.told == [("a", None, v1), ("a", v1, v2), ("a", v2, None)]


async def test_only_metadata_of_secrets_is_asked_for(world: World) -> None:
    """Values of Secrets that nobody references never enter the process."""
    world.put_secret("a", "canary-value")
    bodies: list[bytes] = []
    informer = world.informer(record=lambda raw: bodies.append(bytes(raw)) or 1)
    await world.synced(informer)
    world.put_secret("b", "canary-value")
    await world.until(lambda: len(bodies) == 2)
    assert all(b'"data"' not in body and b"PartialObjectMetadata" in body for body in bodies)


async def test_objects_that_nobody_wants_are_not_kept(world: World) -> None:
    world.put_secret("mine")
    world.put_secret("other")
    informer = world.informer(wanted=lambda place: place[1] == "mine")
    await world.synced(informer)
    world.put_secret("other", "2")
    world.put_secret("mine", "2")
    await world.until(lambda: len(world.told) == 2)
    assert [name for name, _, _ in world.told] == ["mine", "mine"]
    assert set(informer.store.records()) == {(world.namespace, "mine")}


async def test_a_cut_watch_goes_on_where_it_stood(world: World) -> None:
    informer = world.informer()
    await world.synced(informer)
    lists = pages_listed(world)
    world.proxy.cut()
    world.put_secret("meanwhile")
    await world.until(lambda: world.names() == {"meanwhile"})
    assert informer.restarts[Restart.CUT] == 1
    assert pages_listed(world) == lists


async def test_a_watch_that_the_server_ends_goes_on_without_a_list(world: World) -> None:
    informer = world.informer(pace=dataclasses.replace(QUICK, watch_s=1.0, silent_s=5.0))
    await world.synced(informer)
    lists = pages_listed(world)
    await world.until(lambda: informer.restarts[Restart.ENDED] >= 2)
    world.put_secret("later")
    await world.until(lambda: world.names() == {"later"})
    assert pages_listed(world) == lists


async def test_a_frozen_watch_is_given_up_within_its_limit(world: World) -> None:
    """The connection stays open and nothing comes: only silence shows it."""
    informer = world.informer(pace=dataclasses.replace(QUICK, silent_s=1.0))
    await world.synced(informer)
    world.proxy.freeze()
    world.put_secret("unheard")
    started = time.monotonic()
    await world.until(lambda: world.names() == {"unheard"})
    assert 0.5 < time.monotonic() - started < 3.0
    assert informer.restarts[Restart.STALLED] >= 1


async def test_a_quiet_watch_learns_the_version_of_now_before_it_ends(world: World) -> None:
    """So a quiet resource is not listed again when its old versions are forgotten.

    The server tells the version of now at the end of a watch when it has learnt of one; reads make
    it learn.
    """
    informer = world.informer(pace=dataclasses.replace(QUICK, watch_s=5.0))
    await world.synced(informer)
    metadata = {"name": "x", "namespace": world.namespace}
    world.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    world.api.list("Secret", world.namespace)
    await world.until(lambda: world.proxy.count("watch") == 2)
    first, second = (s.query["resourceVersion"] for s in world.proxy.seen if s.verb == "watch")
    assert int(second) > int(first)


async def test_an_expired_version_in_the_stream_makes_a_new_list(world: World) -> None:
    """What vanished meanwhile is told as deleted, what came is told, what stayed is not."""
    for name in ("stays", "goes"):
        world.put_secret(name)
    informer = world.informer()
    await world.synced(informer)
    world.told.clear()
    world.proxy.drop_events(lambda _: True)
    world.delete_secret("goes")
    world.put_secret("comes")
    await asyncio.sleep(0.2)
    world.proxy.allow()
    await world.proxy.inject_error(410)
    await world.until(lambda: len(world.told) == 2)
    assert {(name, new is None) for name, _, new in world.told} == {
        ("goes", True),
        ("comes", False),
    }
    assert informer.restarts[Restart.EXPIRED] == 1


async def test_an_expired_version_as_http_status_makes_a_new_list(world: World) -> None:
    informer = world.informer()
    await world.synced(informer)
    lists = pages_listed(world)
    world.proxy.refuse(410, _watches, times=1)
    world.proxy.cut()
    await world.until(lambda: world.proxy.count("get") > lists)
    world.put_secret("after")
    await world.until(lambda: world.names() == {"after"})
    assert informer.restarts[Restart.EXPIRED] == 1


async def test_any_other_error_event_is_survived(world: World) -> None:
    """An operator built on a plain Kopf watch ends here."""
    informer = world.informer()
    await world.synced(informer)
    for code in (500, 504):
        await world.proxy.inject_error(code)
        await world.until(lambda: world.proxy.open_streams == 0)
        await world.until(lambda: world.proxy.open_streams == 1)
    world.put_secret("after")
    await world.until(lambda: world.names() == {"after"})
    assert informer.restarts[Restart.ERROR] == 2


async def test_a_line_that_is_no_event_makes_a_new_list(world: World) -> None:
    informer = world.informer()
    await world.synced(informer)
    await world.proxy.inject(b'{"type":"ADDED","object":{"metadata":{"na')
    await world.until(lambda: informer.restarts[Restart.GARBLED] == 1)
    world.put_secret("after")
    await world.until(lambda: world.names() == {"after"})


async def test_versions_that_go_back_make_a_new_list(world: World) -> None:
    """A restored etcd sends bookmarks of the past; to go on from them misses what lies between."""
    world.put_secret("a")
    informer = world.informer()
    await world.synced(informer)
    world.proxy.drop_events(lambda _: True)
    world.put_secret("unheard")
    await asyncio.sleep(0.2)
    world.proxy.allow()
    await world.proxy.inject(b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1"}}}')
    await world.until(lambda: "unheard" in world.names())
    assert informer.restarts[Restart.REGRESSION] == 1


async def test_a_list_of_the_past_beside_the_watch_starts_it_afresh(world: World) -> None:
    """The comparison finds a restored server even when its watch is silent."""
    informer = world.informer()
    await world.synced(informer)
    await world.proxy.inject(
        b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"999999999"}}}'
    )
    await asyncio.sleep(0.2)
    await informer.compare()
    await world.until(lambda: informer.restarts[Restart.REGRESSION] == 1)
    world.put_secret("after")
    await world.until(lambda: world.names() == {"after"})


async def test_rights_that_are_taken_and_given_back_are_seen_within_seconds(world: World) -> None:
    world.put_secret("a")
    informer = world.informer()
    await world.synced(informer)
    world.proxy.refuse(403)
    world.proxy.cut()
    await world.until(lambda: informer.state is State.DENIED)
    assert not informer.synced.is_set()
    world.put_secret("b")
    await asyncio.sleep(1.0)
    world.proxy.allow()
    started = time.monotonic()
    await world.until(lambda: informer.state is State.SYNCED)
    assert time.monotonic() - started < 3.0
    assert world.states == ["Synced", "Denied", "Synced"]
    assert world.names() == {"a", "b"}


async def test_a_throttling_server_is_left_alone_for_as_long_as_it_asks(world: World) -> None:
    world.proxy.refuse(429, times=1, headers={"Retry-After": "1"})
    started = time.monotonic()
    informer = world.informer()
    await world.synced(informer)
    assert time.monotonic() - started > 1.0
    assert world.proxy.count("get") == 2


async def test_a_server_that_ends_every_watch_at_once_is_not_hammered(world: World) -> None:
    informer = world.informer()
    await world.synced(informer)
    world.proxy.end_watches_at_once()
    world.proxy.cut()
    before = world.proxy.count("watch")
    await asyncio.sleep(3.0)
    assert world.proxy.count("watch") - before < 20
    world.proxy.allow()
    world.put_secret("after")
    await world.until(lambda: world.names() == {"after"})


async def test_an_api_server_that_is_down_for_a_while_is_found_again(world: World) -> None:
    """Everything fails with 503 in between; the watch goes on where it stood."""
    informer = world.informer()
    await world.synced(informer)
    world.proxy.refuse(503)
    world.proxy.cut()
    world.put_secret("meanwhile")
    await world.until(lambda: informer.restarts[Restart.UNAVAILABLE] >= 2)
    assert informer.state is State.SYNCED, "what is known is still the best there is"
    world.proxy.allow()
    await world.until(lambda: world.names() == {"meanwhile"})


async def test_one_object_that_cannot_be_taken_does_not_hide_the_others(world: World) -> None:
    def record(raw: Any) -> int:
        if b'"name":"odd"' in bytes(raw):
            raise ValueError("not foreseen")
        return 1

    world.put_secret("odd")
    world.put_secret("plain")
    informer = world.informer(record=record)
    await world.synced(informer)
    assert world.names() == {"plain"}
    world.put_secret("odd", "2")
    world.put_secret("plain2")
    await world.until(lambda: "plain2" in world.names())


async def test_what_a_read_found_is_not_told_again(world: World) -> None:
    """A pass that has just read a Secret is not asked to run once more by its event."""
    informer = world.informer()
    await world.synced(informer)
    world.proxy.drop_events(lambda _: True)
    version = int(world.put_secret("a")["metadata"]["resourceVersion"])
    informer.store.remember((world.namespace, "a"), version, version)
    world.proxy.allow()
    await world.proxy.inject_error(410)
    world.put_secret("b")
    await world.until(lambda: "b" in world.names())
    assert world.names() == {"b"}


async def test_an_api_server_that_is_killed_and_started_again_is_followed_on(
    world: World, bare_controlplane: ControlPlane
) -> None:
    informer = world.informer()
    await world.synced(informer)
    await asyncio.to_thread(bare_controlplane.restart_apiserver)
    world.put_secret("after")
    await world.until(lambda: world.names() == {"after"}, timeout_s=30)
    assert informer.restarts[Restart.CUT] >= 1
