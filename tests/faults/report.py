"""The figures of a run, as a table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import ceil

from faults.estates import MAKER
from faults.excuses import Excuses
from faults.history import History, Written
from faults.invariants import Breach
from faults.run import Episode, Result

WRONG = ("S1", "S2", "S3")
MISSED = ("S4", "L1", "L2")
MAX_BREACHES = 20
AROUND_S = 40.0
STORIES = 3  # of an invariant's breaches that are told in full


def table_of(result: Result) -> str:
    """Faults of each class and its convergence alone, then what was wrong, and the bound."""
    faults: Counter[str] = Counter()
    alone: dict[str, list[Episode]] = defaultdict(list)
    for episode in result.episodes:
        faults.update(dict(episode.classes))
        if len(episode.classes) == 1:
            alone[episode.classes[0][0]].append(episode)
    together = [one for one in result.episodes if len(one.classes) > 1]
    lines = [
        f"{'class of faults':<36}{'faults':>8}{'bursts':>8}{'p50 s':>8}{'p99 s':>8}{'max s':>8}"
    ]
    lines += [_row(name, count, alone[name]) for name, count in sorted(faults.items())]
    if together:
        lines.append(_row("several at once", sum(one.faults for one in together), together))
    lines.append(_row("all", result.faults, result.episodes))
    return "\n".join([*lines, "", *_verdict(result)])


def _row(name: str, faults: int, bursts: Sequence[Episode]) -> str:
    """Of bursts of the class alone; those of several at once have a row of their own."""
    times = sorted(one.converged_s for one in bursts if one.converged_s is not None)
    lost = len(bursts) - len(times)
    figures = (
        "".join(f"{times[ceil(len(times) * share) - 1]:8.2f}" for share in (0.5, 0.99, 1.0))
        if times
        else f"{'-':>8}{'-':>8}{'-':>8}"
    )
    ending = f"  {lost} did not converge" if lost else ""
    return f"{name:<36}{faults:>8}{len(bursts):>8}{figures}{ending}"


def _verdict(result: Result) -> list[str]:
    wrong = sum(b.invariant in WRONG for b in result.breaches)
    missed = sum(b.invariant in MISSED for b in result.breaches)
    others = len(result.breaches) - wrong - missed
    faults = result.faults
    lines = [
        f"seed {result.seed}; {result.lasted_s:.0f} s; {faults} faults"
        f" ({faults / max(result.lasted_s, 1):.1f} a second); {result.changes} changes of the"
        f" world; {result.statuses} statuses, {result.verdicts} of them verdicts",
        f"wrong verdicts {wrong}; missed or late changes {missed}; other breaches {others};"
        f" leaks {len(result.leaks)}{_names(result.breaches)}",
        f"{result.judged['changes']} changes of a verdict and {result.judged['drifts']} drifts"
        " stood long enough to be one transition and an Event, and were looked at for that",
        f"{result.made} TokenChecks were made for ClusterTokenChecks",
    ]
    if result.patience > 1:
        lines.append(
            f"the machine was busy: bounds of time were {result.patience:.1f} times as long"
        )
    if not result.breaches and not result.leaks and faults:
        lines.append(
            f"0 of {faults}: below {3 / faults:.1e} a fault with 95 % confidence (rule of three)"
        )
    lines += [f"  {breach}" for breach in result.breaches[:MAX_BREACHES]]
    if len(result.breaches) > MAX_BREACHES:
        lines.append(f"  and {len(result.breaches) - MAX_BREACHES} more")
    return lines + [f"  P1 {leak}" for leak in result.leaks[:MAX_BREACHES]]


def _names(breaches: Sequence[Breach]) -> str:
    counts = Counter(one.invariant for one in breaches)
    return "".join(f"; {name}: {count}" for name, count in sorted(counts.items()))


def stories_of(history: History, excuses: Excuses, breaches: Sequence[Breach]) -> list[str]:
    """The first breaches of each invariant, each with what happened around it."""
    seen: Counter[str] = Counter()
    lines = []
    for one in breaches:
        seen[one.invariant] += 1
        if seen[one.invariant] <= STORIES:
            lines += [str(one), *_story_of(history, excuses, one)]
    return lines


def _story_of(history: History, excuses: Excuses, breach: Breach) -> list[str]:
    """What happened to a check around a breach, in the order of time."""
    start, end = breach.at - AROUND_S, breach.at + AROUND_S
    if breach.invariant.startswith("C"):
        return _story_of_made(history, excuses, breach)
    lives = [one for one in history.all_lives() if one.place[1] == breach.check]
    told = [
        (w.start, f"fault {w.name} until {w.end - breach.at:+.2f}")
        for w in excuses.within(start, end)
    ]
    for life in lives:
        told += [(w.at, _written(w)) for w in life.versions]
        told += [
            (e.at, f"event {e.version} {e.reason}: {e.note}") for e in history.events(life.uid)
        ]
    for one in history.secret_versions(lives[0].place, breach.check):
        told.append((one.at, f"Secret {one.version}{'' if one.data else ' is gone'}"))
    return [
        f"    {at - breach.at:+8.2f} s {what}" for at, what in sorted(told) if start <= at <= end
    ]


def _story_of_made(history: History, excuses: Excuses, breach: Breach) -> list[str]:
    """What happened in the namespace, and to the ClusterTokenChecks, around a breach."""
    start, end = breach.at - AROUND_S, breach.at + AROUND_S
    space = breach.check.partition("/")[0]
    told = [
        (one.at, f"{one.kind} {'/'.join(one.place)}: {one.value or 'is gone'}")
        for one in history.estate.all_changes()
        if start <= one.at <= end
        and (one.place[0] == space or one.place == ("", space) or one.kind == MAKER)
    ]
    told += [(w.start, f"fault {w.name}") for w in excuses.within(start, end)]
    return [f"    {at - breach.at:+8.2f} s {what}" for at, what in sorted(told)]


def _written(write: Written) -> str:
    ready = write.conditions.get("Ready")
    return (
        f"TokenCheck {write.version} of {write.uid[:8]} generation {write.generation}:"
        f" {write.observed}, Secret {write.bound}, {' '.join(write.ready)}"
        f" since {ready.since if ready else '-'}, {' '.join(sorted(write.conditions))},"
        f" baseline {write.baseline}"
    )
