"""Builds of the operator that do not survive a death, which the kill suite must turn red."""

from __future__ import annotations

from collections.abc import Iterable

from faults.kills.campaign import Fate
from faults.known_bad import Build, Change

# `faults` names the scenes that show it; `breaks` is of these words.
WORDS = ("wrong", "lost", "doubled", "differs")
BUILDS = (
    Build(
        name="told once, and never again",
        changes=(
            Change(
                file="app/passes.py",
                old="            self._sinks.events.retell(retold(check, now))\n",
                new="            pass\n",
            ),
        ),
        faults=("rotation to a bad token",),
        breaks=("lost",),
    ),
    Build(
        name="an Event before the status",
        changes=(
            Change(
                file="publish/publish.py",
                old="    written = check\n    if outcome.changed:\n",
                new="    written = check\n"
                "    import asyncio\n"
                "    for event in outcome.events:\n"
                "        sinks.events.emit(event)\n"
                "    await asyncio.sleep(0.5)\n"
                "    if outcome.changed:\n",
            ),
            Change(
                file="publish/publish.py",
                old="        if end is not Published.DONE:\n"
                "            return end, check\n"
                "    for event in outcome.events:\n"
                "        sinks.events.emit(event)\n",
                new="        if end is not Published.DONE:\n            return end, check\n",
            ),
        ),
        faults=("rotation to a bad token",),
        breaks=("doubled",),
    ),
    Build(
        name="an Event under a name of chance",
        changes=(
            Change(
                file="clients/kube/events.py",
                old="    digest = _digest(event.uid, event.type, event.reason,"
                " event.about or _timeless(event.note))\n",
                new="    digest = __import__('secrets').token_hex(8)\n",
            ),
        ),
        faults=("rotation to a bad token",),
        breaks=("doubled",),
    ),
    Build(
        name="a baseline in memory only",
        changes=(
            Change(
                file="gather/held.py",
                old='        baseline=baseline_of_status(stored.get("baseline"), subject),\n'
                "        drift_accepted",
                new="        baseline=baseline_of_status("
                'remembered and stored.get("baseline"), subject),\n'
                "        drift_accepted",
            ),
        ),
        faults=("drift",),
        breaks=("wrong",),
    ),
    Build(
        name="removes only what it has seen wanted",
        changes=(
            Change(
                file="passes/spread.py",
                old="        planned = {step.place for step in steps}\n",
                new="        seen = self.__dict__.setdefault('seen', set())\n"
                "        steps = [s for s in steps if hasattr(s, 'spec') or hasattr(s, 'manifest')"
                " or s.place in seen]\n"
                "        seen |= {at for plan in plans.values() for at in plan.tally.checked}\n"
                "        planned = {step.place for step in steps}\n",
            ),
        ),
        faults=("workload deleted",),
        breaks=("wrong", "differs"),
    ),
    Build(
        name="trusts only what it made itself",
        changes=(
            Change(
                file="passes/spread.py",
                old="        planned = {step.place for step in steps}\n",
                new="        from tokencheck.model.estate import Remove\n"
                "        seen = self.__dict__.setdefault('seen', set())\n"
                "        seen |= {s.place for s in steps if hasattr(s, 'manifest')}\n"
                "        there = [at for plan in plans.values() for at in plan.tally.checked]\n"
                "        steps += [Remove(place=at, standing=estate.checks[at])"
                " for at in there if at not in seen]\n"
                "        planned = {step.place for step in steps}\n",
            ),
        ),
        faults=("another template",),
        breaks=("doubled",),
    ),
)


def broken(fates: Iterable[Fate]) -> list[str]:
    """Which of the words are true of these deaths."""
    return [word for word in WORDS if any(getattr(fate, word) for fate in fates)]
