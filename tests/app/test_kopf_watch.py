"""Kopf is started again whenever it ends, and ends when it is told to."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from tokencheck.app import kopf_watch
from tokencheck.app.kopf_watch import KopfWatch

# Kopf takes five seconds to end when one of its parts has ended by itself.
ENDS_WITHIN_S = 12.0


async def until(true: Callable[[], object], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "never came true"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def watching(open_session: Callable[[], Any]) -> AsyncIterator[KopfWatch]:
    watch = KopfWatch(open_session, lambda *_: None)
    watch.start()
    try:
        yield watch
    finally:
        await asyncio.to_thread(watch.stop, ENDS_WITHIN_S)
        assert not watch.alive


async def test_whatever_ends_kopf_it_is_started_again_in_a_fresh_loop() -> None:
    """Its loop must end with it, or nothing starts again. (What it tells: tests/cluster.)"""
    loops: set[asyncio.AbstractEventLoop] = set()

    async def refuse(_: web.Request) -> web.Response:
        # Kopf tries 5xx again by itself; what a client did wrong ends it.
        return web.json_response({"kind": "Status", "code": 415}, status=415)

    app = web.Application()
    app.router.add_get("/{path:.*}", refuse)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = "http://{}:{}".format(*runner.addresses[0])

    async def open_session() -> tuple[aiohttp.ClientSession, str]:
        loops.add(asyncio.get_running_loop())
        return aiohttp.ClientSession(), url

    try:
        async with watching(open_session) as watch:
            await until(lambda: len(loops) >= 2)
    finally:
        await runner.cleanup()
    assert watch.restarts >= 1


async def test_credentials_that_cannot_be_had_are_asked_for_again_and_again() -> None:
    asked: list[float] = []

    async def refuse() -> tuple[aiohttp.ClientSession, str]:
        asked.append(time.monotonic())
        raise OSError("no such file")

    async with watching(refuse) as watch:
        await until(lambda: len(asked) >= 2)
        assert watch.alive
    assert asked[1] - asked[0] > kopf_watch.LOGIN_AGAIN_S / 2


async def test_it_stops_while_it_waits_for_its_session() -> None:
    waits = threading.Event()

    async def never() -> tuple[aiohttp.ClientSession, str]:
        waits.set()
        await asyncio.Event().wait()
        raise AssertionError

    watch = KopfWatch(never, lambda *_: None)
    watch.start()
    await until(waits.is_set)
    await asyncio.to_thread(watch.stop, ENDS_WITHIN_S)
    assert not watch.alive
