"""The client side of the API server, alone: no controllers act, a proxy stands between."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controlplane import ControlPlane
from faultproxy import FaultProxy
from kube_world import QUICK, MakeCache, Told, World
from tokencheck.clients.kube.cache import Cache, Parsers, Scope
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.kube.watching import Pace
from tokencheck.core.workloads.parse import parse_workload
from tokencheck.core.workloads.pods import parse_pod


@pytest.fixture
async def world(bare_controlplane: ControlPlane, tmp_path: Path) -> AsyncIterator[World]:
    api = bare_controlplane.api()
    namespace = f"kube-{secrets.token_hex(4)}"
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    async with FaultProxy(bare_controlplane.kubeconfig()) as proxy:
        transport = await Transport.connect(kubeconfig=proxy.kubeconfig(tmp_path / "kubeconfig"))
        world = World(api, namespace, proxy, transport)
        try:
            yield world
        finally:
            await world.stop()
            await transport.close()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def make(world: World, told: Told) -> AsyncIterator[MakeCache]:
    caches: list[Cache] = []

    def make(scope: Scope = Scope.CLUSTER, pace: Pace = QUICK) -> Cache:
        parsers = Parsers(workload=parse_workload, pod=parse_pod)
        cache = Cache(
            world.transport,
            parsers=parsers,
            on_change=told.append,
            scope=scope,
            pace=pace,
            single=pace,
        )
        caches.append(cache)
        return cache

    yield make
    for cache in caches:
        await cache.close()
