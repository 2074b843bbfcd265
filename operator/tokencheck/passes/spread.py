"""One round over all ClusterTokenChecks: look, plan, take some steps, say how each stands."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain, islice

from tokencheck.core.outcome.patch import merge_patch
from tokencheck.core.outcome.spread import plan_cluster_status
from tokencheck.core.spread.plan import plans_of
from tokencheck.model.estate import Estate, Place, Plan, Step
from tokencheck.model.keys import Key
from tokencheck.model.ports import Estates, Maker, StatusSink, WriteResult

# A new TokenCheck costs a pass, a status and an Event: far below what the operator and the API
# server can do, so that 5,000 new workloads make no storm.
STEPS = 50
AT_A_TIME = 4
AGAIN_AFTER = timedelta(seconds=30)  # what was refused
_REFUSED = (WriteResult.REFUSED, WriteResult.REJECTED, WriteResult.FAILED)


class Rounds:
    """Goes round, whenever it is told to."""

    def __init__(
        self, estates: Estates, maker: Maker, status: StatusSink, *, clock: Callable[[], datetime]
    ) -> None:
        """Remember nothing yet of what was refused."""
        self._estates = estates
        self._maker = maker
        self._status = status
        self._clock = clock
        self._again_at: dict[Place, datetime] = {}

    async def go(self) -> bool:
        """Take at most `STEPS` steps, write what changed, and return whether more is to be done."""
        estate = self._estates.look()
        if estate is None:
            return False
        # Thousands of workloads take a tenth of a second, and no verdict has to wait for them.
        plans = await asyncio.to_thread(plans_of, estate)
        planned = {step.place for plan in plans.values() for step in plan.steps}
        self._again_at = {at: when for at, when in self._again_at.items() if at in planned}
        now = self._clock()
        due = [
            step
            for step in chain.from_iterable(plan.steps for plan in plans.values())
            if step.place not in self._again_at or self._again_at[step.place] <= now
        ]
        await self._take(list(islice(due, STEPS)))
        for name, plan in plans.items():
            await self._say(estate, name, plan)
        return len(due) > STEPS

    async def _take(self, steps: list[Step]) -> None:
        turns = asyncio.Semaphore(AT_A_TIME)

        async def take(step: Step) -> None:
            async with turns:
                result = await self._maker.take(step)
            if result in _REFUSED:
                self._again_at[step.place] = self._clock() + AGAIN_AFTER
            else:
                self._again_at.pop(step.place, None)

        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(take(step))

    async def _say(self, estate: Estate, name: str, plan: Plan) -> None:
        one = estate.cluster_checks[name]
        refused = {step.place for step in plan.steps if step.place in self._again_at}
        status = await asyncio.to_thread(
            plan_cluster_status,
            one,
            plan,
            estate.checks,
            self._clock(),
            refused=refused,
            unread=estate.unread,
        )
        if status == dict(one.status):
            return
        await self._status.write(
            Key("ClusterTokenCheck", "", name),
            uid=one.uid,
            resource_version=one.resource_version,
            status=merge_patch(one.status, status),
        )
