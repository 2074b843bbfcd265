"""The invariants, each a function over the whole history that returns every breach.

=====  ============================================================================================
S1     never True when the oracle forbids it
S2     never False when the oracle forbids it
S3     what a status is bound to never goes backwards
S4     no Ready=True outlives what it rests on
S5     ``lastTransitionTime`` changes if and only if ``status`` changes
U1     Unknown only while something cannot be read, or when the oracle says so
L1     every change is known in time
L2     each change of the verdict is one transition, and told by an Event
P1     no token text anywhere (:mod:`faults.leaks`)
=====  ============================================================================================
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from faults.excuses import Excuses
from faults.history import ABSENT, DRIFTING, History, Life, SecretVersion, Written, during
from faults.oracle import Object
from faults.shown import ROLLING, lags_of, truth_of

UNREAD = frozenset({"ReadFailed", "AccessDenied", "KeysUnavailable", "ProviderNotUsable"})
# The status gives times in whole seconds.
SECOND = 1.0
# Of one object at once; then one in five minutes: a write has two at most.
EVENTS_EACH = 25


@dataclass(frozen=True, slots=True)
class Breach:
    """An invariant that did not hold."""

    invariant: str
    check: str
    at: float
    what: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.check} at {self.at:.3f}: {self.what}"


@dataclass(frozen=True, slots=True)
class Story:
    """What the invariants look at.

    Args:
        until: up to when the history was followed.
        quiet: since when the world rested and everything was right.
        rests: from when on the world rested, and when everything was right again, in their order.
        judged: how many changes and drifts L2 looked at.
    """

    history: History
    excuses: Excuses
    until: float
    quiet: float = float("inf")
    rests: tuple[tuple[float, float], ...] = ()
    judged: Counter[str] = field(default_factory=Counter)

    def saw(self, start: float, end: float) -> bool:
        """Whether the operator had the time to see what stood from start to end."""
        return end >= self.known(start) or end > self.excuses.due(start)

    def undone(self, start: float, end: float) -> bool:
        """Whether a restore made some of this time never have been."""
        return any(start <= at <= end + SECOND for at in self.history.rewinds)

    def known(self, start: float) -> float:
        """When all was right again in the first rest after a moment."""
        place = bisect_left(self.rests, (start, 0.0))
        return self.rests[place][1] if place < len(self.rests) else float("inf")


def breaches_of(story: Story) -> list[Breach]:
    """Every breach of every invariant, oldest first."""
    found: list[Breach] = []
    for life in story.history.all_lives():
        for invariant in ALL:
            found.extend(invariant(story, life))
    return sorted(found, key=lambda breach: breach.at)


# S1, S2, U1: each write is true of what it names


def truthful(story: Story, life: Life) -> Iterator[Breach]:
    """S1, S2 and U1."""
    for write in life.writes:
        status, reason = write.ready
        if status == "" or _opens(write):
            continue
        if status == "Unknown" and reason in UNREAD and story.excuses.unknown(write.at):
            continue
        token = life.spec_of(write.observed, write.at)
        if token is None:
            yield _breach("S1", life, write, f"observedGeneration {write.observed} never was")
            continue
        what = _untrue(story, life, write, token) or _unsettled(story, life, write)
        if what:
            name = {"True": "S1", "False": "S2"}.get(status, "U1")
            yield _breach(name, life, write, what)


def _opens(write: Written) -> bool:
    """Whether nothing is judged yet: neither the check nor, of one that follows it, a release."""
    status, reason = write.ready
    rolls = write.ready == ROLLING and bool(write.workload)
    return status == "Unknown" and (reason == "Pending" or rolls)


def _untrue(story: Story, life: Life, write: Written, token: Object) -> str:
    """Why a write says what it may not; empty when it may."""
    name = token["secretKeyRef"]["name"]
    versions = story.history.secret_versions(life.place, name)
    stood = during(versions, write.at - story.excuses.read_s(write.at), write.at)
    named = [one for one in stood if _can_be_bound(one, write, token)]
    if not named:
        return (
            f"Ready={write.ready} of Secret {name} in version {write.bound}, replaced long ago;"
            f" there were {[one.version for one in stood]}"
        )
    start = write.at - story.excuses.late_s(write.at)
    until = write.at + story.excuses.ahead_s(write.at)
    lawful = {
        (segment.ready, segment.reason)
        for one in named
        for segment in story.history.timeline(token, one).between(start, until)
    }
    if write.ready in lawful:
        return ""
    said = write.conditions["Ready"].message
    return (
        f"Ready={write.ready} of Secret {name} in version {write.bound}, generation"
        f" {write.observed}, of which only {sorted(lawful)} is true; it says: {said}"
    )


def _unsettled(story: Story, life: Life, write: Written) -> str:
    """Why a write may not call the workload's generation that it names good; empty when it may."""
    if not write.workload or write.ready[0] != "True":
        return ""
    releases = story.history.releases_of(life)
    if not releases:
        return f"Ready={write.ready} of a workload that is not there"
    since = write.at - story.excuses.read_s(write.at)
    ends = [*(one.at for one in releases[1:]), write.at]
    both = zip(releases, ends, strict=True)
    stood = [one for one, end in both if one.at <= write.at and end >= since]
    if any(one.settled and one.generation == write.rolled for one in stood):
        return ""
    seen = [(one.generation, one.settled) for one in stood]
    return f"Ready={write.ready} of generation {write.rolled} of its workload; there were {seen}"


