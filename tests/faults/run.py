"""One run: a world that lives, faults that strike, and what became of it."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cluster.clockshim import MISSING, ShiftedClock
from controlplane import ControlPlane, OperatorProcess
from controlplane.launch import CHECKOUT, grant_operator
from faults.excuses import Bounds, Cost, Excuses, cost_of
from faults.fault import Fault, Site
from faults.history import History, Life
from faults.invariants import Breach, Story, breaches_of
from faults.leaks import Leaks
from faults.made import breaches_of_made, now_of
from faults.oracle import Oracle
from faults.patience import Patience
from faults.proxy import Road
from faults.recorder import FLAGS, Recorder
from faults.shown import now_wrong
from faults.world import Driver, World
from loopthread import LoopThread

NAMESPACE = "faults"
STRIKE_EVERY_S = 0.1
COMPARE_EVERY_S = "3.0"
VALUES = {"clusterTokenChecks": {"enabled": True}}
PACE = ("--compare-every", COMPARE_EVERY_S, "--relist-every", COMPARE_EVERY_S)
MADE_S = 120.0  # a step that was refused some times is tried again so late
POLL_S = 0.05
# The start is no fault: a process that starts, lists and judges everything for the first time.
START = Cost(fresh_s=20.0, unknown=True)


@dataclass(frozen=True, slots=True)
class Episode:
    """A burst of faults.

    Args:
        classes: of one class or of several at once, each with how many there were.
        converged_s: from its end until every check had been right once; None: it was given up.
    """

    classes: tuple[tuple[str, int], ...]
    converged_s: float | None

    @property
    def faults(self) -> int:
        """How many there were."""
        return sum(count for _, count in self.classes)


@dataclass(slots=True, kw_only=True)
class Result:
    """What a run showed."""

    seed: int
    lasted_s: float = 0.0
    patience: float = 1.0
    judged: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    statuses: int = 0
    verdicts: int = 0
    made: int = 0
    episodes: list[Episode] = field(default_factory=list)
    breaches: list[Breach] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """How many there were."""
        return sum(one.faults for one in self.episodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How big a run is.

    Args:
        checks: how many TokenChecks.
        per_second: changes of the world.
        replicas: of the operator; several elect who writes.
        program: environment of the operator; ``PYTHONPATH`` lets another build run.
    """

    seed: int
    checks: int = 120
    per_second: float = 30.0
    replicas: int = 1
    program: dict[str, str] = field(default_factory=dict)


