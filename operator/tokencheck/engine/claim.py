"""Whether to take, keep, await or give up a Lease. Pure.

A Lease is free when its holder has not changed it for the duration that it says, counted from when
*we* saw it change, by our own clock that only grows: the times inside a Lease were written by
another machine's clock and decide nothing. The holder counts from before it asked for the renewal,
and stops believing `duration_s - belief_s` earlier than anybody can take the Lease: two never
believe at once, whatever their wall clocks say and however long an answer takes.

Source: client-go's leaderelection observes in the same way (`observedTime`); its holder keeps
believing until the process ends, which ours does not need to.
"""

from dataclasses import dataclass
from typing import TypeAlias

from tokencheck.model.lease import Lease

LONGEST_DURATION_S = 60.0  # what a Lease says is not taken as a promise for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The times of an election, in seconds; ``renew_every_s < belief_s < duration_s``.

    Args:
        duration_s: how long a Lease that is not renewed stays its holder's. A crash is taken over
            after it, so it is what the promise "below 6 s" leaves after everybody was told.
        belief_s: how long a holder believes after it began to ask for a renewal. What is left to
            `duration_s` covers clocks of different speed and a write that is already under way.
        renew_every_s: leaves room for a renewal that gets no answer and one more.
    """

    duration_s: float = 5.0
    belief_s: float = 4.0
    renew_every_s: float = 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was last seen of a Lease.

    Args:
        lease: None when there is none.
        since: monotonic seconds when this content was first seen.
        vanished: whether there was one before: its holder may still believe.
    """

    lease: Lease | None
    since: float
    vanished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who we are and what we hold to be true.

    Args:
        me: our identity, of no other process before or after.
        wanted: whether we shall have this Lease.
        believes: whether we act as its holder now.
        asked_at: monotonic seconds when the last renewal that succeeded was asked for; None before
            the first.
    """

    me: str
    wanted: bool = True
    believes: bool = False
    asked_at: float | None = None


@dataclass(frozen=True, slots=True)
class Acquire:
    """Write it with our name now."""


@dataclass(frozen=True, slots=True)
class Renew:
    """Write it again now."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It is ours and shall be another's: finish what is under way, then write it free."""


@dataclass(frozen=True, slots=True)
class StepDown:
    """It is another's already: stop believing at once."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until` (monotonic seconds), or before the Lease is seen to change."""

    until: float


Decision: TypeAlias = Acquire | Renew | GiveUp | StepDown | Wait


def decide(standing: Standing, sighting: Sighting, now: float, terms: Terms) -> Decision:
    """Return what to do about one Lease.

    Args:
        standing: ours.
        sighting: what was last seen of it.
        now: monotonic seconds, of the clock of `sighting`.
        terms: the times of the election.
    """
    lease = sighting.lease
    if lease is not None and lease.holder == standing.me:
        return _holding(standing, now, terms)
    if standing.believes and lease is not None:
        return StepDown()
    free_at = _free_at(standing, sighting, terms)
    if not standing.wanted:
        return Wait(now + terms.duration_s)
    return Acquire() if now >= free_at else Wait(free_at)


def _holding(standing: Standing, now: float, terms: Terms) -> Decision:
    if not standing.wanted:
        return GiveUp()
    if not standing.believes or standing.asked_at is None:
        return Renew()  # the answer to our last write was lost, or we were frozen
    due = standing.asked_at + terms.renew_every_s
    return Renew() if now >= due else Wait(due)


def _free_at(standing: Standing, sighting: Sighting, terms: Terms) -> float:
    """Return when somebody else's Lease may be taken."""
    lease = sighting.lease
    if lease is None:  # who held it until it was deleted may take it back at once, others wait
        waits = sighting.vanished and not standing.believes
        return sighting.since + (terms.duration_s if waits else 0.0)
    if not lease.holder:
        return sighting.since
    return sighting.since + _duration_s(lease, terms)


def _duration_s(lease: Lease, terms: Terms) -> float:
    said = lease.duration_s
    return min(said, LONGEST_DURATION_S) if said > 0 else terms.duration_s
