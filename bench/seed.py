"""Fills a cluster, quickly, and empties it of TokenChecks between two contenders."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from bench import objects, shop
from bench.cluster import Cluster
from bench.http import Object
from bench.progress import Display

_SEED = 20260101
Reached = Callable[[int], None]
"""Told how many there are so far."""


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


async def good_tokens(
    cluster: Cluster,
    count: int,
    display: Display,
    *,
    spaces: Sequence[str] = objects.NAMESPACES,
) -> None:
    """``count`` Secrets exist, each with a good token."""

    async def post(number: int) -> None:
        space = objects.namespace_of(number, spaces)
        token = cluster.signer.good().encode()
        manifest = objects.secret(space, objects.token_name(number), {"token": token})
        await cluster.http.request("POST", objects.path("secrets", space), manifest)

    with display.step(f"{count:,} Secrets with a token", count) as tick:
        await cluster.http.many(range(count), post, tick)


async def helm_releases(cluster: Cluster, count: int, display: Display) -> None:
    """``count`` Secrets of 1 MB exist, as Helm leaves one for each release."""
    source = random.Random(_SEED)
    manifests = (objects.helm_release(number, source) for number in range(count))

    async def post(manifest: Object) -> None:
        where = objects.path("secrets", manifest["metadata"]["namespace"])
        await cluster.http.request("POST", where, manifest)

    with display.step(f"{count:,} Helm releases", count) as tick:
        await cluster.http.many(manifests, post, tick)


async def fresh_checks(
    cluster: Cluster, count: int, display: Display, *, deployments: int = 0
) -> None:
    """``count`` TokenChecks exist that nobody has looked at; the first ones name a Deployment."""
    for namespace in objects.NAMESPACES:
        await cluster.http.request("DELETE", objects.checks_path(namespace))

    manifests = (
        objects.token_check(number, deployment=shop.name_of(number) if number < deployments else "")
        for number in range(count)
    )
    await post_checks(cluster, manifests, display, count=count)


async def post_checks(
    cluster: Cluster, manifests: Iterable[Object], display: Display, *, count: int
) -> None:
    """These ``count`` TokenChecks exist."""

    async def post(manifest: Object) -> None:
        where = objects.checks_path(manifest["metadata"]["namespace"])
        await cluster.http.request("POST", where, manifest)

    with display.step(f"{count:,} fresh TokenChecks", count) as tick:
        await cluster.http.many(manifests, post, tick)


def counted(tick: Callable[[], None]) -> Reached:
    """A function that is told a total and ticks for what was added since."""
    done = 0

    def reached(total: int) -> None:
        nonlocal done
        while done < total:
            tick()
            done += 1

    return reached