def _can_be_bound(version: SecretVersion, write: Written, token: Object) -> bool:
    """Whether a status that names this resourceVersion can speak of this version of the Secret."""
    key = token["secretKeyRef"]["key"]
    holds = version.data is not None and key in version.data
    return write.bound == version.version if holds else write.bound == 0


# S3


def forwards(story: Story, life: Life) -> Iterator[Breach]:
    """S3: generation and version of the Secret never go backwards."""
    highest = generation = -1
    epoch = 0
    for write in life.writes:
        now = sum(at <= write.at for at in story.history.rewinds)
        if now != epoch:  # what stood before the restore is no past of what stands after it
            highest, generation, epoch = -1, -1, now
        if write.bound and write.bound < highest:
            yield _breach("S3", life, write, f"version {write.bound} after {highest}")
        if write.observed < generation:
            yield _breach("S3", life, write, f"generation {write.observed} after {generation}")
        highest, generation = max(highest, write.bound), max(generation, write.observed)


# S4


def ends_in_time(story: Story, life: Life) -> Iterator[Breach]:
    """S4: what time takes away from a verdict is taken in time, by the clock alone."""
    for write, following in _with_next(life):
        token = life.spec_of(write.observed, write.at)
        if write.ready[0] != "True" or not write.bound or token is None:
            continue
        name = token["secretKeyRef"]["name"]
        versions = story.history.secret_versions(life.place, name)
        bound = next((one for one in versions if one.version == write.bound), ABSENT)
        if bound.data is None:
            continue
        segments = story.history.timeline(token, bound).segments
        ended = next((s.start for s in segments if s.start > write.at and s.ready != "True"), None)
        stood_until = following.at if following else (life.ended or story.until)
        if ended is not None and stood_until > story.excuses.due(ended):
            late = stood_until - ended
            yield Breach("S4", life.place[1], ended, f"Ready=True stood {late:.1f} s longer")


def _with_next(life: Life) -> Iterable[tuple[Written, Written | None]]:
    return pairwise([*life.versions, None]) if life.versions else ()  # type: ignore[list-item]


# S5


def transition_times(story: Story, life: Life) -> Iterator[Breach]:
    """S5: the time of a condition moves with its status, and with nothing else."""
    for before, write in pairwise(life.versions):
        if any(before.at < at <= write.at for at in story.history.rewinds):
            continue  # nobody wrote what a restore brought back
        for kind, said in write.conditions.items():
            old = before.conditions.get(kind)
            if old is None:
                continue
            if old.status == said.status and old.since != said.since:
                yield _breach("S5", life, write, f"{kind} moved its time and not its status")
            back = said.since < old.since and not story.excuses.ahead_s(write.at)
            if old.status != said.status and back:
                yield _breach("S5", life, write, f"{kind} moved its status to an earlier time")
            late_s = SECOND + story.excuses.late_s(write.at)
            apart = write.at - before.at > late_s
            if apart and old.status != said.status and old.since == said.since:
                yield _breach("S5", life, write, f"{kind} moved its status and not its time")


# L1


def known_in_time(story: Story, life: Life) -> Iterator[Breach]:
    """L1: whatever the truth becomes, the status says it in time."""
    for lag in lags_of(story.history, life, story.until):
        if lag.end <= lag.start + story.excuses.bounds.fresh_s:
            continue
        due = story.excuses.due(lag.start)
        if lag.end > due:
            what = f"{lag.what} for {lag.end - lag.start:.1f} s, {lag.end - due:.1f} s too long"
            yield Breach("L1", life.place[1], lag.start, what)


# L2


