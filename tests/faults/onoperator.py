"""Faults of the operator itself: killed, frozen, starved, with a clock that jumps."""

from __future__ import annotations

import os
import random
import resource
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cluster.clockshim import MISSING
from cluster.replicas import LEASE
from controlplane import Api
from controlplane.launch import NAMESPACE
from faultproxy import Seen
from faults.cgroup import Group, Home, home
from faults.excuses import Cost
from faults.fault import Fault, Idle, Site
from faults.onroad import OnRequests, requests
from faults.onservers import FROZEN, SERVED, Frozen, freeze
from faults.proxy import Fate
from tokencheck.engine.claim import Terms

# Python starts, everything is listed and judged; on a busy machine.
STARTED = Cost(fresh_s=25.0, unknown=True, untold=True)
# An operator that met a bug still tells what it has to tell.
_DYING_S = 60.0
_PAGE = resource.getpagesize()
# What a process gets beyond what it has, before the kernel kills it.
_SPARE_BYTES = 256 * 1024
# A renewal has its answer by then, the next one is not due, and the answers to reads are late.
_UNDER_WAY_S = 0.4
_RENEWED_WAIT_S = 30.0
STEP_S = 3.0
# A verdict may come so much too early or too late, and again when the clock goes back.
STEPPED = Cost(fresh_s=STEP_S, late_s=STEP_S, ahead_s=STEP_S)


@dataclass(kw_only=True)
class OperatorKilled(Idle):
    """SIGKILL to the one that writes, at any moment, and a new process at once."""

    def begin(self, site: Site, chance: random.Random) -> int:
        """Killed and started again."""
        time.sleep(chance.random() * 0.2)
        operator = site.leader
        operator.stop(kill=True)
        operator.start(timeout_s=300)
        return 1


def but_events(seen: Seen) -> bool:
    """Everything but watches and Events: after each lapse more are told than late ones could be."""
    return requests(seen) and not seen.path.endswith("/events")


def _late_answers() -> OnRequests:
    fate = lambda chance: Fate(after_s=chance.uniform(0.02, 0.8))  # noqa: E731 - one line
    return OnRequests(name="answer late", which=but_events, share=1.0, fate=fate)


@dataclass(kw_only=True)
class FrozenBeyondBelief(Idle):
    """The leader stands still for longer than it believes, and for less than its Lease lasts.

    Nobody takes the Lease. Answers are late, so passes are under way when it stops; when it goes on
    all that changed meanwhile is due, too, and that the Lease still is its own it hears a moment
    later: what it judges until then is held back.
    """

    terms: Terms = field(default_factory=Terms)
    _late: OnRequests = field(default_factory=_late_answers)

    def begin(self, site: Site, chance: random.Random) -> int:
        """It stands still from soon after a renewal on, and goes on."""
        server = site.leader.server
        shortest_s, longest_s = self.terms.belief_s + 0.1, self.terms.duration_s - 0.3
        until = _renewed(site) + chance.uniform(shortest_s, longest_s)
        self._late.begin(site, chance)
        time.sleep(_UNDER_WAY_S)
        made = freeze(server, until - time.monotonic())
        site.rest()  # the next change of a check makes good what was lost of the one before
        return made

    def end(self, site: Site) -> int:
        """Answers come in time."""
        self._late.end(site)
        return 0


def _renewed(site: Site) -> float:
    """``time.monotonic()`` of when the Lease was seen to be renewed."""
    api = site.plane.api()
    before = _version(api)
    deadline = time.monotonic() + _RENEWED_WAIT_S
    while _version(api) == before:
        assert time.monotonic() < deadline, "nobody renews the Lease"
        time.sleep(0.01)
    return time.monotonic()


def _version(api: Api) -> str:
    lease = api.find("Lease", LEASE, NAMESPACE)
    return str(lease["metadata"]["resourceVersion"]) if lease else ""


@dataclass(kw_only=True)
class Starved(Idle):
    """The operator gets a tenth of the time, in pieces."""

    def strike(self, site: Site, chance: random.Random) -> int:
        """It stands still for most of a moment."""
        return sum(freeze(one.server, 0.2) for one in site.operators)


@dataclass(kw_only=True)
class FewFiles(Idle):
    """The operator may open no more files than it has open."""

    _usual: tuple[int, int] = (0, 0)
    _pid: int = 0

    def begin(self, site: Site, chance: random.Random) -> int:
        """Connections break, and no new one can be opened."""
        self._pid = pid = site.leader.server.pid
        self._usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        few = len(os.listdir(f"/proc/{pid}/fd")) - 2
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, self._usual[1]))
        site.do(lambda road: road.cut())
        return 1

    def end(self, site: Site) -> int:
        """As many as before."""
        resource.prlimit(self._pid, resource.RLIMIT_NOFILE, self._usual)
        return 0


