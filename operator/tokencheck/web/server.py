"""The HTTP server of the operator: /metrics, /healthz, /readyz. Nothing secret is here."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import chain
from typing import TypeAlias

from aiohttp import web

from tokencheck.web.health import Health, liveness_of, readiness_of
from tokencheck.web.metrics import CONTENT_TYPE, Metrics
from tokencheck.web.sources import Sources

SCRAPE_TIMEOUT_S = 60.0  # a reader that is slower holds memory for nobody
_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HEADERS = {
    "Cache-Control": "no-store",
    "Server": "tokencheck",
    "X-Content-Type-Options": "nosniff",
}

_log = logging.getLogger(__name__)


def make_app(
    metrics: Metrics, sources: Sources, *, scrape_timeout_s: float = SCRAPE_TIMEOUT_S
) -> web.Application:
    """Return the application that answers from these facts."""
    app = web.Application(middlewares=[_guarded])
    app.router.add_get("/metrics", _scraped(metrics, scrape_timeout_s))
    app.router.add_get("/healthz", _probed(sources, liveness_of))
    app.router.add_get("/readyz", _probed(sources, readiness_of))
    return app


class Server:
    """Serves an application until it is stopped."""

    def __init__(self, app: web.Application) -> None:
        """Serve `app`, once started."""
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port, chosen by the system if 0. Raises OSError when it is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening, and give answers under way a second."""
        await self._runner.cleanup()


def _probed(sources: Sources, judge: Callable[[Sources], Health]) -> _Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        health = judge(sources)
        body = {"ok": health.ok, "reasons": list(health.reasons), **health.facts}
        return web.json_response(body, status=200 if health.ok else 503, headers=_HEADERS)

    return answer


def _scraped(metrics: Metrics, timeout_s: float) -> _Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        pieces = metrics.scrape()
        first = next(pieces)  # before the head is sent, so that an error here can still be a 500
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": CONTENT_TYPE})
        try:
            async with asyncio.timeout(timeout_s):
                await response.prepare(request)
                for piece in chain((first,), pieces):
                    await response.write(piece)
                    await asyncio.sleep(0)  # a write that fits the buffer does not yield by itself
                await response.write_eof()
        except (ConnectionError, TimeoutError):
            _hang_up(request)  # the reader left or is too slow: half an answer must not look whole
        return response

    return answer


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


@web.middleware
async def _guarded(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Answer an error with a bare 500; only its class is logged, never its text."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception as error:  # noqa: BLE001 - the edge: named by class in the log
        _log.error("%s failed with %s", request.path, type(error).__name__)
        return web.Response(
            status=500, text="internal error; see the log of the operator", headers=_HEADERS
        )
