"""Which classes strike when: each alone at first, then many at once, as the seed wants it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from faults.fault import Fault
from faults.onroad import Cuts, OnEvents, OnRequests

VOLLEY_S = 4.0
REQUESTS, EVENTS = 6, 3  # so many classes of each at once
CUTS = 0.25  # of the volleys cut watches too
ALONE = 0.2  # of the rounds, once each class has struck, are of one class


@dataclass(frozen=True, slots=True)
class Round:
    """Faults that strike at the same time, and for how long."""

    faults: tuple[Fault, ...]
    lasts_s: float


class Schedule:
    """Rounds without end. The same seed gives the same ones."""

    def __init__(self, faults: Sequence[Fault], seed: int, *, slow: bool) -> None:
        """Of these classes; those that are slow only when `slow`."""
        self._faults = [one for one in faults if slow or not one.slow]
        self._chance = random.Random(f"schedule {seed}")

    def __iter__(self) -> Iterator[Round]:
        """Each class once, alone; then volleys, and now and then one class alone."""
        for one in self._chance.sample(self._faults, len(self._faults)):
            yield Round((one,), one.lasts_s)
        while True:
            volley = self._volley()
            if len(volley) > 1 and self._chance.random() >= ALONE:
                yield Round(volley, VOLLEY_S)
            else:
                weights = [one.weight for one in self._faults]
                one = self._chance.choices(self._faults, weights)[0]
                yield Round((one,), one.lasts_s)

    def _volley(self) -> tuple[Fault, ...]:
        """Classes that are over within seconds, each at its own place of the road."""
        cuts = self._some(Cuts, 1) if self._chance.random() < CUTS else []
        return (*self._some(OnRequests, REQUESTS), *self._some(OnEvents, EVENTS), *cuts)

    def _some(self, kind: type[Fault], count: int) -> list[Fault]:
        quick = [one for one in self._faults if isinstance(one, kind) and not one.slow]
        return self._chance.sample(quick, min(count, len(quick)))
