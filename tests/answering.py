"""A Transport to an API server whose answers a test gives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from rawserver import kubeconfig
from tokencheck.clients.kube.transport import Transport


@asynccontextmanager
async def transport_to(route: web.RouteDef, folder: Path) -> AsyncIterator[Transport]:
    """What `route` does not serve is answered with 404; the kubeconfig goes into `folder`."""
    app = web.Application()
    app.add_routes([route])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    path = kubeconfig(folder, f"http://127.0.0.1:{runner.addresses[0][1]}")
    transport = await Transport.connect(kubeconfig=path)
    try:
        yield transport
    finally:
        await transport.close()
        await runner.cleanup()
