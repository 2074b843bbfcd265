"""A proxy between a client and the API server that does what networks and servers do wrong.

It speaks plain HTTP to the client and TLS to the server, forwards credentials, and keeps a list of
what was asked.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web


@dataclass(frozen=True)
class Seen:
    """A request that came by."""

    method: str
    path: str
    query: Mapping[str, str]
    accept: str

    @property
    def verb(self) -> str:
        """Return get, list-or-get as one, watch, patch or post."""
        return "watch" if "watch" in self.query else self.method.lower()


When = Callable[[Seen], bool]


@dataclass
class _Refusal:
    status: int
    when: When
    left: int
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class _Trap:
    when: When
    act: Callable[[], None]
    answered: bool


@dataclass(eq=False)
class _Stream:
    seen: Seen
    response: web.StreamResponse
    request: web.Request
    thawed: asyncio.Event = field(default_factory=asyncio.Event)


class FaultProxy:
    """Forwards everything, until it is told otherwise. Use it with ``async with``."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self._config = config
        self._upstream = cluster["server"]
        self._ssl = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self.seen: list[Seen] = []
        self._refusals: list[_Refusal] = []
        self._streams: set[_Stream] = set()
        self._drop: Callable[[dict[str, Any]], bool] = lambda _: False
        self._end_at_once = False
        self._trap: _Trap | None = None
        self.held = 0
        self._holding: list[web.Request] = []
        self._holds: When = lambda _: True
        self._released = asyncio.Event()
        self._released.set()
        self._kept_back: When = lambda _: False
        self._sent_on = asyncio.Event()

    async def __aenter__(self) -> FaultProxy:
        self._session = aiohttp.ClientSession(read_bufsize=2**21)
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0])
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        await self._runner.cleanup()
        await self._session.close()
        await asyncio.sleep(0.05)  # TLS connections end a little later than they are closed

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig that leads here, with the credentials of the original."""
        config = {
            **self._config,
            "clusters": [
                {"name": c["name"], "cluster": {"server": self.url}}
                for c in self._config["clusters"]
            ],
        }
        path.write_text(yaml.safe_dump(config))
        return path

    # What was asked

    def count(self, verb: str, path_end: str = "") -> int:
        """Return how many requests of a verb came by."""
        return sum(s.verb == verb and s.path.endswith(path_end) for s in self.seen)

    @property
    def open_streams(self) -> int:
        """Return how many watches are open."""
        return len(self._streams)

    # Faults

    def refuse(
        self,
        status: int,
        when: When = lambda _: True,
        *,
        times: int = 10**9,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        """Answer the next `times` matching requests with `status` (and `body`, if there is one)."""
        self._refusals.append(_Refusal(status, when, times, headers or {}, body))

    def allow(self) -> None:
        """Refuse and drop nothing any more."""
        self._refusals.clear()
        self._drop = lambda _: False
        self._end_at_once = False
        self._trap = None

    def cut(self, when: When = lambda _: True) -> None:
        """Break every open watch, or those that match, in the middle."""
        for stream in self._open(when):
            if stream.request.transport is not None:
                stream.request.transport.abort()

    def freeze(self, when: When = lambda _: True) -> None:
        """Forward nothing on the watches that are open now: they stay open and silent."""
        for stream in self._open(when):
            stream.thawed.clear()

    async def inject(self, line: bytes, when: When = lambda _: True) -> None:
        """Put a line of our own into every open watch, or into those that match."""
        for stream in self._open(when):
            await stream.response.write(line + b"\n")

    async def inject_error(self, code: int, when: When = lambda _: True) -> None:
        """Put the ERROR event into open watches that the API server sends with this code."""
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
        await self.inject(json.dumps({"type": "ERROR", "object": status}).encode(), when)

    def drop_events(self, when: Callable[[dict[str, Any]], bool]) -> None:
        """Swallow matching events of all watches, as if they had never been sent."""
        self._drop = when

    def end_watches_at_once(self) -> None:
        """End every new watch properly, without any event."""
        self._end_at_once = True

    def _open(self, when: When) -> list[_Stream]:
        return [stream for stream in self._streams if when(stream.seen)]

    def hold(self, when: When = lambda _: True) -> None:
        """Keep back answers that the server has given already, but no watch; `held` counts them."""
        self._holds = when
        self._released.clear()

    def keep_back(self, when: When) -> None:
        """Keep back requests that match, before the server gets them; `held` counts them too."""
        self._sent_on.clear()
        self._kept_back = when

    def send_on(self) -> None:
        """Let the server have them now; who asked may be gone."""
        self._kept_back = lambda _: False
        self._sent_on.set()

    def release(self) -> None:
        """Let them go."""
        self._released.set()

    def hang_up(self) -> None:
        """Break the connections of the requests whose answers are held: those never arrive."""
        for request in self._holding:
            if request.transport is not None:
                request.transport.abort()

    def trap(self, when: When, act: Callable[[], None], *, answered: bool) -> None:
        """Call `act` at the first matching request, which then gets no answer.

        Either before the server gets it, or after its answer has left the server.
        """
        self._trap = _Trap(when, act, answered)

    def _caught(self, request: web.Request, seen: Seen, *, answered: bool) -> bool:
        trap = self._trap
        if trap is None or trap.answered is not answered or not trap.when(seen):
            return False
        self._trap = None
        trap.act()
        if request.transport is not None:
            request.transport.abort()
        return True

    # Forwarding

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        seen = Seen(
            request.method, request.path, dict(request.query), request.headers.get("Accept", "")
        )
        self.seen.append(seen)
        if self._caught(request, seen, answered=False):
            return web.Response(status=502)
        for refusal in self._refusals:
            if refusal.left > 0 and refusal.when(seen):
                refusal.left -= 1
                if refusal.body:
                    return web.Response(
                        body=refusal.body, status=refusal.status, content_type="application/json"
                    )
                return web.json_response(
                    {"kind": "Status", "code": refusal.status},
                    status=refusal.status,
                    headers=refusal.headers,
                )
        if self._kept_back(seen):
            self.held += 1
            await self._sent_on.wait()
            self.held -= 1
        if seen.verb == "watch" and self._end_at_once:
            return web.Response(content_type="application/json")
        return await self._forward(request, seen)

    async def _forward(self, request: web.Request, seen: Seen) -> web.StreamResponse:
        kept = ("Authorization", "Accept", "Content-Type")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        try:
            async with self._session.request(
                request.method,
                f"{self._upstream}{request.rel_url}",
                headers=headers,
                data=await request.read() or None,  # an empty body makes aiohttp name a type for it
                ssl=self._ssl,
                timeout=aiohttp.ClientTimeout(),
            ) as answer:
                if seen.verb == "watch" and answer.status == 200:
                    if self._caught(request, seen, answered=True):
                        return web.Response(status=502)
                    return await self._stream(request, answer, seen)
                body = await answer.read()
                if self._caught(request, seen, answered=True):
                    return web.Response(status=502)
                if self._holds(seen):
                    await self._keep(request)
                return web.Response(
                    body=body,
                    status=answer.status,
                    headers={
                        "Content-Type": answer.headers["Content-Type"],
                        "Date": answer.headers["Date"],
                    },
                )
        except (aiohttp.ClientError, OSError):
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)

    async def _keep(self, request: web.Request) -> None:
        """Wait for `release` with an answer that the server has given."""
        self.held += 1
        self._holding.append(request)
        try:
            await self._released.wait()
        finally:
            self.held -= 1
            self._holding.remove(request)

    async def _stream(
        self, request: web.Request, answer: aiohttp.ClientResponse, seen: Seen
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        stream = _Stream(seen, response, request)
        stream.thawed.set()
        self._streams.add(stream)
        try:
            async for line in answer.content:
                await stream.thawed.wait()
                if not await self._tell(stream, line):
                    break
        finally:
            self._streams.discard(stream)
        return response

    async def _tell(self, stream: _Stream, line: bytes) -> bool:
        """Whether the watch goes on after this line, which is passed on or dropped."""
        if not self._drop(json.loads(line)):
            await stream.response.write(line)
        return True
