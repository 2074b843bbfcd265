"""One round over all ClusterTokenChecks: look, plan, take some steps, say how each stands."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tokencheck.api.clustertokencheck import ClusterTokenCheck
from tokencheck.core.outcome.account import account_of
from tokencheck.core.outcome.patch import merge_patch
from tokencheck.core.outcome.spread import plan_cluster_status, unread_of
from tokencheck.core.spread.plan import plans_of
from tokencheck.model.estate import Estate, Place, Plan, Step
from tokencheck.model.keys import Key
from tokencheck.model.ports import Estates, Maker, StatusSink, WriteResult
from tokencheck.model.rounds import ENDS, REFUSED, Account
from tokencheck.model.rounds import STEPS as KINDS

# A new TokenCheck costs a pass, a status and an Event: far below what the operator and the API
# server can do, so that 5,000 new workloads make no storm.
STEPS = 50
AT_A_TIME = 4
AFTER_A_REFUSAL_S = 30.0
# What was written and is wanted again: a watch that is late, or somebody who changes it back.
FIRST_AGAIN_S, LAST_AGAIN_S = 2.0, 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """A step that was taken, and is still wanted.

    Args:
        times: how often it was.
        again_at: when it may be taken again, by a clock that nobody sets.
        result: how it ended at the last time.
    """

    times: int
    again_at: float
    result: WriteResult


class Rounds:
    """Goes round, whenever it is told to."""

    def __init__(
        self,
        estates: Estates,
        maker: Maker,
        status: StatusSink,
        *,
        wall: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """Have tried nothing yet.

        `wall` gives the aware time of day for statuses, `monotonic` seconds that nobody sets for
        all that waits.

        `taken` counts steps by (kind, end), all that can be, some with 0; `accounts` says how each
        ClusterTokenCheck stood at the last round, and `whole` whether that knew all that it needed.
        """
        self.taken = Counter({(kind, str(end)): 0 for kind in KINDS for end in ENDS})
        self.accounts: Mapping[str, Account] = {}
        self.whole = False
        self._estates = estates
        self._maker = maker
        self._status = status
        self._wall = wall
        self._monotonic = monotonic
        self._tried: dict[Place, _Tried] = {}
        self._said_at: dict[str, float] = {}  # when a refused one may be sent again

    async def go(self) -> bool:
        """Take at most `STEPS` steps, write what changed, and return whether more is to be done."""
        self.whole, estate = False, self._estates.look()
        if estate is None:
            return False
        # Thousands of workloads take a tenth of a second, and no verdict has to wait for them.
        plans = await asyncio.to_thread(plans_of, estate)
        steps = [step for plan in plans.values() for step in plan.steps]
        planned = {step.place for step in steps}
        self._tried = {place: one for place, one in self._tried.items() if place in planned}
        now = self._monotonic()
        due = [step for step in steps if self._is_due(step, now)]
        due.sort(key=lambda step: self._times(step.place))  # what goes round in circles waits
        await self._take(due[:STEPS])
        self.accounts = {name: await self._say(estate, name, plan) for name, plan in plans.items()}
        self.whole = not estate.unread
        return len(due) > STEPS

    def _is_due(self, step: Step, now: float) -> bool:
        tried = self._tried.get(step.place)
        return tried is None or tried.again_at <= now

    def _times(self, place: Place) -> int:
        return self._tried[place].times if place in self._tried else 0

    async def _take(self, steps: list[Step]) -> None:
        turns = asyncio.Semaphore(AT_A_TIME)

        async def take(step: Step) -> None:
            async with turns:
                result = await self._maker.take(step)
            if result is not WriteResult.STANDBY:
                self.taken[type(step).__name__, str(result)] += 1
                self._tried[step.place] = self._after(step.place, result)

        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(take(step))

    def _after(self, place: Place, result: WriteResult) -> _Tried:
        times = self._times(place)
        wait_s = min(FIRST_AGAIN_S * 2 ** min(times, 10), LAST_AGAIN_S)
        wait_s = max(wait_s, AFTER_A_REFUSAL_S) if result in REFUSED else wait_s
        again_at = self._monotonic() + wait_s
        return _Tried(times=times + 1, again_at=again_at, result=result)

    async def _say(self, estate: Estate, name: str, plan: Plan) -> Account:
        """Write the status where it changed, and return how it stands."""
        one = estate.cluster_checks[name]
        refused = {
            step.place: self._tried[step.place].result
            for step in plan.steps
            if step.place in self._tried and self._tried[step.place].result in REFUSED
        }
        status = await asyncio.to_thread(
            plan_cluster_status,
            one,
            plan,
            estate.checks,
            self._wall(),
            refused=refused,
            unread=estate.unread,
        )
        if status != dict(one.status) and self._monotonic() >= self._said_at.get(name, 0.0):
            await self._write(one, status)
        counted = not (one.invalid or unread_of(one, estate.unread))
        return account_of(plan, estate.checks, status, refused, counted=counted)

    async def _write(self, one: ClusterTokenCheck, status: Mapping[str, Any]) -> None:
        result, _ = await self._status.write(
            Key("ClusterTokenCheck", "", one.name),
            uid=one.uid,
            resource_version=one.resource_version,
            status=merge_patch(one.status, status),
        )
        self._said_at.pop(one.name, None)
        if result in REFUSED:
            self._said_at[one.name] = self._monotonic() + AFTER_A_REFUSAL_S
