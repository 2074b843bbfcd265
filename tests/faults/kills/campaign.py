"""Plays each scenario once for the record, then again for each API call and way to die at it."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster.road import Road
from cluster.shop import Object, ready
from cluster.statuses import Seen as Version
from cluster.statuses import Statuses
from controlplane import ControlPlane, OperatorProcess
from controlplane.launch import NAMESPACE, grant_operator
from faultproxy import FaultProxy, Seen
from faults.kills.ends import differences, end_of
from faults.kills.ledger import due, ended, told_by, wrong_of
from faults.kills.scenarios import Scenario
from faults.kills.spread import SpreadStage
from faults.kills.stage import Stage
from tokencheck.model.admission import PROBE_NAME, REQUESTER_POLICY, Guard

PATIENCE_S = 60.0
# The victim's call may not come: another request was faster, and another one is made instead.
MISSED_S = 15.0
QUIET_S = 1.5
# Of the calls that renew a Lease, as many as are places of death: the others are the same again.
RENEWALS = 2
LEASE = "tokencheck"
VALUES = {"clusterTokenChecks": {"enabled": True}}
_LEASES = "/apis/coordination.k8s.io/"


@dataclass(frozen=True)
class Call:
    """The nth request of this kind since the change; the stage's namespace stands as ``NS``."""

    verb: str
    path: str
    nth: int

    def __str__(self) -> str:
        again = f" (no. {self.nth})" if self.nth > 1 else ""
        return f"{self.verb.upper()} {self.path}{again}"


@dataclass(frozen=True)
class Death:
    """Where the operator dies: before the server gets the call, or after it has answered."""

    call: Call
    answered: bool

    def __str__(self) -> str:
        return f"{'after' if self.answered else 'before'} {self.call}"


@dataclass
class Fate:
    """What became of one death.

    Args:
        settled_s: from the death until all is as it must be, the end of an undisturbed run
            included; None when it never was.
        differs: what the end has and that of an undisturbed run has not, and the other way round.
        missed: the call did not come, so nobody died.
    """

    scenario: str
    death: Death
    stage: Stage
    missed: bool = False
    settled_s: float | None = None
    wrong: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.settled_s is not None and not (
            self.wrong or self.doubled or self.lost or self.differs
        )


NOBODY = Death(Call("", "", 0), answered=False)


