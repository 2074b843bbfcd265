"""What Kopf lost is found: the versions of our kinds are listed and compared.

Each minute, and whenever Kopf has opened a watch: what came while it had none is found at once.
A list is a consistent read. One that shows an object older than what was held before it proves that
the API server was restored to an earlier state: then the list is right, and Kopf, whose watch
waits for versions that are yet to come, has to begin anew.

A CRD that is given another schema ends the watches of its kind, and moves no version. Until they
end, they show objects by the schema before, those of a newer generation too. So when a watch ended
before its time specs are compared as well, and once more when every API server has the schema.

Source: kubernetes#107457 and our own measurement: Kopf never reports an object that was deleted
while it listed again, and goes on from the old, higher version after a restore.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import suppress
from typing import Any, Protocol

from tokencheck.app.own_kinds import OwnKinds, newer
from tokencheck.clients.kube.watching import EARLY
from tokencheck.model.errors import ClusterError
from tokencheck.model.keys import Key

EVERY_S = 60.0
SOON_S = 0.2  # two watches are opened together: one list serves both
LONGEST_PAUSE_S = 3.0  # while the API server is away: one small request
ONE_BY_ONE = 20  # differing objects that are read by themselves; more by one list
WATCH_S = 300  # what a watch is asked for
KINDS = ("TokenProvider", "TokenCheck")  # providers first: checks are judged by them

_log = logging.getLogger(__name__)


class Lists(Protocol):
    """Reads of our own kinds."""

    def objects(
        self, kind: str, wanted: Collection[Key] | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Yield all objects of a kind, or those wanted of them. Raises ClusterError."""

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
        watch_s: seconds that a watch is asked for.
        rewound: told that the API server was restored to an earlier state.
    """

    def __init__(
        self,
        lists: Lists,
        held: Callable[[str], Mapping[Key, str]],
        own_kinds: OwnKinds,
        *,
        every_s: float = EVERY_S,
        watch_s: float = WATCH_S,
        rewound: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; nothing is listed yet."""
        self._every_s = every_s
        self._watch_s = watch_s
        self._opened_at: dict[str, float] = {}
        self._whole_until = 0.0
        self._rewound = rewound
        self._wanted = asyncio.Event()
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

    def soon(self) -> None:
        """Compare at once, not at the next minute."""
        self._wanted.set()

    def opened(self, watch: str) -> None:
        """Compare at once, for a watch was opened; with specs when the last one ended early."""
        now = time.monotonic()
        before = self._opened_at.get(watch)
        self._opened_at[watch] = now
        if before is not None and now - before < EARLY * self._watch_s:
            self._whole_until = now + 1.5 * self._every_s
        self.soon()

    async def look(self, key: Key) -> None:
        """Read one object now: a write of its status met another version than was held."""
        held = self._own_kinds.held(key)
        obj = await self._lists.object(key)
        if obj is not None and self._own_kinds.read(key, held, obj):
            self._tell_rewound()

    async def run(self) -> None:
        """Compare for ever; a list that fails is tried again, the objects that we hold stay."""
        pause = 0.2
        while True:
            began = time.monotonic()
            self._wanted.clear()
            try:
                for kind in KINDS:
                    if self.synced.is_set():
                        await self._compare(kind)
                    if not self.synced.is_set() or began < self._whole_until:
                        await self._seed(kind)
            except ClusterError as error:
                _log.warning("our kinds could not be listed: %s", error)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                pause = min(pause * 2, LONGEST_PAUSE_S)
                continue
            pause = 0.2
            self.listed_at = began
            self.synced.set()
            await self._rest()

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._every_s * random.uniform(0.9, 1.1)):  # noqa: S311 - jitter
                await self._wanted.wait()
                await asyncio.sleep(SOON_S)

    async def _seed(self, kind: str) -> None:
        async for obj in self._lists.objects(kind):
            self._own_kinds.receive(kind, None, obj)

    async def _compare(self, kind: str) -> None:
        """What the watch told while the list was under way was not lost.

        Only what was held before the list can be missing from it: what came since is newer.
        """
        held = self._held(kind)
        listed = await self._lists.versions(kind)
        now = self._held(kind)
        for key in held.keys() - listed.keys():
            if now.get(key) == held[key]:
                _log.warning("%s was deleted and no watch told it", key)
                self._own_kinds.lost(key)
        differing = {
            key
            for key, version in listed.items()
            if held.get(key) != version and not _told(held.get(key), now.get(key), version)
        }
        found = [
            self._own_kinds.read(key, held.get(key, ""), obj)
            async for key, obj in self._read(kind, differing)
        ]
        if any(found):
            self._tell_rewound()

    async def _read(
        self, kind: str, keys: Collection[Key]
    ) -> AsyncIterator[tuple[Key, Mapping[str, Any]]]:
        if len(keys) > ONE_BY_ONE:
            async for obj in self._lists.objects(kind, keys):
                meta = obj["metadata"]
                yield Key(kind, meta.get("namespace", ""), meta["name"]), obj
            return
        for key in keys:
            found = await self._lists.object(key)
            if found is not None:
                yield key, found

    def _tell_rewound(self) -> None:
        _log.warning(
            "the API server is back in an earlier state: it was restored; all is read anew"
        )
        self._rewound()


def _told(before: str | None, now: str | None, listed: str) -> bool:
    """Return whether a watch or an answer brought the version that was listed, or a newer one."""
    return now is not None and now != before and not newer(listed, now)
