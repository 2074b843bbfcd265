"""The informers of one resource, started when somebody looks and ended when nobody does.

How far one informer reaches is decided by rights and by numbers: the whole cluster, one namespace,
or one object (so that RBAC can name it). A fleet of namespaces that grows too wide becomes one
informer of the cluster, when the rights are that wide.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from msgspec import Raw

from tokencheck.clients.kube.decode import Place
from tokencheck.clients.kube.informer import Informer
from tokencheck.clients.kube.reads import read_object, version_in, what_of
from tokencheck.clients.kube.resources import Resource, is_name
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.kube.watching import NORMAL, Pace, Restart, State, Target
from tokencheck.model.errors import ClusterError
from tokencheck.model.evidence import Denied, Failed, Unread

R = TypeVar("R")
K = TypeVar("K")
_LOG = logging.getLogger(__name__)
_EVERYWHERE: Place = ("", "")
_RESTART_S = 1.0


class Reach(Enum):
    """What one informer of a fleet sees."""

    CLUSTER = auto()
    NAMESPACE = auto()
    OBJECT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Course(Generic[R]):
    """What a fleet keeps of its resource, and whom it tells.

    Args:
        record: an object, whole or metadata-only as the resource says, reduced to what is kept.
        on_change: told (place, old, new) as `Informer` tells it.
        on_state: told of each place in use that has become readable, or is not readable any more.
        whole: whether every object of a namespace in use is kept, not only those in use by name.
    """

    resource: Resource
    record: Callable[[Raw | bytes], R | None]
    on_change: Callable[[Place, R | None, R | None], None]
    on_state: Callable[[Place], None] = lambda _: None
    whole: bool = False


@dataclass(slots=True)
class _Member(Generic[R]):
    informer: Informer[R]
    task: "asyncio.Task[None]"


class Fleet(Generic[R]):
    """Objects of one resource, by place.

    Args:
        wait_s: how long a read waits for an informer that has just started.
        widen_after: number of namespaces above which one informer of the cluster replaces them;
            None: never.
    """

    def __init__(
        self,
        transport: Transport,
        course: Course[R],
        reach: Reach,
        *,
        pace: Pace = NORMAL,
        widen_after: int | None = None,
        wait_s: float = 2.0,
    ) -> None:
        """Start nothing yet."""
        self.course = course
        self.restarts: Counter[Restart] = Counter()
        self._transport = transport
        self._reach = reach
        self._pace = pace
        self._widen_after = widen_after
        self._wait_s = wait_s
        self.gone = 0  # how many ends the streams have told
        self._used: Counter[Place] = Counter()
        self._namespaces: Counter[str] = Counter()
        self._members: dict[Place, _Member[R]] = {}
        self._covered: set[str] = (
            set()
        )  # namespaces that the informer of the cluster had in view from its start

    # Who looks

    def use(self, place: Place) -> None:
        """Follow a place (name "" for a whole namespace) once more."""
        self._used[place] += 1
        self._namespaces[place[0]] += 1
        slot = self._slot(place)
        if slot is None or slot in self._members:
            return
        self._members[slot] = self._start(slot)
        if self._widen_after is not None and len(self._members) > self._widen_after:
            self._widen()

    def drop(self, place: Place) -> None:
        """Follow a place once less; informers that nobody needs end."""
        _less(self._used, place)
        _less(self._namespaces, place[0])
        slot = self._slot(place)
        member = self._members.get(slot) if slot is not None else None
        if member is None or slot is None:
            return
        if not self._needed(slot):
            member.task.cancel()
            del self._members[slot]
            return
        if not self.course.whole:
            if place not in self._used:
                member.informer.store.forget(place)
        elif not self.uses(place[0]):
            self._covered.discard(place[0])
            for known in [p for p in member.informer.store.records() if p[0] == place[0]]:
                member.informer.store.forget(known)

    def uses(self, namespace: str) -> bool:
        """Return whether anybody follows anything in a namespace."""
        return namespace in self._namespaces

    async def close(self) -> None:
        """End all informers."""
        tasks = [member.task for member in self._members.values()]
        self._members.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def informers(self) -> Iterator[Informer[R]]:
        """Yield the informers that run."""
        return (member.informer for member in self._members.values())

    # What is known

    def get(self, place: Place) -> R | None:
        """Return the record of an object as last seen, without asking anybody."""
        informer = self._informer(place)
        return informer.store.get(place) if informer else None

    def in_sync(self, place: Place) -> bool:
        """Return whether the first list is over, so that a change is one and not a first sight."""
        informer = self._informer(place)
        return informer is not None and informer.state is State.SYNCED

    def is_fresh(self, place: Place, within_s: float) -> bool:
        """Return whether a watch sees the object, and has shown a sign of life so lately."""
        informer = self._informer(place)
        if informer is None or not self.in_sync(place):
            return False
        return time.monotonic() - informer.last_activity < within_s

    async def find(self, place: Place) -> R | Unread:
        """Return the record of an object: from the store when it is in sync, else read now."""
        informer = self._informer(place)
        if informer is not None and await self._settled(informer):
            if self.course.whole:
                await self.cover(place[0])
            record = informer.store.get(place)
            if record is not None and informer.state is State.SYNCED:
                return record
        gone = self.gone
        body = await read_object(self._transport, self.course.resource, *place)
        if not isinstance(body, bytes):
            return body
        record = self.course.record(body)
        if record is None:
            return Failed(what=what_of(self.course.resource, *place))
        self.remember(place, version_in(body), record, gone=gone)
        return record

    def remember(self, place: Place, version: int, record: R, *, gone: int) -> None:
        """Keep what somebody read directly, so that the next need not.

        Others who follow the place may have read something older, or nothing: they are told, for
        the stream will not tell what is known already. If anything ended since `gone` was taken, it
        may be this, and nothing is kept.
        """
        if gone != self.gone:
            return
        informer = self._informer(place)
        old = informer.store.get(place) if informer else None
        if informer and informer.store.remember(place, version, record) and self._used[place] > 1:
            self.course.on_change(place, old, record)

    async def cover(self, namespace: str) -> Unread | None:
        """Return None once every object of a namespace in use is in the store, or why it is not."""
        what = f"{self.course.resource.plural} in namespace {namespace}"
        informer = self._informer((namespace, ""))
        if informer is None or not await self._settled(informer):
            return Failed(what=what)
        if informer.state is not State.SYNCED:
            return Denied(what=what) if informer.state is State.DENIED else None
        path = self.course.resource.path(namespace)
        if _EVERYWHERE in self._members and namespace not in self._covered and path is not None:
            try:
                await informer.compare(path, lambda place: place[0] == namespace)
            except ClusterError:
                return Failed(what=what)
            self._covered.add(namespace)
        return None

    async def _settled(self, informer: Informer[R]) -> bool:
        try:
            async with asyncio.timeout(self._wait_s):
                await informer.settled.wait()
        except TimeoutError:
            return False
        return True

    def doubt(self, place: Place) -> None:
        """List again what a direct read has shown to be older than the watch told."""
        informer = self._informer(place)
        if informer is not None:
            informer.doubt()

    # Informers

    def _slot(self, place: Place) -> Place | None:
        """Return which informer sees a place; None for a name that no object can have."""
        if any(part and not is_name(part) for part in place):
            return None
        if self._reach is Reach.CLUSTER:
            return _EVERYWHERE
        return place if self._reach is Reach.OBJECT else (place[0], "")

    def _informer(self, place: Place) -> Informer[R] | None:
        slot = self._slot(place)
        member = self._members.get(slot) if slot is not None else None
        return member.informer if member else None

    def _needed(self, slot: Place) -> bool:
        if self._reach is Reach.CLUSTER:
            return bool(self._used)
        return slot in self._used if self._reach is Reach.OBJECT else slot[0] in self._namespaces

    def _wanted(self, place: Place) -> bool:
        return place[0] in self._namespaces if self.course.whole else place in self._used

    def _start(self, slot: Place, seeds: tuple[Informer[R], ...] = ()) -> _Member[R]:
        resource = self.course.resource
        namespace, name = slot
        target = Target(
            name=resource.plural,
            path=resource.path(namespace) or "",
            params={"fieldSelector": f"metadata.name={name}"} if name else {},
            metadata_only=resource.metadata_only,
            wanted=self._wanted,
            record=self.course.record,
        )
        informer = Informer(
            self._transport,
            target,
            on_change=self._tell_change,
            on_state=lambda old, new: self._tell_state(slot, old, new),
            pace=self._pace,
            restarts=self.restarts,
        )
        for seed in seeds:
            informer.store.adopt(seed.store)
        return _Member(informer=informer, task=asyncio.create_task(supervise(informer)))

    def _widen(self) -> None:
        """Replace the informers of namespaces by one of the cluster; only what differs is told."""
        narrow = tuple(self._members.values())
        self._reach = Reach.CLUSTER
        self._widen_after = None
        self._covered = set(self._namespaces)
        wide = self._start(_EVERYWHERE, tuple(member.informer for member in narrow))
        self._members = {_EVERYWHERE: wide}
        for member in narrow:
            member.task.cancel()

    def _tell_change(self, place: Place, old: R | None, new: R | None) -> None:
        self.gone += new is None
        self.course.on_change(place, old, new)

    def _tell_state(self, slot: Place, old: State, new: State) -> None:
        where = "/".join(filter(None, slot)) or "all namespaces"
        _LOG.info("%s in %s: %s", self.course.resource.plural, where, new)
        if old is State.STARTING:
            return  # whoever looked already got the answer of a direct read
        for place in list(self._used):
            if self._slot(place) == slot:
                self.course.on_state(place)


def _less(counter: Counter[K], key: K) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]


async def supervise(informer: Informer[R]) -> None:
    """Run an informer until cancelled: whatever ends it, it starts again."""
    while True:
        try:
            await informer.run()
        except Exception as error:  # noqa: BLE001 - blindness for good is the worst that can happen
            kinds = {type(e).__name__ for e in getattr(error, "exceptions", (error,))}
            _LOG.error("%s: the watch ended by %s; it starts again", informer.target.name, kinds)
        await asyncio.sleep(_RESTART_S)
