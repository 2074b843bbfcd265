"""Two never believe at once: decisions in a table, then whole elections with bad networks."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencheck.engine.claim import (
    LONGEST_DURATION_S,
    Acquire,
    GiveUp,
    Renew,
    Sighting,
    Standing,
    StepDown,
    Terms,
    Wait,
    decide,
)
from tokencheck.model.lease import Lease

TERMS = Terms()
NOW = 1000.0
MINE = Lease(name="tokencheck", holder="me", duration_s=5)
THEIRS = Lease(name="tokencheck", holder="other", duration_s=5)
FREE = replace(THEIRS, holder="")


def decided(lease, *, age=0.0, vanished=False, **standing):
    sighting = Sighting(lease=lease, since=NOW - age, vanished=vanished)
    return decide(Standing(me="me", **standing), sighting, NOW, TERMS)


@pytest.mark.parametrize(
    ("expected", "decision"),
    [
        pytest.param(Acquire(), decided(None), id="nobody ever had it"),
        pytest.param(Acquire(), decided(FREE), id="its holder released it"),
        pytest.param(Wait(NOW + 5), decided(THEIRS), id="it was just renewed"),
        pytest.param(Wait(NOW + 0.1), decided(THEIRS, age=4.9), id="its time has not passed"),
        pytest.param(Acquire(), decided(THEIRS, age=5.0), id="its time has passed"),
        pytest.param(
            Wait(NOW + 10),
            decided(replace(THEIRS, duration_s=15), age=5.0),
            id="the holder's own duration counts",
        ),
        pytest.param(
            Acquire(),
            decided(replace(THEIRS, duration_s=1e9), age=LONGEST_DURATION_S),
            id="no duration is for ever",
        ),
        pytest.param(
            Wait(NOW + 1), decided(replace(THEIRS, duration_s=0), age=4), id="none said: our own"
        ),
        pytest.param(
            Wait(NOW + 5), decided(None, vanished=True), id="deleted: its holder may still believe"
        ),
        pytest.param(
            Acquire(),
            decided(None, vanished=True, believes=True, asked_at=NOW),
            id="deleted under us: take it back at once",
        ),
        pytest.param(
            StepDown(), decided(THEIRS, believes=True, asked_at=NOW), id="another took it"
        ),
        pytest.param(
            StepDown(), decided(FREE, believes=True, asked_at=NOW), id="somebody took it from us"
        ),
        pytest.param(
            Renew(), decided(MINE, believes=True, asked_at=NOW - 1.25), id="a renewal is due"
        ),
        pytest.param(
            Wait(NOW + 0.25), decided(MINE, believes=True, asked_at=NOW - 1), id="none is due yet"
        ),
        pytest.param(Renew(), decided(MINE, age=99), id="ours, and we did not believe any more"),
        pytest.param(
            GiveUp(), decided(MINE, believes=True, asked_at=NOW, wanted=False), id="not wanted"
        ),
        pytest.param(
            Wait(NOW + 5), decided(FREE, wanted=False), id="free and not wanted: left to others"
        ),
    ],
)
def test_what_to_do_about_a_lease(expected, decision):
    assert decision == expected


def test_renewals_fit_into_the_belief_and_the_belief_into_the_lease():
    """One renewal may get no answer: a second one is asked for before the belief ends."""
    assert 3 * TERMS.renew_every_s <= TERMS.belief_s < TERMS.duration_s < 6


@dataclass(frozen=True)
class Trouble:
    """What one replica suffers for a while: `cut` off, answers `late`, or `frozen`."""

    who: int
    kind: str
    begins: float
    lasts: float

    def hits(self, who, kind, time):
        return (self.who, self.kind) == (who, kind) and self.begins <= time < (
            self.begins + self.lasts
        )


@dataclass
class Server:
    """Compares versions, as the API server does."""

    lease: Lease | None = None
    version: int = 0

    def write(self, lease):
        stored = self.lease.resource_version if self.lease else ""
        if lease.resource_version != stored:
            return None
        self.version += 1
        self.lease = replace(lease, resource_version=str(self.version))
        return self.lease


@dataclass
class Replica:
    """Acts as the elector does, with a clock of its own rate and offset."""

    me: int
    rate: float
    offset: float
    server: Server
    believes_until: float = -1.0
    asked_at: float | None = None
    sighting: Sighting | None = None
    answer: tuple | None = None  # of a request under way: (lease or None, when asked, due at)

    def clock(self, time):
        return time * self.rate + self.offset

    def believes(self, time):
        return self.clock(time) < self.believes_until

    def sees(self, lease, time):
        if self.sighting is None or lease != self.sighting.lease:
            gone = lease is None and self.sighting is not None
            self.sighting = Sighting(lease=lease, since=self.clock(time), vanished=gone)

    def step(self, time, *, cut, late, frozen):
        if frozen:
            return
        if self.answer is not None:
            self._answered(time)
            return
        if self.sighting is None or not (cut or late):
            self.sees(self.server.lease, time)  # the watch
        standing = Standing(me=str(self.me), believes=self.believes(time), asked_at=self.asked_at)
        match decide(standing, self.sighting, self.clock(time), TERMS):
            case Acquire() | Renew() if not cut:
                old = self.sighting.lease or Lease(name="tokencheck")
                asked = replace(old, holder=str(self.me), duration_s=TERMS.duration_s)
                self.answer = (self.server.write(asked), self.clock(time), time + 3.0 * late)
            case StepDown():
                self.believes_until = -1.0

    def _answered(self, time):
        written, asked_at, due = self.answer
        if time < due:
            return
        self.answer = None
        if written is None:
            self.sees(self.server.lease, time)
        else:
            self.sees(written, time)
            self.asked_at = asked_at
            self.believes_until = asked_at + TERMS.belief_s


TICK_S = 0.25
TROUBLE = st.builds(
    Trouble,
    who=st.integers(0, 2),
    kind=st.sampled_from(("cut", "late", "frozen")),
    begins=st.floats(0, 40),
    lasts=st.floats(1, 20),
)
CLOCKS = st.lists(st.tuples(st.floats(0.98, 1.02), st.floats(0, 1e6)), min_size=3, max_size=3)


@settings(max_examples=80, deadline=None)
@given(clocks=CLOCKS, troubles=st.lists(TROUBLE, min_size=2, max_size=12))
def test_two_never_believe_at_once_and_all_quiet_somebody_leads(clocks, troubles):
    """Clocks of any time and 2 % of difference in speed; answers late, replicas cut off, frozen."""
    server = Server()
    replicas = [Replica(who, *clock, server) for who, clock in enumerate(clocks)]
    time = 0.0
    while time < 75:  # the last trouble ends at 60
        for who, replica in enumerate(replicas):
            suffers = {
                kind: any(t.hits(who, kind, time) for t in troubles)
                for kind in ("cut", "late", "frozen")
            }
            replica.step(time, **suffers)
            leaders = [r.me for r in replicas if r.believes(time)]
            assert len(leaders) <= 1, f"{leaders} at {time}"
        time += TICK_S
    assert len([r for r in replicas if r.believes(time)]) == 1