class Run:
    """A run over a control plane of its own. Use it with ``with``."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        """Nothing runs yet."""
        self._folder = folder
        self._plan = plan
        self._stack = ExitStack()
        self._strikes = 0
        self._rests: list[tuple[float, float]] = []
        self._stuck: list[Breach] = []
        self.excuses = Excuses()
        self.leaks = Leaks()
        self.result = Result(seed=plan.seed)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._set_up(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _set_up(self, stack: ExitStack) -> None:
        self.patience = stack.enter_context(Patience())
        plane = stack.enter_context(ControlPlane(parts=(), apiserver_flags=FLAGS))
        plane.install(*sorted((CHECKOUT / "crds").glob("*.yaml")))
        api = plane.api()
        self.world = World(
            api, NAMESPACE, seed=self._plan.seed, checks=self._plan.checks, leaks=self.leaks
        )
        self.world.build()
        oracle = stack.enter_context(Oracle())
        self.history = History(oracle, self.world.provider)
        self.recorder = Recorder(plane.at.etcd_port, NAMESPACE, self.history, self.leaks)
        road = stack.enter_context(
            LoopThread(Road(grant_operator(plane, VALUES), self.leaks.answer))
        )
        config = self._folder / "road.kubeconfig"
        road.do(lambda it: it.kubeconfig(config))
        clock = None if MISSING else ShiftedClock(self._folder)
        operators = self._operators(config, plane, clock.env if clock else {})
        for one in operators:
            stack.callback(one.stop)
        self.driver = Driver(self.world, self._plan.per_second)
        stack.callback(self.driver.close)
        self.site = Site(
            plane=plane,
            do=road.do,
            operators=operators,
            rest=self.driver.rest,
            refill=self.world.fill,
            unseen=self.recorder.stop,
            rewound=self.recorder.restart,
            clock=clock,
        )
        self._start()

    def _operators(
        self, config: Path, plane: ControlPlane, clock: Mapping[str, str]
    ) -> tuple[OperatorProcess, ...]:
        return tuple(
            OperatorProcess(
                config,
                self._folder / f"operator-{number}.log",
                args=(*PACE, "--cluster-token-checks"),
                env={**self._plan.program, **clock},
                plane=plane,
                elects=self._plan.replicas > 1,
            )
            for number in range(self._plan.replicas)
        )

    def _start(self) -> None:
        """Everything runs, and every check was judged once."""
        self.recorder.start()
        window = self.excuses.open("start", START, time.time())
        for operator in self.site.operators:
            operator.start(timeout_s=60 * self.patience.now)
        self.world.fill()
        self.converge(60)
        self.excuses.close(window, time.time())
        self._began = time.monotonic()
        self.driver.run()

    # Faults

    def strike(self, *faults: Fault, lasts_s: float | None = None) -> Episode:
        """One burst, of one class or of several at once, healed, and every check right once."""
        self._strikes += 1
        chance = random.Random(f"strike {self._strikes} of {self._plan.seed}")
        name = " + ".join(fault.name for fault in faults)
        cost = cost_of(fault.cost for fault in faults)
        window = self.excuses.open(name, cost, time.time())
        made = [fault.begin(self.site, chance) for fault in faults]
        # Many at once strike for longer where the world lives more slowly.
        stretched = self.patience.now if len(faults) > 1 else 1.0
        lasts_s = (lasts_s or max(fault.lasts_s for fault in faults)) * stretched
        until = time.monotonic() + lasts_s
        while time.monotonic() < until:
            more = [fault.strike(self.site, chance) for fault in faults]
            made = [sum(both) for both in zip(made, more, strict=True)]
            time.sleep(STRIKE_EVERY_S)
        made = [so_far + one.end(self.site) for so_far, one in zip(made, faults, strict=True)]
        window.faults = sum(made)
        self.excuses.close(window, time.time())
        # At rest, so that a change that nobody saw is not covered by the next one.
        self.driver.rest()
        converged = self.converge(cost.fresh_s + 2 * Bounds().fresh_s)
        self.driver.run()
        classes = tuple((one.name, count) for one, count in zip(faults, made, strict=True))
        episode = Episode(classes, converged)
        self.result.episodes.append(episode)
        return episode

    def converge(self, limit_s: float) -> float | None:
        """Seconds until every check that is wrong now was right once; None after the limit.

        The limit is that of a machine of our own; it stretches while we wait.
        """
        began, rested = time.monotonic(), time.time()
        while (open_ends := self._wrong()) is None:
            time.sleep(POLL_S)
        while open_ends:
            self.recorder.require_sound()
            self.site.revive()
            if time.monotonic() - began > limit_s * self.patience.now:
                self._stuck += [self._late(life, began) for life in open_ends.values()]
                return None
            time.sleep(POLL_S)
            alive = {life.uid for life in self.history.alive()}
            open_ends = {
                uid: life
                for uid, life in open_ends.items()
                if uid in alive and self._is_wrong(life)
            }
        self._rests.append((rested, time.time()))
        return time.monotonic() - began

    def _late(self, life: Life, began: float) -> Breach:
        now = time.time()
        waited_s = time.monotonic() - began
        what = f"{now_wrong(self.history, life, now)}, {waited_s:.0f} s after the fault's end"
        return Breach("L1", life.place[1], now, what)

    def _wrong(self) -> dict[str, Life] | None:
        """The checks that are wrong now; None while the recorder has not seen all of them."""
        alive = self.history.alive()
        if not self.world.steps and len(alive) < self._plan.checks:
            return None
        return {life.uid: life for life in alive if self._is_wrong(life)}

    def _is_wrong(self, life: Life) -> bool:
        return bool(now_wrong(self.history, life, time.time()))

    # The end

    def finish(self, quiet_s: float = 3.0) -> Result:
        """The world rests, everything becomes right, and the whole history is judged."""
        self.driver.rest()
        self._until_all_made()
        self.converge(2 * Bounds().fresh_s)
        quiet = time.time() + 0.5
        time.sleep(quiet_s)
        until = time.time() - 0.5
        self._look_everywhere()
        self.recorder.stop()
        self.result.lasted_s = time.monotonic() - self._began
        self.result.changes = self.world.steps - self.world.failed
        writes = [write for life in self.history.all_lives() for write in life.writes]
        self.result.statuses = len(writes)
        self.result.verdicts = sum(w.ready[0] in ("True", "False") for w in writes)
        self._judge(until, quiet)
        return self.result

    def _until_all_made(self) -> None:
        """Each workload has the TokenCheck that it is to have, and no other."""
        began = time.monotonic()
        while wrong := now_of(self.history.estate).wrong():
            self.recorder.require_sound()
            self.site.revive()
            if time.monotonic() - began > MADE_S * self.patience.now:
                at = time.time()
                self._stuck += [Breach(k[0], "/".join(k[1]), at, w) for k, w in wrong.items()]
                return
            time.sleep(POLL_S)

    def broken(self) -> list[str]:
        """The invariants that do not hold so far."""
        self._judge(time.time(), float("inf"))
        self._look_everywhere()
        return broken(self.result)

    def _judge(self, until: float, quiet: float) -> None:
        """The breaches so far; bounds of time are stretched by how slow the machine ever was."""
        self.result.patience = self.patience.worst
        self.excuses.bounds = Bounds().on_a_busy_machine(self.patience.worst)
        story = Story(self.history, self.excuses, until, quiet, tuple(self._rests))
        made = breaches_of_made(self.history.estate, self.excuses, until, self.world.given_up)
        self.result.breaches = [*self._stuck, *breaches_of(story), *made]
        self.result.made = len(self.history.estate.made())
        self.result.judged = story.judged

    def _look_everywhere(self) -> None:
        for operator in self.site.operators:
            self.leaks.look_in_file(operator.log)
            for page in ("/metrics", "/healthz", "/readyz"):
                self.leaks.look_in_text(page, operator.get(page)[1])
        self.result.leaks = sorted(set(self.leaks.found))


def broken(result: Result) -> list[str]:
    """The invariants that do not hold in a result."""
    return sorted({b.invariant for b in result.breaches} | ({"P1"} if result.leaks else set()))
