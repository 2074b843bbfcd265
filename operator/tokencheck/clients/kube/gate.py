"""Lets requests go in the order of the line, in one event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tokencheck.clients.kube.answers import HeldBackBy
from tokencheck.clients.kube.line import Bounds, Line, Ticket
from tokencheck.clients.kube.urgency import Urgency

_LEASE_HOLD_S = 1.0


class Gate:
    """The one way out for requests; streams only wait for the end of what the server asked.

    Args:
        bounds: of requests.
        waited: told who made a request wait, and for how many seconds.
    """

    def __init__(self, bounds: Bounds, waited: Callable[[HeldBackBy, float], None]) -> None:
        """Stand open."""
        self._loop = asyncio.get_running_loop()
        self._line = Line(bounds, self._loop.time())
        self._waited = waited
        self._waiting: dict[Ticket, asyncio.Future[None]] = {}
        self._alarm: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def passing(self, urgency: Urgency) -> AsyncIterator[None]:
        """Enter when a request of this kind may go; leave when its answer is read."""
        began = self._loop.time()
        ticket = self._line.enter(urgency)
        try:
            self._admit()
            if not ticket.admitted:
                await self._turn_of(ticket)
                self._tell(urgency, began)
            yield
        finally:
            self._waiting.pop(ticket, None)
            self._line.leave(ticket)
            self._admit()

    def hold(self, urgency: Urgency, pause_s: float) -> None:
        """Let none of this kind go for so many seconds.

        A Lease waits for a second at most: who is silent for longer leads no more, and one small
        request in two seconds wears no server out.
        """
        longest_s = _LEASE_HOLD_S if urgency is Urgency.LEASE else pause_s
        self._line.hold(urgency, self._loop.time() + min(pause_s, longest_s))

    def held_s(self, urgency: Urgency) -> float:
        """Return for how many seconds the server still holds this kind back."""
        return max(0.0, self._line.held_until(urgency) - self._loop.time())

    async def open_for(self, urgency: Urgency) -> None:
        """Return when the server does not hold this kind back; nothing is counted or taken."""
        began = self._loop.time()
        while (left_s := self.held_s(urgency)) > 0:  # noqa: ASYNC110 - a time of the server
            await asyncio.sleep(left_s)
        if self._loop.time() > began:
            self._tell(urgency, began)

    async def _turn_of(self, ticket: Ticket) -> None:
        self._waiting[ticket] = turn = self._loop.create_future()
        await turn

    def _tell(self, urgency: Urgency, began: float) -> None:
        """Say for how long it waited: by the server until its time was over, then by us."""
        now = self._loop.time()
        by_server_s = min(max(0.0, self._line.held_until(urgency) - began), now - began)
        self._waited(HeldBackBy.SERVER, by_server_s)
        self._waited(HeldBackBy.CLIENT, now - began - by_server_s)

    def _admit(self) -> None:
        now = self._loop.time()
        for ticket in self._line.admit(now):
            turn = self._waiting.get(ticket)
            if turn is not None and not turn.done():
                turn.set_result(None)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if (at := self._line.next_at(now)) is not None:
            self._alarm = self._loop.call_at(at, self._admit)
