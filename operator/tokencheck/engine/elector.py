"""The loop of an election: looks at Leases, asks `claim.decide`, does it, and tells the leadership.

One task a Lease, woken when the Lease is seen to change. What a request did is not known when no
answer comes: then nothing is believed, the Lease is read again, and what it says decides.
"""

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from tokencheck.engine.candidacy import Candidacy
from tokencheck.engine.claim import (
    Acquire,
    GiveUp,
    Renew,
    Standing,
    StepDown,
    Terms,
    Wait,
    decide,
)
from tokencheck.engine.clock import Clock
from tokencheck.engine.hooks import Hooks
from tokencheck.engine.leadership import Leadership
from tokencheck.engine.sharing import Sharing
from tokencheck.model.errors import ClusterError
from tokencheck.model.lease import REPLICAS, Lease, LeaseStore

T = TypeVar("T")

REQUEST_S = 1.5  # two of them fit into a belief
RETRY_S = 0.5
DRAIN_S = 3.0
# The loop may wake a hair before the moment; without a floor it would spin until then.
SHORTEST_SLEEP_S = 0.001

_log = logging.getLogger(__name__)


class Elector:
    """Holds the Leases that it gets, one a shard; `run` it as a task, then `release`."""

    def __init__(
        self,
        me: str,
        store: LeaseStore,
        leadership: Leadership,
        clock: Clock,
        *,
        hooks: Hooks | None = None,
        terms: Terms | None = None,
    ) -> None:
        """Hold nothing.

        Args:
            me: an identity that no other process has or had.
            store: where the Leases stand.
            leadership: is told what we hold.
            clock: its monotonic one counts suspended time too.
            hooks: told and asked.
            terms: the times of the election.
        """
        self.me = me
        self.candidacies = [Candidacy(n, name) for n, name in enumerate(leadership.leases)]
        self._by_name = {one.name: one for one in self.candidacies}
        self._store = store
        self._leadership = leadership
        self._clock = clock
        self._hooks = hooks or Hooks()
        self._terms = terms or Terms()
        self._sharing = Sharing(
            me, len(self.candidacies), clock.monotonic, alive_s=3 * self._terms.renew_every_s
        )
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def names(self) -> frozenset[str]:
        """Return the names of all Leases that are worth watching."""
        return frozenset(self._by_name) | ({REPLICAS} if self._shared else frozenset())

    @property
    def _shared(self) -> bool:
        return len(self.candidacies) > 1

    def observe(self, name: str, lease: Lease | None) -> None:
        """Take what a watch saw."""
        if name == REPLICAS:
            if lease is not None and self._sharing.see(lease.beats):
                self._changed(*self.candidacies)
            return
        one = self._by_name.get(name)
        if one is None or _is_old(lease, one.lease):
            return
        if one.see(lease, self._clock.monotonic()):
            self._changed(one)

    async def run(self) -> None:
        """Stand for every Lease until cancelled or `release`."""
        if self._shared:
            await self._meet()
        self._tasks = [asyncio.create_task(self._stand(one)) for one in self.candidacies]
        if self._shared:
            self._tasks.append(asyncio.create_task(self._beat()))
        await asyncio.gather(*self._tasks)

    async def release(self) -> None:
        """Stand for nothing any more and write free what we hold, so that others need not wait."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for one in self.candidacies:
            try:
                await self._free(one)
            except (ClusterError, TimeoutError) as error:
                _log.warning("%s could not be released: %s", one.name, _why(error))
        if self._shared:
            try:
                await self._ask(self._store.announce({self.me: None}))
            except (ClusterError, TimeoutError):
                return  # its beat ends by itself

    # One Lease

    async def _stand(self, one: Candidacy) -> None:
        while True:
            one.changed.clear()
            try:
                pause_s = await self._act(one)
                one.trouble = ""
            except (ClusterError, TimeoutError) as error:
                pause_s = RETRY_S
                self._troubled(one, _why(error))
            self._tell(one)
            if pause_s > 0:
                await _sleep(one.changed, max(pause_s, SHORTEST_SLEEP_S))

    async def _act(self, one: Candidacy) -> float:
        """Do what is to be done about a Lease now; return seconds until there may be more."""
        if one.unsure or one.sighting is None:
            lease = await self._ask(self._store.read(one.name))
            one.see(lease, self._clock.monotonic())
        assert one.sighting is not None  # noqa: S101 - just seen
        now = self._clock.monotonic()
        standing = Standing(
            me=self.me,
            wanted=self._wanted(one.shard),
            believes=self._leadership.holds(one.shard),
            asked_at=one.asked_at,
        )
        match decide(standing, one.sighting, now, self._terms):
            case Wait(until=until):
                return max(0.0, until - now)
            case Acquire() | Renew():
                await self._hold(one)
            case GiveUp():
                await self._free(one)
            case StepDown():
                self._leadership.stop(one.shard)
        return 0.0

    async def _hold(self, one: Candidacy) -> None:
        """Write the Lease as ours; believe from before it was asked for."""
        asked_at, wall = self._clock.monotonic(), self._clock.wall()
        old = one.lease or Lease(name=one.name)
        others = old.holder != self.me
        mine = replace(
            old,
            holder=self.me,
            duration_s=self._terms.duration_s,
            renewed_at=wall,
            acquired_at=wall if others else old.acquired_at,
            transitions=old.transitions + bool(others and old.resource_version),
        )
        if await self._write(one, mine):
            one.asked_at = asked_at
            self._tell(one)  # the belief may have ended unseen: what was held back since is due
            self._leadership.believe(one.shard, asked_at + self._terms.belief_s)

    async def _free(self, one: Candidacy) -> None:
        """Stop leading, let what is under way end, and write the Lease free."""
        self._leadership.stop(one.shard)
        self._tell(one, logging.INFO)
        if one.asked_at is None:
            return  # not ours
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._hooks.drained(one.shard)
        for _ in range(2):  # once more when the answer to a renewal of ours was lost
            lease = one.lease
            if lease is None or lease.holder != self.me:
                break
            if await self._write(one, replace(lease, holder="", duration_s=1.0)):
                break
            one.see(await self._ask(self._store.read(one.name)), self._clock.monotonic())
        one.asked_at = None

    async def _write(self, one: Candidacy, lease: Lease) -> bool:
        one.unsure = True  # until the answer is here
        written = await self._ask(self._store.write(lease))
        if written is None:
            return False  # somebody else was first
        one.see(written, self._clock.monotonic())
        return True

    async def _ask(self, request: Awaitable[T]) -> T:
        async with asyncio.timeout(REQUEST_S):
            return await request

    def _tell(self, one: Candidacy, loss: int = logging.WARNING) -> None:
        """Log and tell when we lead or do not lead any more, a loss at level `loss`."""
        leads = self._leadership.holds(one.shard)
        if leads == one.leads:
            return
        one.leads = leads
        if leads:
            _log.info("leads %s as %s", one.name, self.me)
            self._hooks.taken(one.shard)
        else:
            _log.log(loss, "leads %s no more", one.name)

    def _troubled(self, one: Candidacy, why: str) -> None:
        if one.trouble != why:
            _log.warning("%s", why)
        one.trouble = why

    # All of them

    def _changed(self, *changed: Candidacy) -> None:
        """Wake those whose Lease changed, and all when they are shared out."""
        for one in self.candidacies if self._shared else changed:
            one.changed.set()
        if self._shared and (news := self._leadership.warm(self._sharing.warm(self._held()))):
            self._hooks.warmed(news)

    def _held(self) -> dict[int, str]:
        return {
            one.shard: one.lease.holder
            for one in self.candidacies
            if one.lease and one.lease.holder
        }

    def _wanted(self, shard: int) -> bool:
        return not self._shared or shard in self._sharing.wanted(self._held())

    async def _meet(self) -> None:
        """Announce ourselves and see who is there, before anything is claimed."""
        try:
            await self._ask(self._store.announce(self._sharing.next_beats()))
            everybody = await self._ask(self._store.read(REPLICAS))
            self.observe(REPLICAS, everybody)
        except (ClusterError, TimeoutError) as error:
            _log.warning("%s", _why(error))

    async def _beat(self) -> None:
        """Announce ourselves for ever, and notice who stopped to."""
        seen = self._sharing.replicas()
        while True:
            await asyncio.sleep(self._terms.renew_every_s)
            with suppress(ClusterError, TimeoutError):  # those about Leases tell the same trouble
                await self._ask(self._store.announce(self._sharing.next_beats()))
            if (now := self._sharing.replicas()) != seen:
                seen = now
                self._changed(*self.candidacies)


async def _sleep(changed: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await changed.wait()


def _is_old(lease: Lease | None, known: Lease | None) -> bool:
    """Return whether a watch tells what we knew before our last read or write.

    Versions can be compared as numbers since Kubernetes 1.35 (KEP-5504).
    """
    if lease is None or known is None:
        return False
    told, had = lease.resource_version, known.resource_version
    return told.isdecimal() and had.isdecimal() and int(told) < int(had)


def _why(error: ClusterError | TimeoutError) -> str:
    if isinstance(error, ClusterError):
        return str(error)
    return f"no answer about Leases within {REQUEST_S:g} s"
