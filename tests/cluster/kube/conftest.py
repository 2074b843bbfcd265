"""The client side of the API server, alone: no controllers act, a proxy stands between."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from faultproxy import FaultProxy
from kube_world import World

from controlplane import ControlPlane
from tokencheck.clients.kube.transport import Transport


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