class Campaign:
    """A control plane whose API server is reached by the road, and one operator after another."""

    def __init__(
        self, plane: ControlPlane, folder: Path, program: Mapping[str, str] | None = None
    ) -> None:
        """Nothing runs yet; ``program`` is environment of the operator: another build, say."""
        self._plane = plane
        self._folder = folder
        self._program = dict(program or {})
        self._admin = plane.api()
        self._ends: dict[str, str] = {}  # of the undisturbed runs, by scenario

    def __enter__(self) -> Campaign:
        self._admin.delete_all("TokenCheck")  # of others: each start would judge them too
        self._road = Road(grant_operator(self._plane, VALUES)).__enter__()
        self._statuses = Statuses(self._admin)
        self._operator: OperatorProcess | None = None
        self._elects = self._spreads = False
        self._started = 0  # how many requests had come when it started
        return self

    def __exit__(self, *error: object) -> None:
        self._bury()
        self.faults = self._statuses.end()
        self._road.__exit__(None, None, None)

    # One scenario

    def calls_of(self, scenario: Scenario) -> list[Call]:
        """The calls that an operator makes in this scenario when nobody dies."""
        stage = self._set(scenario)
        if not scenario.starts:
            self._until_quiet()
        mark = len(self._road.proxy.seen)
        self._change(scenario, stage)
        fate = Fate(scenario.name, NOBODY, stage)
        self._settle(fate, time.monotonic())
        self._until_quiet()
        calls = list(_numbered(self._road.proxy.seen[mark:], stage.namespace))
        self._ends[scenario.name] = self._end(stage)
        judge(fate, stage.told())
        stage.clear()
        if not fate.sound:
            raise AssertionError(f"{scenario.name}: not sound although nobody died: {fate}")
        return calls

    def die(self, scenario: Scenario, death: Death) -> Fate:
        """Plays the scenario; the operator dies there, another one starts, and all is judged."""
        stage = self._set(scenario)
        fate = Fate(scenario.name, death, stage)
        self._road.do(lambda proxy: self._lay(proxy, stage, death))
        self._change(scenario, stage)
        victim = self._operator
        assert victim is not None
        fate.missed = not self._dies(victim, starting=scenario.starts)
        self._road.do(FaultProxy.allow)
        died = time.monotonic()
        if not fate.missed:
            self._start(ready=False)
        wanted = self._ends[scenario.name]
        self._settle(fate, died, lambda: self._end(stage) == wanted)
        self._until_quiet()  # what stood already at the death is looked at, and told, again
        fate.differs = list(differences(wanted, self._end(stage)))
        judge(fate, stage.told())
        stage.clear()
        return fate

    def judge_again(self, fates: Iterable[Fate]) -> None:
        """All events are there now: one that was told twice may have come late."""
        told: dict[str, list[Object]] = {}
        for event in self._admin.list("events.k8s.io/v1/Event"):
            told.setdefault(event["metadata"]["namespace"], []).append(event)
        for fate in fates:
            judge(fate, told.get(fate.stage.namespace, []))

    def _set(self, scenario: Scenario) -> Stage:
        kind = SpreadStage if scenario.spreads else Stage
        stage = kind(self._admin, self._namespace(), self._statuses)
        same = (scenario.elects, scenario.spreads) == (self._elects, self._spreads)
        if scenario.starts or not same:
            self._bury()
        self._elects, self._spreads = scenario.elects, scenario.spreads
        if scenario.starts:
            if scenario.elects:
                self._admin.delete("Lease", LEASE, NAMESPACE)
            scenario.before(stage)
            return stage
        if self._operator is None or self._operator.server.exit_code is not None:
            self._start()
        self._operator.wait_ready()  # type: ignore[union-attr]
        scenario.before(stage)
        fate = Fate(scenario.name, NOBODY, stage)
        sets = bool(stage.truths) or scenario.spreads
        if sets:
            self._settle(fate, time.monotonic())
        if sets and (fate.settled_s is None or fate.lost):
            raise AssertionError(f"{scenario.name}: the stage could not be set: {fate}")
        # A status tells whole seconds: two equal transitions of one second are one Event.
        time.sleep(1.0 - time.time() % 1.0)
        return stage

    def _change(self, scenario: Scenario, stage: Stage) -> None:
        if scenario.starts:
            self._start(ready=False)
        scenario.act(stage)

    # The operator

    def _start(self, *, ready: bool = True) -> None:
        self._started = len(self._road.proxy.seen)
        log = self._folder / f"operator-{secrets.token_hex(3)}.log"
        self._operator = OperatorProcess(
            self._road.kubeconfig,
            log,
            args=("--cluster-token-checks",) if self._spreads else (),
            env=self._program,
            plane=self._plane,
            elects=self._elects,
        )
        self._operator.start(ready=ready)

    def _bury(self) -> None:
        if self._operator is not None:
            self._operator.stop(kill=True)
        self._operator = None

    def _lay(self, proxy: FaultProxy, stage: Stage, death: Death) -> None:
        seen: Counter[tuple[str, str]] = Counter()

        def met(request: Seen) -> bool:
            kind = request.verb, request.path.replace(stage.namespace, "NS")
            seen[kind] += 1
            return (*kind, seen[kind]) == (death.call.verb, death.call.path, death.call.nth)

        def kill() -> None:
            if self._operator is not None:
                os.kill(self._operator.server.pid, signal.SIGKILL)

        proxy.trap(met, kill, answered=death.answered)

    # Its end

    def _settle(self, fate: Fate, since: float, alike: Callable[[], bool] = lambda: True) -> None:
        stage = fate.stage

        def done() -> bool:
            told = self._ended(stage) and due(history_of(stage)) <= told_by(stage.told())
            return told and alike()

        if _comes(done, PATIENCE_S):
            fate.settled_s = time.monotonic() - since

    def _ended(self, stage: Stage) -> bool:
        if isinstance(stage, SpreadStage):
            return stage.over()
        found: Object | None = self._admin.find("TokenCheck", stage.CHECK, stage.namespace)
        if stage.gone:
            return found is None
        if found is None or not stage.truths or not ended(stage, found):
            return False
        last = history_of(stage)[-1:]  # the recorder has seen it too
        return (
            bool(last)
            and last[0].object["metadata"]["resourceVersion"]
            == (found["metadata"]["resourceVersion"])
        )

    def _end(self, stage: Stage) -> str:
        if isinstance(stage, SpreadStage):
            return stage.remains()
        check = self._admin.find("TokenCheck", stage.CHECK, stage.namespace)
        provider = self._admin.find("TokenProvider", stage.namespace)
        if provider:  # counted a while later, when more than one check has come or gone
            provider["status"].pop("checks", None)
        return end_of(stage.namespace, check, provider)

    def _until_quiet(self) -> None:
        """The operator leads and watches our kinds, and has asked nothing for a while."""
        _comes(lambda: self._watches() and self._leads(), PATIENCE_S)
        _comes(self._silence(QUIET_S), PATIENCE_S)

    def _dies(self, victim: OperatorProcess, *, starting: bool) -> bool:
        """Whether it dies; one that starts is given up once it watches and asks for no more."""
        silent = self._silence(2 * QUIET_S)

        def over() -> bool:
            return victim.server.exit_code is not None or (
                starting and self._watches() and silent()
            )

        _comes(over, PATIENCE_S if starting else MISSED_S)
        return victim.server.exit_code is not None

    def _watches(self) -> bool:
        return any(
            one.verb == "watch" and one.path.endswith("/tokenchecks")
            for one in self._road.proxy.seen[self._started :]
        )

    def _leads(self) -> bool:
        assert self._operator is not None
        shown = self._operator.metrics().items()
        return any(name.startswith("tokencheck_leader") and value == 1 for name, value in shown)

    def _silence(self, lasts_s: float) -> Callable[[], bool]:
        """Returns what tells whether nobody has asked for so long, but by a clock of its own."""
        counted, at = -1, 0.0

        def holds() -> bool:
            nonlocal counted, at
            now = sum(not _beats(one.path) for one in list(self._road.proxy.seen))
            if now != counted:
                counted, at = now, time.monotonic()
            return time.monotonic() - at >= lasts_s

        return holds

    def _namespace(self) -> str:
        name = f"kills-{secrets.token_hex(4)}"
        self._admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name


