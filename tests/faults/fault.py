"""The seam: what a class of faults is, and where it strikes.

A class has a name, a cost and three acts. ``begin`` starts it, ``strike`` is called again and again
while it lasts and returns how many faults it made, ``end`` heals it. What the road counts by itself
(requests and events that met their fate) is added. ``SITE`` has everything that can be broken.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cluster.clockshim import ShiftedClock
from cluster.replicas import leads
from controlplane import ControlPlane, OperatorProcess
from faults.excuses import Cost
from faults.proxy import Road


class OnRoad(Protocol):
    """Runs something in the loop of the road and returns its result."""

    def __call__(self, act: Callable[[Road], object]) -> object:
        """What ``act`` returns."""


@dataclass(slots=True, kw_only=True)
class Site:
    """What can be broken.

    Args:
        operators: one, or replicas that elect who writes.
        clock: of all of them; None where it cannot be set.
        mortal: operators that may end by themselves, each until a time of ``time.monotonic()``.
        rest: the world stands still until the burst is over.
        refill: checks that are gone are made again.
        unseen: nothing is recorded any more.
        rewound: what is there now is read afresh and recorded, the past does not count.
    """

    plane: ControlPlane
    do: OnRoad
    operators: tuple[OperatorProcess, ...]
    rest: Callable[[], None]
    refill: Callable[[], None]
    unseen: Callable[[], None]
    rewound: Callable[[], None]
    clock: ShiftedClock | None = None
    mortal: dict[OperatorProcess, float] = field(default_factory=dict)

    @property
    def leader(self) -> OperatorProcess:
        """The one that writes now; the first one while nobody says so."""
        return next(filter(leads, self.operators), self.operators[0])

    def revive(self) -> None:
        """What ended for want of memory, and may have, runs again: a kubelet would start it."""
        for one, until in self.mortal.items():
            code = one.server.exit_code
            due = code is not None and time.monotonic() < until
            if due and (code == -signal.SIGKILL or "MemoryError" in one.log_text()):
                one.stop()
                one.start(timeout_s=300)


class Fault(Protocol):
    """A class of faults.

    Args:
        name: as the table shows it.
        cost: what it may cost.
        lasts_s: how long one burst of it lasts.
        weight: how often it is chosen, beside the others.
        slow: whether it takes half a minute and more until all is right again.
        elected: whether it is one of operators that elect who writes, and of no other.
    """

    name: str
    cost: Cost
    lasts_s: float
    weight: float
    slow: bool
    elected: bool

    def begin(self, site: Site, chance: random.Random) -> int:
        """It is at work; returns how many faults that made."""

    def strike(self, site: Site, chance: random.Random) -> int:
        """Once more; returns how many faults that made."""

    def end(self, site: Site) -> int:
        """It is healed; returns how many faults that made."""


@dataclass(kw_only=True)
class Idle:
    """A fault that does nothing: the ground of all others."""

    name: str
    cost: Cost = field(default_factory=Cost)
    lasts_s: float = 1.0
    weight: float = 1.0
    slow: bool = False
    elected: bool = False

    def begin(self, site: Site, chance: random.Random) -> int:
        """Nothing."""
        return 0

    def strike(self, site: Site, chance: random.Random) -> int:
        """Nothing."""
        return 0

    def end(self, site: Site) -> int:
        """Nothing."""
        return 0
