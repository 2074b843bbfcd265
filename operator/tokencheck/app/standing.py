"""Compares with what ships the policies that stand in the cluster, whenever a watch tells of one.

Without the right to watch, and while a watch is cut, they are compared again and again.
"""

import asyncio
import time
from contextlib import suppress

from tokencheck.clients.kube.admission import Installed, read_guard, read_installed
from tokencheck.clients.kube.policy_watch import PolicyWatch
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.rights.guards import Installation
from tokencheck.model.admission import REQUESTER_POLICY, Guard
from tokencheck.model.evidence import Absent, Unread

KEPT = 6  # comparisons in a row that may fail before what was found last does not count any more
SETTLE_S = 0.05  # what is changed together is compared once, and twenty times a second at most


class Standing:
    """What is known of the chart's policies; nothing before the first comparison.

    Args:
        transport: reads and watches them.
        stamps: whether authors are reviewed, so that the policies on their names are needed too.
        every_s: seconds between two comparisons while a watch sees; soon_s: while none does.
    """

    def __init__(
        self, transport: Transport, *, stamps: bool, every_s: float, soon_s: float
    ) -> None:
        """Know nothing, and watch nothing."""
        self._transport = transport
        self._stamps = stamps
        self._needed = (Guard.PROVIDER, Guard.STAMP) if stamps else (Guard.PROVIDER,)
        # Whoever could make the policies name another operator could take them away.
        self._installation = Installation(operators=frozenset(), stamps=stamps)
        self._every_s, self._soon_s = every_s, soon_s
        self._changed = asyncio.Event()
        self._watch: PolicyWatch | None = None
        self._watching: asyncio.Task[None] | None = None
        self.forget()

    def forget(self) -> None:
        """Know nothing any more, and watch nothing: this process has no business with it."""
        if self._watching is not None:
            self._watching.cancel()
        self._watch = self._watching = None
        self._due_at = 0.0
        self._failed = 0  # comparisons in a row
        self.installed: Installed | None = None  # that on requesters
        self.guarded: bool | None = None  # whether what its proof rests on is what ships
        self.bypass: bool | None = None  # whether that on break-glass is

    async def compare_when_due(self, within_s: float) -> bool:
        """Return whether they were compared now, having waited so long for a reason to."""
        if self._watch is None:
            self._begin_to_watch()
        if time.monotonic() < self._due_at:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._changed.wait()
        if not self._changed.is_set() and time.monotonic() < self._due_at:
            return False
        await asyncio.sleep(SETTLE_S)
        await self._compare()
        return True

    def _begin_to_watch(self) -> None:
        names = (REQUESTER_POLICY, Guard.BYPASS, *self._needed)
        self._changed.clear()
        self._watch = PolicyWatch(
            self._transport, names, stamps=self._stamps, changed=self._changed.set
        )
        self._watching = asyncio.create_task(self._watch.run(), name="watch policies")

    async def _compare(self) -> None:
        self._changed.clear()  # what changes from here on is compared again
        self.installed = await read_installed(self._transport)
        self.bypass = await self._ships(Guard.BYPASS)
        found = [await self._ships(guard) for guard in self._needed]
        guarded = None if None in found and False not in found else all(found)
        self._failed = self._failed + 1 if guarded is None else 0
        # One read that fails is not the end of every proof: a dry run's lasts as long.
        if guarded is not None or self._failed >= KEPT:
            self.guarded = guarded
        unsure = None in (guarded, self.bypass, self.installed.shipped)
        sees = self._watch is not None and self._watch.sees
        self._due_at = time.monotonic() + (self._every_s if sees and not unsure else self._soon_s)

    async def _ships(self, guard: Guard) -> bool | None:
        found = (await read_guard(self._transport, guard, self._installation)).whole
        unknown = isinstance(found, Unread) and not isinstance(found, Absent)
        return None if unknown else found is True