def history_of(stage: Stage) -> list[Version]:
    """Every status of the stage's check."""
    return [one for one in stage.history(stage.CHECK) if "status" in one.object]


def judge(fate: Fate, events: Iterable[Object]) -> None:
    """Enters into the fate what is wrong with its statuses and events."""
    if isinstance(fate.stage, SpreadStage):
        fate.wrong, fate.doubled = fate.stage.wrong(), fate.stage.doubled()
        if fate.settled_s is None:
            fate.wrong.append(f"never came to its end: {fate.stage.remains()}")
        return
    history = history_of(fate.stage)
    fate.wrong = wrong_of(fate.stage, history)
    wanted, told = due(history), told_by(events)
    fate.lost = [" ".join(one) for one in wanted - told]
    fate.doubled = [" ".join(one) for one in told - wanted]
    if fate.settled_s is None:
        said = [ready(one.object) for one in history]
        fate.wrong.append(f"never came to its end: {said}, wanted {fate.stage.truths[-1].verdict}")


def deaths_at(calls: Sequence[Call]) -> list[Death]:
    """Before and after each of these calls."""
    return [Death(call, answered) for call in calls for answered in (False, True)]


def _numbered(seen: Sequence[Seen], namespace: str) -> Iterator[Call]:
    counted: Counter[tuple[str, str]] = Counter()
    for request in seen:
        if _proves(request.path):
            continue
        kind = request.verb, request.path.replace(namespace, "NS")
        counted[kind] += 1
        if counted[kind] <= RENEWALS or not request.path.startswith(_LEASES):
            yield Call(*kind, counted[kind])


def _proves(path: str) -> bool:
    """Whether it asks if admission is enforced: each ten seconds, not because of any change."""
    names = (PROBE_NAME, REQUESTER_POLICY, *Guard)
    return any(name in path for name in names)


def _beats(path: str) -> bool:
    return path.startswith(_LEASES) or _proves(path)


def _comes(holds: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
