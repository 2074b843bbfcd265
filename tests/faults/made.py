"""What must hold of the TokenChecks that ClusterTokenChecks make, over the whole history.

=====  ============================================================================================
C1     one is only made of a workload that its maker selects, or did until what may be unseen
C2     each workload that is to have one has it in time, by the template as it is
C3     one that nothing wants any more is gone in time
C4     no workload ever has two of one maker
C5     one that somebody wrote is neither changed nor deleted
=====  ============================================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from faults.estates import MAKER, OPT_OUT, Change, Estate, Labels, Place, Selecting, Standing
from faults.excuses import Excuses, Window
from faults.invariants import Breach

# Without a fault: some rounds, a second apart; one that is made and removed waits for its turn.
ROUNDS_S = 10.0
# What was refused is tried again after half a minute, and ever more rarely.
AGAIN_S = 100.0
WIPES = ("CRD made again", "etcd restored to its past")  # they take what somebody wrote, too


@dataclass
class Now:
    """All of it at one moment."""

    spaces: dict[str, Labels] = field(default_factory=dict)
    workloads: dict[Place, Labels] = field(default_factory=dict)
    makers: dict[str, Selecting] = field(default_factory=dict)  # by name
    checks: dict[Place, Standing] = field(default_factory=dict)

    def apply(self, change: Change) -> None:
        """From now on it is so."""
        known: dict[str, dict] = {
            "Namespace": self.spaces,
            "Deployment": self.workloads,
            MAKER: self.makers,
            "TokenCheck": self.checks,
        }
        key = change.place[1] if change.kind in ("Namespace", MAKER) else change.place
        if change.value is None:
            known[change.kind].pop(key, None)
        else:
            known[change.kind][key] = change.value

    def selected(self) -> set[tuple[str, Place]]:
        """(uid of a maker, workload) of all that each one selects."""
        return {
            (one.uid, place)
            for one in self.makers.values()
            for place, labels in self.workloads.items()
            if one.spaces <= self.spaces.get(place[0], frozenset()) and place[0] in self.spaces
            and one.workloads <= labels
        }  # fmt: skip

    def wanted(self) -> dict[Place, Selecting]:
        """Which workload is to have one, and of whom: of the oldest that selects it."""
        uids = {one.uid: one for one in self.makers.values()}
        by_hand = {
            (place[0], one.workload) for place, one in self.checks.items() if one.maker not in uids
        }
        found: dict[Place, Selecting] = {}
        for uid, place in self.selected():
            if (OPT_OUT, "false") in self.workloads[place] or place in by_hand:
                continue
            found[place] = min(found.get(place, uids[uid]), uids[uid], key=lambda one: one.age)
        return found

    def wrong(self) -> dict[tuple[str, Place], str]:
        """(invariant, workload) -> what is not as it has to be, now."""
        wanted = self.wanted()
        of = {(place[0], one.workload): one for place, one in self.checks.items() if one.maker}
        told = {}
        for place, maker in wanted.items():
            one = of.get(place)
            if one is None or one.maker != maker.uid:
                told["C2", place] = "has no TokenCheck of its maker"
            elif one.interval != maker.interval:
                told["C2", place] = "has a TokenCheck by an older template"
        uids = {one.uid for one in self.makers.values()}
        for place, one in of.items():
            if one.maker in uids and (place not in wanted or wanted[place].uid != one.maker):
                told["C3", place] = "has a TokenCheck that nothing wants"
        return told


def breaches_of_made(
    estate: Estate, excuses: Excuses, until: float, given_up: Collection[str] = ()
) -> list[Breach]:
    """Every breach of C1 to C5; `given_up` has the uids of those that their author deletes."""
    replay = _Replay(estate, excuses, given_up)
    return sorted(replay.run(until), key=lambda breach: breach.at)


def now_of(estate: Estate) -> Now:
    """All of it as it is."""
    now = Now()
    for change in estate.all_changes():
        now.apply(change)
    return now


class _Replay:
    """Goes through the changes once."""

    def __init__(self, estate: Estate, excuses: Excuses, given_up: Collection[str]) -> None:
        self._estate = estate
        self._given_up = given_up
        self._excuses = excuses
        self._now = Now()
        self._selected: dict[tuple[str, Place], float] = {}  # until when it was; inf: it is
        self._since: dict[tuple[str, Place], tuple[float, str]] = {}

    def run(self, until: float) -> Iterator[Breach]:
        for change in self._estate.all_changes():
            if change.at > until:
                break
            before = self._now.checks.get(change.place) if change.kind == "TokenCheck" else None
            self._now.apply(change)
            self._remember(change.at)
            yield from self._looked_at(change, before)
            yield from self._moved(change)
        for key, (since, what) in self._since.items():
            yield from self._late(key, since, until, what)

    def _remember(self, at: float) -> None:
        """Until when each workload was selected."""
        selected = self._now.selected()
        for key, end in self._selected.items():
            if end == float("inf") and key not in selected:
                self._selected[key] = at
        self._selected |= dict.fromkeys(selected, float("inf"))

    def _looked_at(self, change: Change, before: Standing | None) -> Iterator[Breach]:
        """C1, C4 and C5: what is wrong with a TokenCheck that came, changed or went."""
        if change.kind != "TokenCheck" or change.listed:
            return
        one = change.value
        place = "/".join(change.place)
        if before and not before.maker and one != before and not self._lawful(change, before):
            how = "deleted" if one is None else f"changed to {one}"
            yield Breach("C5", place, change.at, f"was written by somebody and was {how}")
        if not isinstance(one, Standing) or not one.maker:
            return
        whose = (change.place[0], one.workload)
        if before is None:
            seen_until = self._selected.get((one.maker, whose))
            if seen_until is None:
                yield Breach("C1", place, change.at, "was made, and its maker never selected it")
            elif change.at > self._due(seen_until):
                late = change.at - seen_until
                yield Breach("C1", place, change.at, f"was made {late:.1f} s after its selection")
        of = Counter((p[0], c.workload, c.maker) for p, c in self._now.checks.items())
        if of[(*whose, one.maker)] > 1:
            yield Breach("C4", place, change.at, f"is the second of {whose[1]} of its maker")

    def _lawful(self, change: Change, before: Standing) -> bool:
        """Whether who wrote it deletes it, or it went with all others."""
        wiped = any(w.name in WIPES for w in self._windows(change.at, change.at))
        return change.value is None and (before.uid in self._given_up or wiped)

    def _moved(self, change: Change) -> Iterator[Breach]:
        """C2 and C3: what was wrong until now and is not any more, and what is wrong from now."""
        wrong = self._now.wrong()
        for key in [one for one in self._since if one not in wrong]:
            since, what = self._since.pop(key)
            yield from self._late(key, since, change.at, what)
        for key, what in wrong.items():
            self._since.setdefault(key, (change.at, what))

    def _late(
        self, key: tuple[str, Place], since: float, until: float, what: str
    ) -> Iterator[Breach]:
        # A restore begins anew.
        since = max([since, *(at for at in self._estate.rewinds if since <= at <= until)])
        due = self._due(since)
        if until > due:
            told = f"{what} for {until - since:.1f} s, {until - due:.1f} s too long"
            yield Breach(key[0], "/".join(key[1]), since, told)

    def _due(self, since: float) -> float:
        """The moment at which what changed at `since` has to be seen and acted on."""
        if since == float("inf"):
            return since
        bounds = self._excuses.bounds
        slower = bounds.fresh_s / type(bounds)().fresh_s  # on a busy machine
        due = since + bounds.fresh_s + ROUNDS_S * slower
        for window in self._windows(since, float("inf")):
            if window.start > due:
                break
            again = window.cost.fresh_s + bounds.fresh_s + AGAIN_S * slower
            due = max(due, window.end + again)
        return due

    def _windows(self, start: float, end: float) -> Iterator[Window]:
        """The faults that touch a span; one that costs nothing and never struck is none."""
        for window in self._excuses.within(start, end):
            if window.faults or window.end == float("inf") or window.cost != type(window.cost)():
                yield window
