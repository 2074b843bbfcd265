"""One LIST and WATCH that is never silently wrong.

What goes wrong with a watch, and what is done:

1. It is cut, or the server ends it: it goes on from the last version seen, with nothing lost.
2. It freezes: silence is bounded (the server is asked to end each watch sooner than that).
3. The version is gone (410, as status or as event), or the server reports any other error: list
   again, compare.
4. Objects vanish while nobody looks: whatever a list lacks is reported as deleted.
5. Versions go backwards (a restored etcd): list again, compare. A watch from a version that is yet
   to come is silent, so after a break the server is asked first where it stands.
6. Events are lost without a sign: now and then a list beside the running watch is compared.
7. Rights are taken away: `DENIED` until a list succeeds, asked again every few seconds.
8. A CRD gets another schema: its watches are ended before their time, and until then show objects
   by the schema before, in versions that stay. The next lists take known versions too.

Between retries stands a back-off with jitter; between any two streams a floor, so that a server
that ends each watch at once is not hammered. Callbacks are called in the event loop, synchronously,
one object at a time.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Generic, TypeVar

from msgspec import Raw

from tokencheck.clients.kube.decode import EVENT, HEAD, STATUS, Place, decode
from tokencheck.clients.kube.limits import Backoff, jitter
from tokencheck.clients.kube.listing import consistent_pages
from tokencheck.clients.kube.media import JSON, METADATA, METADATA_LIST
from tokencheck.clients.kube.store import UNKNOWN, Store
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.kube.watching import (
    EARLY,
    NORMAL,
    Pace,
    Restart,
    State,
    Target,
    restart_of,
)
from tokencheck.model.errors import ClusterError

R = TypeVar("R")
# A list at once and two comparisons: the first may come before every API server has the schema.
WHOLE = 3


class _OutdatedError(Exception):
    """The position in the stream of versions is worth nothing: list again."""

    def __init__(self, reason: Restart) -> None:
        super().__init__(reason)
        self.reason = reason


class Informer(Generic[R]):
    """The wanted objects of one resource, kept up to date; `run` it as a task."""

    def __init__(
        self,
        transport: Transport,
        target: Target[R],
        *,
        on_change: Callable[[Place, R | None, R | None], None],
        on_state: Callable[[State, State], None] = lambda _old, _new: None,
        pace: Pace = NORMAL,
        restarts: "Counter[Restart] | None" = None,
    ) -> None:
        """Know nothing yet.

        Args:
            transport: the way to the server.
            target: what to watch.
            on_change: told (place, old record or None, new record or None) of each change; both
                None: deleted, and its record was never kept.
            on_state: told (old, new) of each new state.
            pace: its times.
            restarts: where ends of streams are counted.
        """
        self.target = target
        self.store = Store(target, on_change)
        self.state = State.STARTING
        self.synced = asyncio.Event()
        self.settled = asyncio.Event()  # synced, or known to be denied or missing
        self.last_activity = time.monotonic()
        self.restarts: Counter[Restart] = Counter() if restarts is None else restarts
        self.listed = 0  # objects of the last complete list, unwanted ones included
        self._transport = transport
        self._on_state = on_state
        self._pace = pace
        self._backoff = Backoff(first_s=pace.first_s, cap_s=pace.cap_s)
        self._position: int | None = None  # where the watch stands; None: list first
        self._progress = False  # since the last pause
        self._sure = True  # that the server still knows our position: no break since it told us
        self._whole = 0  # lists to come of which known versions are taken again
        self._removed: dict[Place, int] = {}  # by the watch, while a comparison runs
        self._comparing = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None

    # Following

    async def run(self) -> None:
        """Follow the resource until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(), name=f"watch {self.target.name}")
            group.create_task(self._compare_forever(), name=f"compare {self.target.name}")

    async def _follow(self) -> None:
        while True:
            started = time.monotonic()
            self._progress = False
            reason = await self._follow_once()
            self._sure = reason is Restart.ENDED
            self.restarts[reason] += 1
            if self._progress or time.monotonic() - started > self._pace.watch_s / 2:
                self._backoff.reset()
                if reason is Restart.ENDED:
                    continue  # the normal case loses no time
            denied = reason in (Restart.DENIED, Restart.UNAUTHORIZED)
            cap_s = self._pace.denied_cap_s if denied else self._pace.cap_s
            await asyncio.sleep(max(self._backoff.next_s(cap_s), self._pace.floor_s))

    async def _follow_once(self) -> Restart:
        """List if need be, follow one stream to its end, and return why it ended."""
        try:
            if self._position is None:
                await self._list()
            elif not self._sure:
                await self._ask_position(self._position)
            await self._watch_interruptibly()
        except _OutdatedError as error:
            self._position = None
            self._progress = False  # a server that breaks each stream after one event is not well
            return error.reason
        except ClusterError as error:
            return self._failed(error)
        self.last_activity = time.monotonic()  # a quiet stream that ends in time is a sign of life
        return Restart.ENDED

    def _failed(self, error: ClusterError) -> Restart:
        """Return what a failure means, after drawing the conclusions."""
        reason = restart_of(error)
        if reason in (Restart.DENIED, Restart.MISSING, Restart.EXPIRED, Restart.ERROR):
            self._position = None
        if reason is Restart.DENIED:
            self._enter(State.DENIED)
        elif reason is Restart.MISSING:
            self._enter(State.MISSING)
        return reason

    def _enter(self, state: State) -> None:
        if state is State.SYNCED:
            self.synced.set()
        else:
            self.synced.clear()
        self.settled.set()
        old, self.state = self.state, state
        if state is not old:
            self._on_state(old, state)

    # Listing

    async def _list(self) -> None:
        """Make the store equal to what the server has, and stand at its version."""
        async with self._comparing:
            await self._replace()

    async def _replace(self) -> None:
        unseen = self.store.places()
        count = 0
        version = 0
        accept = self._accept(METADATA_LIST)
        async for version, items in self._pages(self.target.path, accept):  # noqa: B007 - the last counts
            self.last_activity = time.monotonic()
            for raw in items:
                count += 1
                place, at = _head(raw)
                unseen.discard(place)
                if self._whole or at != self.store.version(place):
                    self.store.take(place, at, raw)
            await asyncio.sleep(0)  # a big list lets others work between its pages
        for place in unseen:
            self.store.drop(place)
        self._read_whole(count)
        self._position = version
        self._enter(State.SYNCED)

    async def _ask_position(self, ours: int) -> None:
        """Make sure that the server is where it was, or farther: a list of one object tells.

        Raises:
            _OutdatedError: it was restored to an earlier state.
        """
        async with aclosing(self._pages(self.target.path, METADATA_LIST, size=1)) as listed:
            async for version, _ in listed:
                if version < ours:
                    raise _OutdatedError(Restart.REGRESSION)
                return

    def doubt(self) -> None:
        """List again: a consistent read has shown that what the watch told is not so any more."""
        self._position = None
        if self._watching is not None:
            self._watching.cancel()

    async def compare(
        self, path: str | None = None, covers: Callable[[Place], bool] = lambda _: True
    ) -> None:
        """Repair what the running watch missed, against a list of now.

        Args:
            path: of a part of the objects (a namespace), all by default.
            covers: which objects that path lists.

        Raises:
            ClusterError: the list failed; nothing is known to be wrong.
        """
        async with self._comparison():
            accept = self._accept(METADATA_LIST)
            await self._compare(path or self.target.path, covers, accept, self.store.take)

    async def compare_versions(self) -> None:
        """Repair the same for all objects; they are read whole only when a version differs.

        Raises:
            ClusterError: as above.
        """
        late: dict[Place, int] = {}

        def note(place: Place, at: int, _: Raw) -> None:
            late[place] = at

        take = self.store.take if self.target.metadata_only else note
        path, every = self.target.path, lambda _: True
        async with self._comparison():
            await self._compare(path, every, METADATA_LIST, take)
            # What the watch told meanwhile was not lost.
            if any(self._is_news(place, at) for place, at in late.items()):
                await self._compare(path, every, JSON, self.store.take)

    @asynccontextmanager
    async def _comparison(self) -> AsyncIterator[None]:
        """Compare alone. A list that contradicts the watch says that the server was restored."""
        async with self._comparing:
            try:
                yield
            except _OutdatedError as error:
                if error.reason is Restart.GARBLED:
                    raise ClusterError(f"list {self.target.name}: not a list") from None
                self.doubt()
            finally:
                self._removed.clear()

    async def _compare(
        self,
        path: str,
        covers: Callable[[Place], bool],
        accept: str,
        take: Callable[[Place, int, Raw], None],
    ) -> None:
        before = self._position
        unseen = set(filter(covers, self.store.places()))
        count = 0
        version = 0
        async for version, items in self._pages(path, accept):
            if before is not None and version < before:
                raise _OutdatedError(Restart.REGRESSION)
            self.last_activity = time.monotonic()
            for raw in items:
                count += 1
                place, at = self._checked(raw, version)
                unseen.discard(place)
                if self._is_news(place, at):
                    take(place, at, raw)
            await asyncio.sleep(0)
        for place in unseen:  # made after the list was read: it stays
            if self.store.version(place) <= version:
                self.store.drop(place)
        if path == self.target.path:
            self._read_whole(count)

    def _read_whole(self, count: int) -> None:
        self.listed, self._whole = count, max(0, self._whole - 1)

    def _checked(self, raw: Raw, listed_at: int) -> tuple[Place, int]:
        """Return whose object it is, and its version.

        Raises:
            _OutdatedError: older than the watch told: the server was restored, and its versions go
                on above the old ones.
        """
        place, at = _head(raw)
        if at < self.store.version(place) <= listed_at:
            raise _OutdatedError(Restart.REGRESSION)
        return place, at

    def _is_news(self, place: Place, at: int) -> bool:
        known = max(self.store.version(place), self._removed.get(place, UNKNOWN))
        return (at > known or (at == known and self._whole > 0)) and self.target.wanted(place)

    async def _compare_forever(self) -> None:
        while True:
            size = max(1.0, self.listed / self._pace.compare_objects)
            await asyncio.sleep(jitter(self._pace.compare_s * size, 0.2))
            if self.state is State.SYNCED:
                try:
                    await (self.compare() if self._whole else self.compare_versions())
                except ClusterError:
                    continue  # the watch meets the same trouble and handles it

    def _pages(
        self, path: str, accept: str, size: int = 0
    ) -> AsyncGenerator[tuple[int, list[Raw]], None]:
        page = size or self._pace.page
        return consistent_pages(self._transport, path, self.target.params, accept, page)

    def _accept(self, metadata: str) -> str:
        return metadata if self.target.metadata_only else JSON

    # Watching

    async def _watch_interruptibly(self) -> None:
        self._watching = asyncio.create_task(self._watch())
        try:
            await self._watching
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise _OutdatedError(Restart.REGRESSION) from None
        finally:
            self._watching = None

    async def _watch(self) -> None:
        if self._position is None:
            raise _OutdatedError(Restart.REGRESSION)
        asked_s = max(1, round(jitter(self._pace.watch_s, 0.2)))
        params = {
            **self.target.params,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(self._position),
            "timeoutSeconds": str(asked_s),
        }
        began = time.monotonic()
        lines = self._transport.stream(
            self.target.path, params, accept=self._accept(METADATA), silent_s=self._pace.silent_s
        )
        async with aclosing(lines):
            async for line in lines:
                self.last_activity = time.monotonic()
                self._step(line)
                self._progress = True
        if self.target.custom and time.monotonic() - began < EARLY * asked_s:
            self._whole = WHOLE
            raise _OutdatedError(Restart.ENDED)

    def _step(self, line: bytes) -> None:
        """Take one event of the stream.

        Raises:
            _OutdatedError: the stream cannot be trusted to be complete.
        """
        event = decode(EVENT, line)
        if event is None:
            raise _OutdatedError(Restart.GARBLED)
        if event.type == "ERROR":
            status = decode(STATUS, event.object)
            expired = status is not None and status.code == 410
            raise _OutdatedError(Restart.EXPIRED if expired else Restart.ERROR)
        place, version = _head(event.object)
        if self._position is not None and version < self._position:
            raise _OutdatedError(Restart.REGRESSION)
        self._position = version
        if event.type == "DELETED":
            if self._comparing.locked():
                self._removed[place] = version
            self.store.drop(place, told=self.target.wanted(place))
        elif event.type != "BOOKMARK" and version > self.store.version(place):
            self.store.take(place, version, event.object)


def _head(raw: Raw) -> tuple[Place, int]:
    head = decode(HEAD, raw)
    if head is None:
        raise _OutdatedError(Restart.GARBLED)
    return head.metadata.place, head.metadata.version
