"""Kopf, in a thread and event loop of its own: it watches our two kinds and hands every event over.

Handlers are `on.event` only, async, return None and touch no patch: anything else makes Kopf write
into objects.
When Kopf ends (an ERROR in a stream, credentials refused) it is started again with back-off, and
nothing else ends;
what it lost meanwhile is found by the compare of `app.compare`.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import aiohttp
import kopf

from tokencheck.api import GROUP, VERSION
from tokencheck.app.kopf_settings import NoMemories, configured
from tokencheck.app.logs import tell_class_only

KINDS = {"tokenchecks": "TokenCheck", "tokenproviders": "TokenProvider"}
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
# Kopf takes 5 s to end when a watch has failed: the next one does not wait for it.
LONGEST_END_S = 0.5
LONGEST_STOP_S = 10.0
LOGIN_AGAIN_S = 2.0  # after credentials could not be read; Kopf's own choice is a minute
WELL_S = 60.0  # one that ran for so long starts again with the first pause

OpenSession = Callable[[], Awaitable[tuple[aiohttp.ClientSession, str]]]
HandOver = Callable[[str, str | None, Mapping[str, Any]], None]

_log = logging.getLogger(__name__)


class KopfWatch:
    """A supervised Kopf.

    Args:
        open_session: called in Kopf's loop; returns a session that carries credentials, and the
            server's URL. Kopf
            closes it at exit and on 401, so nobody else may use it.
        hand_over: called in Kopf's thread with kind, event type (None at a listing) and the object.
        longest_end_s: seconds that a Kopf may take to end before the next one is started beside
            it. What an ending one still tells is told twice, which does no harm.
    """

    def __init__(
        self,
        open_session: OpenSession,
        hand_over: HandOver,
        *,
        longest_end_s: float = LONGEST_END_S,
    ) -> None:
        """Prepare; nothing runs before `start`."""
        self._open_session = open_session
        self._hand_over = hand_over
        self._longest_end_s = longest_end_s
        self._stop = threading.Event()
        self._end_kopf: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._supervise, name="kopf", daemon=True)
        self.restarts = 0
        self.logins = 0  # more than one a life where credentials or certificates are renewed
        self.last_event: float | None = None  # monotonic seconds

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ask Kopf to end and wait for its thread.

        It is a daemon, so a hung one cannot hold the process.
        """
        self._stop.set()
        self._end_kopf()
        self._thread.join(timeout_s)

    def restart(self) -> None:
        """End the Kopf that runs; another one begins with a list. To be called from any thread."""
        self._end_kopf()

    @property
    def alive(self) -> bool:
        """Return whether the supervising thread runs."""
        return self._thread.is_alive()

    def _supervise(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._stop.is_set():
            started = time.monotonic()
            ended = self._live()
            if self._stop.is_set():
                return
            self.restarts += 1
            if time.monotonic() - started > WELL_S:
                pause = FIRST_PAUSE_S
            _log.warning(
                "the watch of TokenChecks ended (%s); it starts again in %.1f s", ended, pause
            )
            self._stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _live(self) -> str:
        """Run one Kopf in a thread of its own, and return how it ended; a slow end is left behind.

        When a CRD is deleted, one watch ends Kopf and another may wait for ever in its end.
        """
        ending, how = threading.Event(), ["return"]

        def end(by: str) -> None:
            how[0] = by
            ending.set()

        def life() -> None:
            try:
                asyncio.run(self._operate(end))
            except BaseException as error:  # noqa: BLE001 - whatever ends Kopf, it is started again and counted
                how[0] = type(error).__name__
            finally:
                ending.set()

        thread = threading.Thread(target=life, name="kopf-life", daemon=True)
        thread.start()
        ending.wait()
        thread.join(LONGEST_STOP_S if self._stop.is_set() else self._longest_end_s)
        return how[0]

    async def _operate(self, end: Callable[[str], None]) -> None:
        """Run Kopf once, in the loop that runs now; `end` is told how the first of its parts ended.

        Kopf would wait for a threading.Event in a thread of the loop's pool, and a loop does not
        close before its pool is idle: a Kopf that ended by itself would never be started again.
        """
        ended, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.set_exception_handler(tell_class_only)
        self._end_kopf = partial(_call_soon, loop, ended.set)
        if self._stop.is_set():
            return
        registry = kopf.OperatorRegistry()
        self._register(registry)
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=configured(),
            memories=NoMemories(),
            clusterwide=True,
            standalone=True,
            stop_flag=ended,
        )
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        errors = (task.exception() for task in done if not task.cancelled())
        end(next((type(error).__name__ for error in errors if error), "return"))
        await kopf.run_tasks(tasks)

    def _register(self, registry: kopf.OperatorRegistry) -> None:
        for plural, kind in KINDS.items():

            async def feed(event: Any, _kind: str = kind, **_: Any) -> None:
                self.last_event = time.monotonic()
                self._hand_over(_kind, event["type"], event["object"])

            kopf.on.event(GROUP, VERSION, plural, registry=registry, id=plural)(feed)

        async def login(**_: Any) -> Any:
            self.logins += 1
            session, server = await self._open_session()
            return kopf.AiohttpSession(server=server, aiohttp_session=session)

        kopf.on.login(registry=registry, backoff=LOGIN_AGAIN_S)(login)


def _call_soon(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    """Call `act` in a loop of another thread, unless it is closed already."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(act)
