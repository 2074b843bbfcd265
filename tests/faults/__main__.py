"""``python -m faults``: the long form, and the known-bad builds."""

from __future__ import annotations

import itertools
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from faults.catalogue import catalogue
from faults.fault import Fault, Idle
from faults.known_bad import BUILDS, Build
from faults.report import stories_of, table_of
from faults.run import Plan, Result, Run, broken
from faults.schedule import Round, Schedule

# A bad build has to show itself within so many bursts, and so many changes of the world.
BURSTS = 12
CHANGES = 1800
BURST_S = 4.0
NO_FAULT = Idle(name="no fault")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--minutes", default=60.0, help="How long faults strike.")
@click.option("--seed", type=int, help="Which run; a new one by default. It is printed.")
@click.option("--checks", default=120, help="TokenChecks of the world.")
@click.option("--rate", "per_second", default=30.0, help="Changes of the world a second.")
@click.option("--replicas", default=1, help="Operators; several elect who writes.")
@click.option("--only", multiple=True, help="Only classes (or bad builds) with this in their name.")
@click.option("--list", "listing", is_flag=True, help="Name the classes and end.")
@click.option("--known-bad", is_flag=True, help="Builds that lack a guard: each must turn red.")
def main(
    *, listing: bool, known_bad: bool, minutes: float, only: tuple[str, ...], **plan: float
) -> None:
    """Faults of every class strike at random; ends with a table, and with 1 if anything broke."""
    if listing:
        print("\n".join(fault.name for fault in catalogue("")))
        return
    plan["seed"] = random.randrange(10**6) if plan["seed"] is None else plan["seed"]
    print(f"seed {plan['seed']}", flush=True)
    if known_bad:
        sys.exit(_known_bad(Plan(**plan), only))  # type: ignore[arg-type]  # of click's own types
    if not striking("", only, elected=plan["replicas"] > 1):
        raise click.UsageError("no class has this in its name, or it needs --replicas 2: --list")
    with tempfile.TemporaryDirectory() as folder, Run(Path(folder), Plan(**plan)) as run:  # type: ignore[arg-type]
        faults = striking(run.leaks.answer, only, elected=plan["replicas"] > 1)
        until = time.monotonic() + minutes * 60
        for one in Schedule(faults, run.result.seed, slow=True):
            if time.monotonic() > until:
                break
            told(run, one)
        result = run.finish()
    print(table_of(result))
    print("\n".join(stories_of(run.history, run.excuses, result.breaches)))
    sys.exit(bool(result.breaches or result.leaks))


def striking(canary: str, only: Sequence[str], *, elected: bool) -> list[Fault]:
    """The classes of a run; those of an election only where there is one."""
    named = [one for one in catalogue(canary) if _chosen(one.name, only)]
    return [one for one in named if elected or not one.elected]


def _chosen(name: str, words: Sequence[str]) -> bool:
    return not words or any(word in name for word in words)


def told(run: Run, one: Round) -> None:
    """A round strikes, and a line says what it was."""
    episode = run.strike(*one.faults, lasts_s=one.lasts_s)
    took = "no end" if episode.converged_s is None else f"{episode.converged_s:.2f} s"
    struck = " + ".join(f"{count} {name}" for name, count in episode.classes)
    print(f"{run.result.faults:>7}  {struck}; right again after {took}", flush=True)


def _known_bad(plan: Plan, only: Sequence[str]) -> int:
    """Run each bad build until it is seen; returns how many were not."""
    missed = 0
    print(f"{'build without':<38}{'expected':<12}{'seen':<16}{'faults':>7}{'seconds':>9}")
    for build in [one for one in BUILDS if _chosen(one.name, only)]:
        began = time.monotonic()
        result = run_build(build, plan)
        seen = broken(result)
        red = bool(set(seen) & set(build.breaks))
        missed += not red
        verdict = " ".join(seen) if red else f"NOT SEEN {' '.join(seen)}"
        row = f"{build.name:<38}{' '.join(build.breaks):<12}{verdict:<16}{result.faults:>7}"
        print(f"{row}{time.monotonic() - began:>9.0f}", flush=True)
    return missed


def run_build(build: Build, plan: Plan) -> Result:
    """What the suite says of one bad build; it ends as soon as that is enough.

    What may come late is only late at the end, when the world has rested for long.
    """
    with tempfile.TemporaryDirectory() as folder:
        program = {"PYTHONPATH": str(build.make(Path(folder)))}
        replicas = max(plan.replicas, build.replicas)
        with Run(Path(folder), replace(plan, program=program, replicas=replicas)) as run:
            faults = [f for f in catalogue(run.leaks.answer) if f.name in build.faults]
            for fault in itertools.cycle(faults or [NO_FAULT]):
                run.strike(fault, lasts_s=BURST_S)
                if set(run.broken()) & set(build.breaks):
                    return run.result
                if len(run.result.episodes) >= BURSTS and run.world.steps >= CHANGES:
                    break
            return run.finish()


if __name__ == "__main__":
    main()
