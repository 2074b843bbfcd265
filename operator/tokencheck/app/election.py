"""Who writes: the election as the operator takes part in it, or none when it runs alone."""

import asyncio
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import UTC, datetime
from typing import Any

from tokencheck.app.passes import Role
from tokencheck.app.settings import Settings
from tokencheck.clients.kube.cache import Cache
from tokencheck.clients.kube.events import EventRecorder
from tokencheck.clients.kube.lease import Leases
from tokencheck.clients.kube.transport import Limits, Transport
from tokencheck.engine.clock import Clock
from tokencheck.engine.elector import Elector
from tokencheck.engine.hooks import Hooks
from tokencheck.engine.leadership import ALONE, Leadership
from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.model.lease import lease_names
from tokencheck.notice.queue import Queue
from tokencheck.web.sources import LeaseState

# Renewals have connections of their own, so that no burst of writes ever holds one up.
LIMITS = Limits(connections=4, streams=1)
# Checks whose transitions are looked at before others get their turn: about 5 ms.
TOLD_AT_ONCE = 200


def boot_seconds() -> float:
    """Return seconds that only grow, those counted during which the machine was suspended.

    A holder whose machine slept must not believe when it wakes. Source: clock_gettime(2).
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def leadership_of(settings: Settings) -> Leadership:
    """Return the leadership of a process that leads nothing yet, or all when it runs alone."""
    if settings.leader_elect:
        return Leadership(lease_names(settings.shards), boot_seconds)
    return Leadership(lease_names(1), boot_seconds, until=ALONE)


def identity() -> str:
    """Return a name that no other process has or had, and by which people find the Pod."""
    host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:48].strip("-")
    return f"{host or 'replica'}_{secrets.token_hex(4)}"


class Election:
    """Takes part in the election; `run` it as a task, then `release`. Alone, both do nothing."""

    def __init__(
        self, settings: Settings, transport: Transport | None, role: Role, hooks: Hooks
    ) -> None:
        """Hold nothing.

        Args:
            settings: of the operator.
            transport: for Leases alone; None of a process that needs none.
            role: what is led and held back.
            hooks: what happens when that changes.
        """
        self._leadership = role.leadership
        self._elector: Elector | None = None
        if transport is not None:
            leases = Leases(transport, settings.own_namespace)
            clock = Clock(wall=lambda: datetime.now(UTC), monotonic=boot_seconds)
            self._elector = Elector(identity(), leases, role.leadership, clock, hooks=hooks)
            self._watch = leases.watch(self._elector.names, self._elector.observe)
            self._began = boot_seconds()

    async def run(self) -> None:
        """Stand for all Leases until cancelled."""
        if self._elector is None:
            await asyncio.Event().wait()
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch.run())
            group.create_task(self._elector.run())

    async def release(self) -> None:
        """Hold nothing any more, so that others need not wait for the end of a Lease."""
        if self._elector is not None:
            await self._elector.release()

    def states(self) -> list[LeaseState]:
        """Return how each Lease stands, for metrics and probes."""
        if self._elector is None:
            return [LeaseState(name=name, leads=True) for name in self._leadership.leases]
        now = boot_seconds()
        return [
            LeaseState(
                name=one.name,
                holder=one.lease.holder if one.lease else "",
                leads=self._leadership.holds(one.shard),
                age_s=now - (one.sighting.since if one.sighting else self._began),
                transitions=one.lease.transitions if one.lease else 0,
                trouble=one.trouble,
            )
            for one in self._elector.candidacies
        ]


class Handover(Hooks):
    """Makes due what was held back when a shard becomes ours, and ends writes before it is given.

    Args:
        role: what is led and held back.
        queue: takes what is due.
        cache: knows all checks.
        writing: the keys whose status write is under way.
        events: are written before a shard is given away.

    `tell_again` is told of which checks the transitions may be untold.
    """

    def __init__(
        self,
        role: Role,
        queue: Queue,
        cache: Cache,
        *,
        writing: Set[Key],
        events: EventRecorder,
    ) -> None:
        """Join what an election moves."""
        self._role = role
        self._queue = queue
        self._cache = cache
        self._writing = writing
        self._events = events
        self.tell_again: Callable[[Iterable[Key], datetime], None] = lambda _keys, _now: None

    def taken(self, shard: int) -> None:
        """Make due what the former leader did not get to; all else stands as we would have it.

        What it wrote lately it may not have lived to tell. Providers are asked by who leads.
        """
        of = self._role.leadership.shard_of
        for key in self._role.standby.take(lambda key: of(key) == shard):
            self._queue.add(key, Cause.TAKEOVER, time.monotonic())
        for key in self._cache.versions("TokenProvider"):
            self._queue.add(key, Cause.TAKEOVER, time.monotonic())
        self._telling = asyncio.create_task(self._tell_again(shard))

    async def _tell_again(self, shard: int) -> None:
        of = self._role.leadership.shard_of
        keys = [key for key in self._cache.versions("TokenCheck") if of(key) == shard]
        for start in range(0, len(keys), TOLD_AT_ONCE):
            self.tell_again(keys[start : start + TOLD_AT_ONCE], datetime.now(UTC))
            await asyncio.sleep(0)

    def warmed(self, shards: frozenset[int]) -> None:
        """Judge what is ours to lead next from now on, and forget what is not any more."""
        of = self._role.leadership.shard_of
        for key in self._cache.versions("TokenCheck"):
            if of(key) in shards:
                self._queue.add(key, Cause.RESYNC, time.monotonic())

    async def drained(self, shard: int) -> None:
        """Return when no status write of the shard is under way and all Events are written."""
        of = self._role.leadership.shard_of
        while any(of(key) == shard for key in self._writing):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        await self._events.drain()


def others_lead(role: Role) -> Callable[[Key, Mapping[str, Any]], bool]:
    """Return what `OwnKinds` asks about a status that another process wrote."""

    def others(key: Key, status: Mapping[str, Any]) -> bool:
        if role.leadership.leads(key):
            return False
        role.standby.told(key, status)
        return True

    return others
