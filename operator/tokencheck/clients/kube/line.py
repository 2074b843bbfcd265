"""Whose request goes next: a pure line, without clock and loop.

Three bounds are kept: requests a second, requests at a time, and what the server asked for with
Retry-After. The more urgent goes first; what is less urgent never takes the last places; one turn
in eight is that of whoever waits longest, so that nobody starves.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from tokencheck.clients.kube.urgency import Urgency

# The share of places that this kind and all less urgent ones may take together.
# Lists get a quarter: with 32 connections eight, which fill 1 Gbit/s; see docs/adr/0017.
_SHARES = {
    Urgency.LEASE: 1.0,
    Urgency.WRITE: 0.95,
    Urgency.READ: 0.75,
    Urgency.EVENT: 0.5,
    Urgency.LIST: 0.25,
}
_PATIENT_TURN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the line keeps to.

    Args:
        per_second: requests, on average. burst: at once.
        places: requests under way.
    """

    per_second: float
    burst: int
    places: int


@dataclass(slots=True, eq=False)
class Ticket:
    """One request that waits; `admitted` once it may go."""

    urgency: Urgency
    number: int
    admitted: bool = False


@dataclass(slots=True)
class _Kind:
    """What is known of one kind of requests."""

    may_take: int  # places, with all less urgent kinds
    waiting: deque[Ticket] = field(default_factory=deque)
    busy: int = 0
    held_until: float = 0.0


class Line:
    """All requests of one process. Times are monotonic seconds that the caller hands in."""

    def __init__(self, bounds: Bounds, now: float) -> None:
        """Let a whole burst go at once."""
        self._bounds = bounds
        self._left = float(bounds.burst)
        self._at = now
        self._numbers = count()
        self._turns = 0
        self._kinds = {
            urgency: _Kind(may_take=max(1, int(bounds.places * share)))
            for urgency, share in _SHARES.items()
        }

    def enter(self, urgency: Urgency) -> Ticket:
        """Take a place at the end of the line; ask `admit` then."""
        ticket = Ticket(urgency, next(self._numbers))
        self._kinds[urgency].waiting.append(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give back what an admitted one took, or step out of the line."""
        kind = self._kinds[ticket.urgency]
        if ticket.admitted:
            kind.busy -= 1
        else:
            kind.waiting.remove(ticket)

    def hold(self, urgency: Urgency, until: float) -> None:
        """Let none of this kind go before then; an earlier end never shortens a later one."""
        kind = self._kinds[urgency]
        kind.held_until = max(kind.held_until, until)

    def held_until(self, urgency: Urgency) -> float:
        """Return until when none of this kind may go, a moment of the past when it may."""
        return self._kinds[urgency].held_until

    def admit(self, now: float) -> Iterator[Ticket]:
        """Yield each ticket that may go now."""
        self._fill(now)
        while (ticket := self._first(now)) is not None:
            kind = self._kinds[ticket.urgency]
            kind.waiting.popleft()
            kind.busy += 1
            ticket.admitted = True
            self._left -= 1
            self._turns += 1
            yield ticket

    def next_at(self, now: float) -> float | None:
        """Return when `admit` may let somebody go although nobody left; None: only then."""
        moments = [
            max(kind.held_until, now + max(0.0, (1 - self._left) / self._bounds.per_second))
            for urgency, kind in self._kinds.items()
            if kind.waiting and self._has_place(urgency)
        ]
        return min(moments, default=None)

    def _first(self, now: float) -> Ticket | None:
        if self._left < 1:
            return None
        able = [
            kind
            for urgency, kind in self._kinds.items()
            if kind.waiting and kind.held_until <= now and self._has_place(urgency)
        ]
        if self._turns % _PATIENT_TURN == _PATIENT_TURN - 1:
            return min((kind.waiting[0] for kind in able), key=lambda t: t.number, default=None)
        return able[0].waiting[0] if able else None

    def _has_place(self, urgency: Urgency) -> bool:
        """Return whether one more fits, for this kind and for all more urgent ones."""
        busy = 0
        for other in reversed(Urgency):
            kind = self._kinds[other]
            busy += kind.busy
            if other <= urgency and busy >= kind.may_take:
                return False
        return True

    def _fill(self, now: float) -> None:
        earned = (now - self._at) * self._bounds.per_second
        self._left = min(float(self._bounds.burst), self._left + earned)
        self._at = now
