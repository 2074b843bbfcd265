"""Sees ``Ready`` move, as any client of the API server would: on a watch."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from bench import objects
from bench.http import Http

Key = tuple[str, str]
_AGAIN_S = 0.05


class _Meta(msgspec.Struct, rename="camel"):
    namespace: str = ""
    name: str = ""
    resource_version: str = ""


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""


class _Status(msgspec.Struct):
    conditions: list[_Condition] = []


class _Check(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    status: _Status = msgspec.field(default_factory=_Status)


class _Event(msgspec.Struct):
    type: str
    object: _Check


_decoder = msgspec.json.Decoder(_Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """``Ready`` had this status when it was read from the watch."""

    status: str
    at: float
    """`time.monotonic()`"""


class ReadyWatch:
    """Follows ``Ready`` of every TokenCheck from the moment it is opened.

    ``last`` has those that are there, ``made`` when each was first seen (``time.monotonic()``).
    """

    def __init__(self) -> None:
        """Nothing is seen yet."""
        self.last: dict[Key, Seen] = {}
        self.made: dict[Key, float] = {}
        self._waiting: dict[tuple[Key, str], asyncio.Future[float]] = {}
        self._changed = asyncio.Event()
        self._version = ""

    def expect(self, key: Key, status: str) -> asyncio.Future[float]:
        """The time at which ``Ready`` of this check is next seen with this status."""
        seen = asyncio.get_running_loop().create_future()
        self._waiting[key, status] = seen
        return seen

    def reads(self, key: Key, status: str) -> bool:
        """Whether this check has the status now."""
        seen = self.last.get(key)
        return seen is not None and seen.status == status

    def count(self, status: str) -> int:
        """How many checks have this status now."""
        return sum(seen.status == status for seen in self.last.values())

    async def until_all(
        self, status: str, total: int, *, timeout_s: float, tick: Callable[[int], None]
    ) -> float:
        """The time at which the last of ``total`` checks was seen with the status.

        Raises:
            TimeoutError: with how many got there.
        """
        deadline = time.monotonic() + timeout_s
        while (there := self.count(status)) < total:
            tick(there)
            if time.monotonic() > deadline:
                raise TimeoutError(f"Ready={status} on {there} of {total} checks in {timeout_s} s")
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._changed.wait()
            await asyncio.sleep(0.05)
        tick(there)
        return max(seen.at for seen in self.last.values() if seen.status == status)

    async def follow(self, http: Http, version: str) -> None:
        """Takes in every change after this resourceVersion, until it is cancelled."""
        self._version = version
        while True:
            # The API server ends the watch of a client that cannot keep up: it goes on from there.
            query = f"watch=1&resourceVersion={self._version}&timeoutSeconds=7200"
            async for line in http.lines(f"{objects.CHECKS}?{query}&allowWatchBookmarks=true"):
                self._take(line)
            await asyncio.sleep(_AGAIN_S)

    def _take(self, line: bytes) -> None:
        if line.startswith(b'{"type":"ERROR"'):
            raise ConnectionError("the watch of the harness was too slow: events are lost")
        event = _decoder.decode(line)
        at = time.monotonic()
        self._version = event.object.metadata.resource_version
        key = (event.object.metadata.namespace, event.object.metadata.name)
        if event.type == "DELETED":
            self.last.pop(key, None)
        if event.type not in ("ADDED", "MODIFIED"):
            return
        self.made.setdefault(key, at)
        status = next((c.status for c in event.object.status.conditions if c.type == "Ready"), "")
        before = self.last.get(key)
        if before is None or before.status != status:
            self.last[key] = Seen(status=status, at=at)
            self._changed.set()
        waiting = self._waiting.pop((key, status), None)
        # One that nobody waits for any more was given up and is done.
        if waiting and not waiting.done():
            waiting.set_result(at)


@asynccontextmanager
async def ready_watch(http: Http) -> AsyncIterator[ReadyWatch]:
    """A watch that is open before anything starts to write; ends with the block."""
    listed = await http.get(f"{objects.CHECKS}?limit=1")
    watch = ReadyWatch()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch.follow(http, listed["metadata"]["resourceVersion"]))
        yield watch
        task.cancel()
