"""The road between the operator and the API server, on which each request and event has a fate."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from faultproxy import FaultProxy, Seen, _Stream

_REMEMBERED = 500  # objects of which older answers are kept
_OLDER = 4
_KEPT = ("Authorization", "Accept", "Content-Type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one request, and of its answer.

    Args:
        before_s, after_s: it waits before the server gets it, and before its answer is handed on.
        status: the answer is this instead, with these headers; the server never saw the request.
        lost: ``request``: nobody gets it; ``answer``: the server did it, and nobody hears of it.
        hidden: the server did it, and the answer is `status` all the same.
        silent: neither answer nor end ever comes.
        cut: the answer ends in its middle.
        twice: the server gets it twice, and the second answer counts.
        older: the answer of a server whose cache is behind, no older than what was asked for.
        garbage: the answer is no HTTP.
    """

    before_s: float = 0.0
    after_s: float = 0.0
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: str = ""
    hidden: bool = False
    silent: bool = False
    cut: bool = False
    twice: bool = False
    older: bool = False
    garbage: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFate:
    """What becomes of one line of a watch: swallowed, said twice, late, or broken with the stream.

    Args:
        times: how often it is handed on.
        wait_s: how late.
        cut: the stream ends in the middle of the line.
        before: a line that comes before it, such as an ERROR event.
    """

    times: int = 1
    wait_s: float = 0.0
    cut: bool = False
    before: bytes = b""


OfRequest = Callable[[Seen], Fate | None]
OfLine = Callable[[Seen, bytes], LineFate | None]
_AS_ALWAYS = Fate()


class Road(FaultProxy):
    """A proxy that asks what becomes of each request and of each line of a watch."""

    def __init__(self, kubeconfig: Path, canary: str) -> None:
        """Nothing goes wrong yet; what a fault makes up holds the canary."""
        super().__init__(kubeconfig)
        self._canary = canary
        self.of_requests: list[OfRequest] = []
        self.of_lines: list[OfLine] = []
        self.asked: Counter[str] = Counter()
        self._older: OrderedDict[str, deque[bytes]] = OrderedDict()
        self.awake = asyncio.Event()
        self.chance = random.Random(0)

    def calm(self) -> None:
        """Everything goes its way; who was told nothing is hung up on."""
        self.of_requests.clear()
        self.of_lines.clear()
        self.awake.set()
        self.awake = asyncio.Event()
        self.allow()

    def turn_to(self, upstream: str) -> str:
        """Requests go to this API server from now on; returns where they went before."""
        before, self._upstream = self._upstream, upstream
        return before

    # Requests

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        accept = request.headers.get("Accept", "")
        seen = Seen(request.method, request.path, dict(request.query), accept)
        self.asked[seen.verb] += 1
        # Of several faults at work, one decides about each request.
        fate = self.chance.choice(self.of_requests)(seen) if self.of_requests else None
        if fate is None:
            return await self._forward(request, seen)
        return await self._disturbed(request, seen, fate)

    async def _disturbed(self, request: web.Request, seen: Seen, fate: Fate) -> web.StreamResponse:
        await asyncio.sleep(fate.before_s)
        if fate.silent:
            await self.awake.wait()
            return self._hang_up(request)
        if fate.garbage:
            return self._say(request, fate.garbage)
        if fate.lost == "request":
            return self._hang_up(request)
        if fate.status and not fate.hidden:
            return self._refusal(fate)
        if seen.verb == "watch":
            return await self._forward(request, seen)
        return await self._answered(request, seen, fate)

    async def _answered(self, request: web.Request, seen: Seen, fate: Fate) -> web.StreamResponse:
        if fate.twice:
            await self._forward(request, seen)
        answer = await self._forward(request, seen)
        await asyncio.sleep(fate.after_s)
        if fate.lost == "answer":
            return self._hang_up(request)
        if fate.status:
            return self._refusal(fate)
        if fate.cut:
            return await self._half(request, answer)
        return self._outdated(seen, answer) if fate.older else answer

    async def _forward(self, request: web.Request, seen: Seen) -> web.StreamResponse:
        answer = await super()._forward(request, seen)
        if (
            seen.method == "GET"
            and seen.path.count("/secrets/")
            and isinstance(answer, web.Response)
        ):
            self._remember(seen, answer)
        return answer

    def _refusal(self, fate: Fate) -> web.Response:
        body = {"kind": "Status", "code": fate.status, "message": f"no: {self._canary}"}
        return web.json_response(body, status=fate.status, headers=fate.headers)

    def _hang_up(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)

    def _say(self, request: web.Request, raw: bytes) -> web.Response:
        if request.transport is not None:
            request.transport.write(raw)
            request.transport.close()
        return web.Response(status=502)

    async def _half(self, request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
        if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
            return answer
        headers = {"Content-Length": str(len(answer.body)), "Content-Type": "application/json"}
        half = web.StreamResponse(status=answer.status, headers=headers)
        await half.prepare(request)
        await half.write(answer.body[: len(answer.body) // 2])
        return self._hang_up(request)

    # A server whose watch cache is behind

    def _remember(self, seen: Seen, answer: web.Response) -> None:
        if answer.status != 200 or not isinstance(answer.body, bytes):
            return
        kept = self._older.setdefault(seen.path, deque(maxlen=_OLDER))
        kept.append(answer.body)
        self._older.move_to_end(seen.path)
        if len(self._older) > _REMEMBERED:
            self._older.popitem(last=False)

    def _outdated(self, seen: Seen, answer: web.StreamResponse) -> web.StreamResponse:
        """The oldest answer that the client's resourceVersion allows; without one, the newest.

        Source: API concepts, "resourceVersion parameter": without one a read is the most recent.
        """
        least = int(seen.query.get("resourceVersion", "0"))
        if not least or not isinstance(answer, web.Response) or answer.status != 200:
            return answer
        for body in self._older.get(seen.path, ()):
            if int(json.loads(body)["metadata"]["resourceVersion"]) >= least:
                return web.Response(body=body, headers={"Content-Type": "application/json"})
        return answer

    # Watches

    async def _stream(
        self, request: web.Request, answer: aiohttp.ClientResponse, seen: Seen
    ) -> web.StreamResponse:
        try:
            return await super()._stream(request, answer, seen)
        except (aiohttp.ClientError, OSError):
            return self._hang_up(request)

    async def _tell(self, stream: _Stream, line: bytes) -> bool:
        """Hand a line on as its fate wants; False when the stream is over."""
        fate = self.chance.choice(self.of_lines)(stream.seen, line) if self.of_lines else None
        if fate is None:
            await stream.response.write(line)
            return True
        await asyncio.sleep(fate.wait_s)
        if fate.before:
            await stream.response.write(fate.before + b"\n")
        for _ in range(fate.times):
            if fate.cut:
                await stream.response.write(line[: len(line) // 2])
                self._hang_up(stream.request)
                return False
            await stream.response.write(line)
        return True