def _mortal(site: Site) -> int:
    """The process of the one that writes, which may end by itself now and is then started again."""
    site.revive()
    operator = site.leader
    site.mortal[operator] = time.monotonic() + _DYING_S
    return operator.server.pid


@dataclass(kw_only=True)
class LittleMemory(Idle):
    """The operator gets no more memory than it has: what it allocates anew fails.

    It may end, as a container does that is out of memory; then it starts again, as a kubelet would.
    """

    _usual: tuple[int, int] = (0, 0)
    _pid: int = 0

    def begin(self, site: Site, chance: random.Random) -> int:
        """Everything is listed again, and no address is left for it."""
        self._pid = pid = _mortal(site)
        self._usual = resource.prlimit(pid, resource.RLIMIT_AS)
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
        resource.prlimit(pid, resource.RLIMIT_AS, (pages * _PAGE, self._usual[1]))
        site.do(lambda road: road.cut())
        return 1

    def end(self, site: Site) -> int:
        """As much as before, unless it has ended."""
        with suppress(ProcessLookupError):
            resource.prlimit(self._pid, resource.RLIMIT_AS, self._usual)
        return 0


@dataclass(kw_only=True)
class OutOfMemory(Idle):
    """The operator reaches the limit of its container: the kernel kills it, a kubelet starts it."""

    home: Home
    _group: Group | None = None

    def begin(self, site: Site, chance: random.Random) -> int:
        """Everything is listed again, and next to nothing is left for it."""
        self._group = Group(self.home, _mortal(site), self.home.memory(_SPARE_BYTES))
        site.do(lambda road: road.cut())
        return 0

    def end(self, site: Site) -> int:
        """No limit any more. The fault is that it was reached, and the operator has ended."""
        assert self._group is not None
        self._group.leave()
        return int(self._group.emptied)


@dataclass(kw_only=True)
class Throttled(Idle):
    """The operator's container has a limit of CPU that it reaches all the time."""

    home: Home
    _groups: list[Group] = field(default_factory=list)

    def begin(self, site: Site, chance: random.Random) -> int:
        """Every replica gets a twentieth of a core."""
        pids = [one.server.pid for one in site.operators]
        self._groups = [Group(self.home, pid, self.home.cpu(0.05)) for pid in pids]
        return len(pids)

    def end(self, site: Site) -> int:
        """No limit any more."""
        for group in self._groups:
            group.leave()
        return 0


@dataclass(kw_only=True)
class ClockSteps(Idle):
    """The wall clock of the operator is set forward and back, again and again."""

    def strike(self, site: Site, chance: random.Random) -> int:
        """It is somewhere within the bound; mostly it is left alone."""
        if chance.random() > 0.3:
            return 0
        _set(site, chance.uniform(-STEP_S, STEP_S))
        return 1

    def end(self, site: Site) -> int:
        """It tells the true time."""
        _set(site, 0.0)
        return 1


def _set(site: Site, shift_s: float) -> None:
    assert site.clock is not None
    site.clock.step(shift_s - site.clock.shift_s)


def operator_faults() -> list[Fault]:
    """Every class of faults of the operator's own process."""
    faults: list[Fault] = [
        OperatorKilled(name="operator killed", cost=STARTED, lasts_s=0.1, weight=0.5),
        Frozen(name="operator frozen", which="operator", cost=FROZEN, lasts_s=0.1),
        Starved(name="operator starved", cost=FROZEN, lasts_s=3.0, weight=0.5),
        FewFiles(name="no file descriptor left", cost=SERVED, lasts_s=2.0, weight=0.3),
        LittleMemory(name="no memory left", cost=STARTED, lasts_s=2.0, weight=0.3),
        FrozenBeyondBelief(
            name="operator frozen beyond its belief",
            cost=FROZEN,
            lasts_s=1.0,
            weight=0.5,
            slow=True,
            elected=True,
        ),
        # Of replicas another one leads when it wakes up, in the middle of what it did.
        Frozen(
            name="operator frozen beyond its Lease",
            which="operator",
            cost=STARTED,
            lasts_s=0.1,
            weight=0.1,
            slow=True,
            shortest_s=8.0,
            longest_s=20.0,
        ),
    ]
    if memory := home("memory"):
        faults.append(
            OutOfMemory(
                name="out of its memory limit", home=memory, cost=STARTED, lasts_s=2.0, weight=0.3
            )
        )
    if cpu := home("cpu"):
        faults.append(
            Throttled(name="at its CPU limit", home=cpu, cost=FROZEN, lasts_s=3.0, weight=0.3)
        )
    if not MISSING:
        faults.append(ClockSteps(name="clock steps", cost=STEPPED, lasts_s=4.0, weight=0.5))
    return faults