def told_once(story: Story, life: Life) -> Iterator[Breach]:
    """L2: a verdict that lasts is reached by one transition, and an Event tells it."""
    for before, span, after in truth_of(story.history, life, story.until).changes():
        stood = story.saw(before.start, before.end) and story.saw(span.start, span.end)
        rolled = (before.ready, before.reason, span.ready) == (*ROLLING, "True")
        if not stood or ("Unknown" in (before.ready, span.ready) and not rolled):
            continue
        if story.undone(before.start, span.end):
            continue
        story.judged["changes"] += 1
        # Up to the next change only what belongs to this one.
        until = min(span.end, after.start if after else span.end)
        start = span.start - story.excuses.ahead_s(span.start)
        turns = _turns(life, "Ready", span.ready, (start, until))
        # What cannot be read for a moment is Unknown in between, and so is what fails when its
        # workload has another release; a clock may go back over an end.
        again = story.excuses.repeated(span.start, until) or _released(life, start, until)
        if turns != 1 and not (turns and again):
            what = f"{turns} transitions to Ready={span.ready} ({span.reason}) instead of one"
            yield Breach("L2", life.place[1], span.start, what)
        elif not _heard(story, life, (start, until)):
            what = f"no Event told Ready={span.ready} ({span.reason})"
            yield Breach("L2", life.place[1], span.start, what)


def _released(life: Life, start: float, end: float) -> bool:
    """Whether a status told of a span that a release rolls out."""
    return any(one.ready == ROLLING and start <= one.at <= end for one in life.writes)


def _heard(story: Story, life: Life, span: tuple[float, float], reason: str = "") -> bool:
    """Whether an Event tells what stood in a span, or may be lost, still to come, or too many."""
    least_s = story.excuses.bounds.fresh_s
    start, end = span[0] - SECOND, span[1] + least_s
    if story.until < min(story.known(span[0]), story.excuses.due(span[0])) + least_s:
        return True
    told = story.history.events(life.uid)
    if any(start <= one.at <= end and reason in ("", one.reason) for one in told):
        return True
    written = sum(one.at <= end for one in life.writes)
    return 2 * written > EVENTS_EACH or story.excuses.untold(*span)


def drifts_told(story: Story, life: Life) -> Iterator[Breach]:
    """L2: each drift is one transition of Drifted, there and back, and an Event tells it."""
    if not life.versions or life.versions[0].token["name"] != DRIFTING:
        return
    for (_, *before), (drifted, start, end) in pairwise(_drifts(story, life)):
        if not story.saw(before[0], before[1]) or not story.saw(start, end):
            continue
        if story.undone(before[0], end):
            continue
        story.judged["drifts"] += 1
        turns = _turns(life, "Drifted", "True" if drifted else "False", (start, end))
        if turns != 1 and not (turns and story.excuses.repeated(start, end)):
            what = f"{turns} transitions to Drifted={drifted} instead of one"
            yield Breach("L2", life.place[1], start, what)
        if drifted and not _heard(story, life, (start, end), "TokenDrifted"):
            yield Breach("L2", life.place[1], start, "no Event told the drift")


def _drifts(story: Story, life: Life) -> Iterator[tuple[bool, float, float]]:
    """Each time in which the token had drifted, or had not."""
    token = life.versions[0].token
    versions = story.history.secret_versions(life.place, token["secretKeyRef"]["name"])
    began, ended = life.versions[0].at, life.ended or story.until
    turns: list[tuple[bool, float]] = []
    for one in versions:
        warns = story.history.timeline(token, one).at(one.at).warns
        drifted = "Drifted" in warns
        if one.at <= began:
            turns = [(drifted, began)]
        elif one.at < ended and (not turns or turns[-1][0] != drifted):
            turns.append((drifted, one.at))
    ends = [*(at for _, at in turns[1:]), ended]
    for (drifted, start), end in zip(turns, ends, strict=True):
        yield drifted, start, end


def _turns(life: Life, kind: str, status: str, span: tuple[float, float]) -> int:
    turns = 0
    for before, write in pairwise(life.versions):
        was, now = before.conditions.get(kind), write.conditions.get(kind)
        inside = span[0] <= write.at <= span[1]
        turns += bool(inside and now and now.status == status and (not was or was.status != status))
    return turns


# L1, its second half: and then it stays


def rests(story: Story, life: Life) -> Iterator[Breach]:
    """L1: nothing is written while nothing changes, neither the world nor the time of a token."""
    late = [
        (before, write)
        for before, write in pairwise(life.versions)
        if write.wrote and write.at > story.quiet
    ]
    if not late:
        return
    moments = [span.start for span in truth_of(story.history, life, story.until).spans]
    for before, write in late:
        since = write.at - story.excuses.bounds.fresh_s
        # A pulse begins and ends by the clock.
        pulse = {"Stalled", "Reconciling"} & (set(before.conditions) | set(write.conditions))
        if not pulse and not any(since <= moment <= write.at for moment in moments):
            yield _breach("L1", life, write, "was written although nothing had changed")


def _breach(invariant: str, life: Life, write: Written, what: str) -> Breach:
    return Breach(invariant, life.place[1], write.at, what)


ALL: tuple[Callable[[Story, Life], Iterator[Breach]], ...] = (
    truthful,
    forwards,
    ends_in_time,
    transition_times,
    known_in_time,
    told_once,
    drifts_told,
    rests,
)
