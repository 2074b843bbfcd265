"""The figures of a campaign, for people."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

from faults.kills.campaign import Fate

_COLUMNS = "{:32} {:>6} {:>6} {:>6} {:>6} {:>8} {:>6} {:>7} {:>7} {:>7} {:>7}"
_TITLES = (
    "scenario",
    "calls",
    "kills",
    "missed",
    "wrong",
    "doubled",
    "lost",
    "differs",
    "p50",
    "p99",
    "max",
)


def table(fates: Sequence[Fate]) -> str:
    """A line for each scenario and one for all."""
    lines = [_COLUMNS.format(*_TITLES)]
    names = dict.fromkeys(fate.scenario for fate in fates)
    lines += [_line(name, [f for f in fates if f.scenario == name]) for name in names]
    return "\n".join([*lines, _line("all", fates), *_bound(fates)])


def unsound(fates: Iterable[Fate]) -> str:
    """What is wrong, with where each operator died; empty when nothing is."""
    return "\n".join(
        f"{fate.scenario}, killed {fate.death}: wrong {fate.wrong}, doubled {fate.doubled},"
        f" lost {fate.lost}, differs {fate.differs}"
        for fate in fates
        if not fate.sound
    )


def _line(name: str, fates: Sequence[Fate]) -> str:
    took = sorted(f.settled_s for f in fates if f.settled_s is not None and not f.missed)
    times = (
        (statistics.median(took), took[math.ceil(0.99 * len(took)) - 1], took[-1]) if took else ()
    )
    return _COLUMNS.format(
        name,
        len({(fate.scenario, fate.death.call) for fate in fates}),
        sum(not fate.missed for fate in fates),
        sum(fate.missed for fate in fates),
        sum(len(fate.wrong) for fate in fates),
        sum(len(fate.doubled) for fate in fates),
        sum(len(fate.lost) for fate in fates),
        sum(bool(fate.differs) for fate in fates),
        *(f"{value:.2f} s" for value in times or (0.0, 0.0, 0.0)),
    )


def _bound(fates: Sequence[Fate]) -> list[str]:
    """Nothing seen in n tries bounds the rate by 3/n at 95 %: the rule of three."""
    kills = sum(not fate.missed for fate in fates)
    if not kills or not all(fate.sound for fate in fates):
        return []
    return [f"0 in {kills} kills: below {3 / kills:.1%} at 95 % confidence, by the rule of three"]
