"""An API server that was restored to an earlier state is found out, and listed again."""

from __future__ import annotations

import json

from kube_world import World, asks_position, pages_listed
from tokencheck.clients.kube.reads import read_object
from tokencheck.clients.kube.resources import SECRETS
from tokencheck.clients.kube.watching import Restart


def _list_body(version: int, **objects: int) -> bytes:
    """A list at this version, and the objects with theirs."""
    items = [
        {"metadata": {"name": name, "namespace": "", "resourceVersion": str(at)}}
        for name, at in objects.items()
    ]
    return json.dumps({"metadata": {"resourceVersion": str(version)}, "items": items}).encode()


async def test_after_a_break_a_server_that_stands_behind_is_listed_again(world: World) -> None:
    """A watch from a version that is yet to come would be open, and silent."""
    world.put_secret("a")
    informer = world.informer()
    await world.synced(informer)
    lists = pages_listed(world)
    world.proxy.refuse(200, asks_position, times=1, body=_list_body(1))
    world.proxy.cut()
    await world.until(lambda: informer.restarts[Restart.REGRESSION] == 1)
    await world.until(lambda: pages_listed(world) > lists)
    world.put_secret("later")
    await world.until(lambda: world.names() == {"a", "later"})


async def test_an_object_older_than_it_was_in_a_newer_list_makes_a_new_list(world: World) -> None:
    """So it looks when the versions of a restored server go on above the old ones."""
    world.put_secret("a")
    informer = world.informer()
    await world.synced(informer)
    body = json.loads(_list_body(2**50, a=1))
    body["items"][0]["metadata"]["namespace"] = world.namespace
    lists = pages_listed(world)
    world.proxy.refuse(200, lambda s: s.verb == "get", times=1, body=json.dumps(body).encode())
    await informer.compare()
    await world.until(lambda: informer.restarts[Restart.REGRESSION] == 1)
    await world.until(lambda: pages_listed(world) > lists + 1)
    assert world.names() == {"a"}


async def test_a_read_that_is_older_than_the_watch_told_makes_a_new_list(world: World) -> None:
    world.put_secret("a")
    informer = world.informer()
    await world.synced(informer)
    lists = pages_listed(world)
    informer.doubt()
    await world.until(lambda: pages_listed(world) > lists)
    world.put_secret("later")
    await world.until(lambda: world.names() == {"a", "later"})


async def test_a_version_that_the_server_has_not_reached_does_not_fail_a_read(world: World) -> None:
    """It lags behind, or was restored: etcd is asked after its time is over."""
    world.put_secret("a")
    found = await read_object(world.transport, SECRETS, world.namespace, "a", at_least=2**50)
    assert isinstance(found, bytes)
