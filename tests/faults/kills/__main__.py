"""``make faults-kill``: every scenario, every call, both ways to die; prints figures.

Ends with code 1 when a verdict was wrong, an event doubled or lost, or an end never reached.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from controlplane import ControlPlane, build
from faults.kills.campaign import Campaign, Fate, deaths_at
from faults.kills.known_bad import BUILDS, broken
from faults.kills.report import table, unsound
from faults.kills.scenarios import ALL, Scenario
from faults.known_bad import Build

_CRDS = Path(__file__).parents[3] / "crds"


# All fates are judged once more at the end: no Event may end with its hour before.
KEPT = ("--event-ttl=24h",)


def play(
    campaign: Campaign,
    scenarios: Sequence[Scenario],
    say: Callable[[str], None],
    *,
    every: int = 1,
    first: int = 0,
) -> list[Fate]:
    """Every `every`-th death of these scenarios, counted over all of them from the `first` on."""
    fates: list[Fate] = []
    count = -first
    for scenario in scenarios:
        calls = campaign.calls_of(scenario)
        say(f"{scenario.name}: {len(calls)} calls")
        for death in deaths_at(calls):
            count += 1
            if (count - 1) % every:
                continue
            fates.append(fate := campaign.die(scenario, death))
            took = "missed" if fate.missed else f"{fate.settled_s or -1:.2f} s"
            say(f"  {death}: {took}{'' if fate.sound else ' NOT SOUND ' + unsound([fate])}")
    campaign.judge_again(fates)
    return fates


def show(plane: ControlPlane, folder: Path, bad: Build) -> tuple[list[str], int]:
    """What is broken by a bad build, and after how many deaths that was seen."""
    program = {"PYTHONPATH": str(bad.make(folder))}
    fates: list[Fate] = []
    with Campaign(plane, folder, program) as campaign:
        for scenario in [one for one in ALL if one.name in bad.faults]:
            for death in deaths_at(campaign.calls_of(scenario)):
                fates.append(campaign.die(scenario, death))
                campaign.judge_again(fates)
                if set(broken(fates)) & set(bad.breaks):
                    print(unsound(fates), flush=True)
                    return broken(fates), len(fates)
    return broken(fates), len(fates)


def show_bad(plane: ControlPlane, only: str) -> int:
    """Run each bad build until it is seen; returns how many were not."""
    missed = 0
    for one in [known for known in BUILDS if only in known.name]:
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            seen, kills = show(plane, Path(folder), one)
        red = bool(set(seen) & set(one.breaks))
        missed += not red
        verdict = " ".join(seen) if red else f"NOT SEEN {' '.join(seen)}"
        print(f"{one.name}: expected {' '.join(one.breaks)}, {verdict} after {kills} kills")
    return missed


def main() -> int:
    """Plays what the command line names."""
    parser = argparse.ArgumentParser(prog="make faults-kill", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every n-th death")
    parser.add_argument("--only", default="", help="scenarios whose name holds this")
    parser.add_argument("--known-bad", action="store_true", help="builds that must turn red")
    asked = parser.parse_args()
    scenarios = [one for one in ALL if asked.only in one.name]
    build()
    began = time.monotonic()
    plane = ControlPlane(parts=(), apiserver_flags=KEPT)
    with tempfile.TemporaryDirectory(prefix="kills-") as folder, plane:
        plane.install(*sorted(_CRDS.glob("*.yaml")))
        if asked.known_bad:
            return show_bad(plane, asked.only)
        with Campaign(plane, Path(folder)) as campaign:
            fates = play(
                campaign, scenarios, lambda text: print(text, flush=True), every=asked.every
            )
    took = time.monotonic() - began
    print(f"\n{table(fates)}\n{took:.0f} s")
    bad = "\n".join(filter(None, [unsound(fates), *campaign.faults]))
    print(bad, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
