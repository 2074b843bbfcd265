"""When a fault was at work, and what it may cost: freshness, and never the truth."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cost:
    """What a class of faults may cost.

    Args:
        fresh_s: seconds after the fault's end in which a change may still be unseen.
        late_s: seconds by which a pass may write later than it read.
        ahead_s: seconds by which the operator's clock may be ahead, or was a moment ago.
        unknown: whether Ready may be Unknown because something cannot be read.
        untold: whether an Event may be lost: it is said after the status, and nobody keeps it.
    """

    fresh_s: float = 0.0
    late_s: float = 0.0
    ahead_s: float = 0.0
    unknown: bool = False
    untold: bool = False


def cost_of(costs: Iterable[Cost]) -> Cost:
    """What faults may cost that strike at the same time: the most of each.

    Of those that make a pass late, two: its read meets one of them, and its write another.
    """
    many = tuple(costs)
    return Cost(
        fresh_s=max(one.fresh_s for one in many),
        late_s=sum(sorted(one.late_s for one in many)[-2:]),
        ahead_s=max(one.ahead_s for one in many),
        unknown=any(one.unknown for one in many),
        untold=any(one.untold for one in many),
    )


@dataclass(slots=True)
class Window:
    """One fault or one burst of faults of a class, from its begin to its end."""

    name: str
    cost: Cost
    start: float
    end: float = float("inf")
    faults: int = 0


@dataclass
class Bounds:
    """What is promised when nothing fails, in seconds; generous, as the machine may be shared.

    Args:
        fresh_s: from a change to a status that knows it.
        late_s: from a pass's read to its write.
        read_s: for how long a Secret's version may have been replaced when a status names it.
    """

    fresh_s: float = 10.0
    late_s: float = 8.0
    read_s: float = 15.0

    def on_a_busy_machine(self, patience: float) -> Bounds:
        """The same, each so many times as long."""
        return Bounds(self.fresh_s * patience, self.late_s * patience, self.read_s * patience)


@dataclass
class Excuses:
    """All windows of a run, and the bounds that they stretch."""

    bounds: Bounds = field(default_factory=Bounds)
    windows: list[Window] = field(default_factory=list)
    _starts: list[float] = field(default_factory=list)
    _longest_s: float = 0.0

    def open(self, name: str, cost: Cost, at: float) -> Window:
        """A fault of this class is at work from now on."""
        window = Window(name, cost, at)
        self.windows.append(window)
        self._starts.append(at)
        self._longest_s = float("inf")
        return window

    def close(self, window: Window, at: float) -> None:
        """The fault has ended."""
        window.end = at
        self._longest_s = max((one.end - one.start for one in self.windows), default=0.0)

    def within(self, start: float, end: float) -> Iterator[Window]:
        """The windows that touch a span, in the order of their beginnings."""
        first = bisect_right(self._starts, start - self._longest_s)
        last = bisect_right(self._starts, end)
        return (one for one in self.windows[first:last] if one.end >= start)

    def due(self, since: float) -> float:
        """The moment at which what changed at ``since`` has to be known."""
        due = since + self.bounds.fresh_s
        # Each window that opens before the time is over moves the end.
        for window in self.within(since, float("inf")):
            if window.start > due:
                break
            due = max(due, window.end + window.cost.fresh_s + self.bounds.fresh_s)
        return due

    def late_s(self, at: float) -> float:
        """By how much a write at this moment may come after the read that it rests on."""
        near = self.within(at - self.bounds.read_s, at)
        return self.bounds.late_s + max((one.cost.late_s for one in near), default=0.0)

    def read_s(self, at: float) -> float:
        """For how long the Secret's version of a write at this moment may have been replaced."""
        near = self.within(at - self.bounds.read_s, at)
        return self.bounds.read_s + max((one.cost.late_s for one in near), default=0.0)

    def ahead_s(self, at: float) -> float:
        """How far a write at this moment may look ahead of the true time."""
        near = self.within(at - self.late_s(at), at)
        return max((one.cost.ahead_s for one in near), default=0.0)

    def repeated(self, start: float, end: float) -> bool:
        """Whether a verdict may come, go and come again: a read failed, or a clock went back."""
        near = self.within(start - self.bounds.read_s, end)
        return any(one.cost.unknown or one.cost.ahead_s for one in near)

    def unknown(self, at: float) -> bool:
        """Whether Ready may be Unknown at a moment because a read failed."""
        near = self.within(at - self.bounds.read_s, at)
        return any(one.cost.unknown for one in near)

    def untold(self, start: float, end: float) -> bool:
        """Whether an Event of this span may have been lost."""
        return any(one.cost.untold for one in self.within(start, end))
