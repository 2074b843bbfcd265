"""The whole operator over a small API server, an issuer and an introspector, again and again.

Each round is a process of its own as far as it can tell: it lists, watches, judges, is told of
another value of the Secret, judges again, is scraped and stops.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp

from awaits.apiserver import ApiServer
from awaits.estate import Tokens, objects
from awaits.throwing import Throwing
from canary import Secret, Sweep
from controlplane.process import free_ports
from introspector import CLIENT, Introspector
from issuer import Issuer
from loopthread import LoopThread
from rawserver import kubeconfig
from tokencheck.app.kopf_watch import KopfWatch
from tokencheck.app.logs import tell_class_only, tell_end
from tokencheck.app.operator import Operator
from tokencheck.app.roads import Roads, open_roads
from tokencheck.app.settings import Settings

LOOK_S, CALM_LOOKS = 0.004, 8  # without a turn of any task: the round has come to its end
MOST_LOOKS = 250
SLOWEST = 20.0
MOST_PROOFS = 20
PROVE_EVERY_S = 0.06  # longer than calm lasts, where a look takes no longer than it should
SCRAPE_S = 2.0
ALIKE = 3  # tasks that ask, of each kind: as many exceptions as each place meets


class Unwatched(KopfWatch):
    """Kopf stays away: it has a loop of its own, and the list at the start tells enough."""

    def start(self) -> None:
        """Start nothing."""

    def stop(self, timeout_s: float = 0.0) -> None:
        """There is nothing to stop."""


class Parts(Operator):
    """The operator without Kopf."""

    def __init__(self, settings: Settings, roads: Roads) -> None:
        super().__init__(settings, roads)
        self._kopf = Unwatched(self._kopf_session, self._from_kopf)


@dataclass
class Came:
    """What came out of all rounds."""

    rounds: int = 0
    ended_by_bug: int = 0
    statuses: int = 0
    events: int = 0
    parts: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    @property
    def texts(self) -> dict[str, bytes]:
        """All that came out, by place."""
        return {place: b"".join(parts) for place, parts in self.parts.items()}

    def add(self, place: str, text: bytes) -> None:
        self.parts[place].append(text)


class Road:
    """The servers, in a thread, and what they hold. Use it with ``with``."""

    def __init__(self, folder: Path) -> None:
        """Nothing runs yet; `folder` takes the kubeconfig."""
        self._folder = folder
        self._stack = ExitStack()
        self._slow = 1.0  # how many times as long as it should a look took lately
        self.came = Came()

    def __enter__(self) -> Self:
        self._issuer = self._stack.enter_context(LoopThread(Issuer()))
        self._login = self._stack.enter_context(LoopThread(Introspector()))
        self._issuer.inner.rotate("k1")
        self.tokens = [Tokens(self._issuer.inner, self._login.inner) for _ in range(2)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def sweep(self) -> Sweep:
        """Of all tokens, and of the operator's own credentials."""
        own = Secret("client", CLIENT[1])
        return Sweep([own, *(one for tokens in self.tokens for one in tokens.secrets)])

    def round(self, throwing: Throwing) -> bool:
        """One operator from start to stop; returns whether anything was thrown."""
        before = len(throwing.thrown)
        found = objects(self._issuer.inner, self._login.inner, alike=ALIKE)
        place, secret = self.tokens[0].secret()
        with LoopThread(ApiServer(found | {place: secret})) as server:
            asyncio.run(self._live(server, throwing))
            self._keep(server.inner)
        self.came.rounds += 1
        return len(throwing.thrown) > before

    def _keep(self, server: ApiServer) -> None:
        self.came.statuses += len(server.statuses)
        self.came.events += len(server.events)
        self.came.add("requests to the API server", b"\n".join(server.heard))
        self.came.add("requests to the issuer", self._issuer.inner.said)
        self._issuer.inner.said = b""

    async def _live(self, server: LoopThread[ApiServer], throwing: Throwing) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(tell_class_only)
        loop.set_task_factory(throwing.task)
        path = kubeconfig(self._folder, server.inner.url)
        prove_every_s = PROVE_EVERY_S * self._slow
        settings = Settings(
            kubeconfig=str(path),
            listen_port=free_ports(1)[0],
            leader_elect=False,
            review_authors=True,
            log_level="DEBUG",
            workers=2,
            prove_every_s=prove_every_s,
        )
        roads = await open_roads(settings)
        stop, operator = asyncio.Event(), Parts(settings, roads)
        throwing.arm()
        running = loop.create_task(operator.run(stop))
        try:
            servers = (server, self._issuer, self._login)
            for _ in range(MOST_PROOFS):
                if server.inner.refused or running.done():
                    break  # nobody is asked before admission is proven
                await asyncio.wait({running}, timeout=prove_every_s)
            self._slow = await calm(throwing, running, *servers)
            server.do(lambda it: it.put(*self.tokens[1].secret()))
            await calm(throwing, running, *servers)
            await self._scrape(settings.listen_port)
            throwing.disarm()
            await self._scrape(settings.listen_port)
        finally:
            stop.set()
            try:
                await running
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - as the process's main function takes it
                self.came.ended_by_bug += 1
                tell_end(error)
            await roads.close()

    async def _scrape(self, port: int) -> None:
        limit = aiohttp.ClientTimeout(total=SCRAPE_S * self._slow)
        async with aiohttp.ClientSession(timeout=limit) as session:
            for page in ("/metrics", "/healthz", "/readyz"):
                # It has ended by a bug, or this page has; one that was cancelled answers nothing.
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"http://127.0.0.1:{port}{page}") as answer:
                        self.came.add(page, await answer.read())


async def calm(throwing: Throwing, running: asyncio.Task[Any], *servers: LoopThread[Any]) -> float:
    """Wait until no task has had a turn for a while, or until the operator has ended.

    Looks are counted, and not time, and all servers have a turn between two: a starved machine
    looks calm. Returns how many times as long as it should a look took.
    """
    turns, looks, since, began = throwing.turns, 0, 0, time.monotonic()
    while since < CALM_LOOKS and not running.done() and looks < MOST_LOOKS:
        await asyncio.sleep(LOOK_S)
        for server in servers:
            server.do(lambda _: None)
        looks += 1
        since = since + 1 if throwing.turns == turns else 0
        turns = throwing.turns
    slow = (time.monotonic() - began) / max(1, looks) / (2 * LOOK_S)
    return min(max(1.0, slow), SLOWEST)
