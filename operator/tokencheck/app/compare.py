"""What Kopf lost is found: every minute the versions of our kinds are listed and compared.

Source: notes of kubernetes#107457 and our own measurement: Kopf never reports an object that was
deleted while it listed again.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tokencheck.app.own_kinds import OwnKinds
from tokencheck.model.errors import ClusterError
from tokencheck.model.keys import Key

EVERY_S = 60.0
KINDS = ("TokenProvider", "TokenCheck")  # providers first: checks are judged by them

_log = logging.getLogger(__name__)


class Lists(Protocol):
    """Reads of our own kinds."""

    async def objects(self, kind: str) -> list[Mapping[str, Any]]:
        """Return all objects of a kind. Raises ClusterError."""

    async def versions(self, kind: str) -> dict[Key, str]:
        """Return the resourceVersion of each object of a kind. Raises ClusterError."""

    async def object(self, key: Key) -> Mapping[str, Any] | None:
        """Return one object, or None when it cannot be read now."""


class Compare:
    """Lists our kinds whole at the start, then their versions again and again.

    Args:
        lists: reads of our own kinds.
        held: the versions that this process holds of a kind.
        own_kinds: takes what is found, and what is missing.
        every_s: seconds between two lists.
    """

    def __init__(
        self,
        lists: Lists,
        held: Callable[[str], Mapping[Key, str]],
        own_kinds: OwnKinds,
        *,
        every_s: float = EVERY_S,
    ) -> None:
        """Prepare; nothing is listed yet."""
        self._every_s = every_s
        self._lists = lists
        self._held = held
        self._own_kinds = own_kinds
        self._started_at = time.monotonic()
        self.listed_at: float | None = None  # monotonic seconds of the last whole list
        self.synced = asyncio.Event()

    @property
    def silent_s(self) -> float:
        """Return the seconds since our kinds were last listed, less the pause between two lists."""
        since = self._started_at if self.listed_at is None else self.listed_at
        return max(0.0, time.monotonic() - since - self._every_s)

    async def run(self) -> None:
        """Compare for ever; a list that fails is tried again, the objects that we hold stay."""
        pause = 0.2
        while True:
            try:
                for kind in KINDS:
                    await (self._compare(kind) if self.synced.is_set() else self._seed(kind))
            except ClusterError as error:
                _log.warning("our kinds could not be listed: %s", error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 15.0)
                continue
            pause = 0.2
            self.listed_at = time.monotonic()
            self.synced.set()
            await asyncio.sleep(self._every_s * random.uniform(0.9, 1.1))  # noqa: S311 - jitter

    async def _seed(self, kind: str) -> None:
        for obj in await self._lists.objects(kind):
            self._own_kinds.receive(kind, None, obj)

    async def _compare(self, kind: str) -> None:
        """Only what was held before the list can be missing from it: what came since is newer."""
        held = self._held(kind)
        listed = await self._lists.versions(kind)
        for key in held.keys() - listed.keys():
            _log.warning("%s was deleted and no watch told it", key)
            self._own_kinds.lost(key)
        for key, version in listed.items():
            if held.get(key) != version and (obj := await self._lists.object(key)) is not None:
                self._own_kinds.receive(key.kind, None, obj)
