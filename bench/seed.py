"""Fills a cluster, quickly, and empties it of TokenChecks between two contenders."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from bench import objects
from bench.cluster import Cluster
from bench.http import Object
from bench.progress import Display

_SEED = 20260101


async def put_all(cluster: Cluster, plural: str, manifests: Sequence[Object]) -> None:
    """Every object (of the core group) is as given, whether it existed or not before."""

    async def put(manifest: Object) -> None:
        meta = manifest["metadata"]
        where = objects.path(plural, meta["namespace"], meta["name"])
        await cluster.http.request("PUT", where, manifest)

    await cluster.http.many(manifests, put)


async def other_secrets(cluster: Cluster, count: int, display: Display) -> None:
    """``count`` Secrets of 1.5 KB exist that no TokenCheck names."""
    source = random.Random(_SEED)

    async def post(number: int) -> None:
        manifest = objects.other_secret(number, source)
        where = objects.path("secrets", objects.namespace_of(number))
        await cluster.http.request("POST", where, manifest)

    with display.step(f"{count:,} other Secrets", count) as tick:
        await cluster.http.many(range(count), post, tick)


async def good_tokens(cluster: Cluster, count: int, display: Display) -> None:
    """``count`` Secrets exist, each with a good token."""

    async def post(number: int) -> None:
        manifest = objects.token_secret(number, cluster.signer.good())
        where = objects.path("secrets", objects.namespace_of(number))
        await cluster.http.request("POST", where, manifest)

    with display.step(f"{count:,} Secrets with a token", count) as tick:
        await cluster.http.many(range(count), post, tick)


async def fresh_checks(cluster: Cluster, count: int, display: Display) -> None:
    """``count`` TokenChecks exist that nobody has looked at yet."""
    for namespace in objects.NAMESPACES:
        await cluster.http.request("DELETE", objects.checks_path(namespace))

    async def post(number: int) -> None:
        where = objects.checks_path(objects.namespace_of(number))
        await cluster.http.request("POST", where, objects.token_check(number))

    with display.step(f"{count:,} fresh TokenChecks", count) as tick:
        await cluster.http.many(range(count), post, tick)


def counted(tick: Callable[[], None]) -> Callable[[int], None]:
    """A function that is told a total and ticks for what was added since."""
    done = 0

    def reached(total: int) -> None:
        nonlocal done
        while done < total:
            tick()
            done += 1

    return reached
