"""Rounds over ClusterTokenChecks: what is taken, what waits, and what is said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tokencheck.api.clustertokencheck import parse_clustertokencheck
from tokencheck.api.tokencheck import WorkloadRef
from tokencheck.model.estate import Estate, Place, Standing, Step
from tokencheck.model.keys import Key
from tokencheck.model.ports import WriteResult
from tokencheck.passes.spread import STEPS, Rounds


class World:
    """A cluster of Deployments, and what was asked of it."""

    def __init__(self, count: int) -> None:
        meta = {"name": "all", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
        self.one = parse_clustertokencheck({"metadata": meta, "spec": {"namespaceSelector": {}}})
        self.workloads = {Place("shop", f"w{i}"): {} for i in range(count)}
        self.checks: dict[Place, Standing] = {}
        self.now = 1000.0
        self.set_by_s = 0.0
        self.answer = WriteResult.WRITTEN
        self.status_answer = WriteResult.WRITTEN
        self.unread: tuple[str, ...] = ()
        self.taken: list[Step] = []
        self.said: list[Mapping[str, Any]] = []
        self.rounds = Rounds(self, self, self, wall=self.wall, monotonic=self.monotonic)

    def monotonic(self) -> float:
        """It moves with every look, as a real one does."""
        self.now += 1e-6
        return self.now

    def wall(self) -> datetime:
        return datetime.fromtimestamp(1.8e9 + self.monotonic() + self.set_by_s, UTC)

    def look(self) -> Estate:
        return Estate(
            cluster_checks={"all": self.one},
            namespaces={"shop": {}},
            workloads={"Deployment": self.workloads},
            checks=self.checks,
            unread=self.unread,
        )

    async def take(self, step: Step) -> WriteResult:
        self.taken.append(step)
        return self.answer

    async def write(
        self, key: Key, *, uid: str, resource_version: str, status: Mapping[str, Any]
    ) -> tuple[WriteResult, str]:
        assert (key, uid, resource_version) == (Key("ClusterTokenCheck", "", "all"), "u", "")
        self.said.append(status)
        return self.status_answer, ""

    async def go(self, after_s: float = 0.0) -> int:
        """One more round; returns how many steps it took."""
        self.now += after_s
        before = len(self.taken)
        await self.rounds.go()
        return len(self.taken) - before


async def test_a_round_takes_so_many_steps_and_says_that_there_are_more() -> None:
    world = World(STEPS + 1)
    assert await world.rounds.go() is True
    assert len(world.taken) == STEPS


async def test_what_is_new_goes_before_what_was_tried_in_vain() -> None:
    """Fifty that nothing helps must not keep all others waiting."""
    world = World(STEPS)
    await world.go()
    world.workloads[Place("shop", "new")] = {}
    world.now += 3
    await world.go()
    assert len(world.taken) == 2 * STEPS
    assert world.taken[STEPS].place == Place("shop", "deployment-new")


@pytest.mark.parametrize(
    ("answer", "waits_s"), [(WriteResult.WRITTEN, [2, 4, 8]), (WriteResult.REFUSED, [30, 30])]
)
async def test_what_is_wanted_again_waits_longer_each_time(
    answer: WriteResult, waits_s: list[int]
) -> None:
    world = World(1)
    world.answer = answer
    assert await world.go() == 1
    for wait_s in waits_s:
        assert await world.go(wait_s - 0.5) == 0
        assert await world.go(0.5) == 1


async def test_a_clock_that_is_set_back_holds_up_nothing() -> None:
    world = World(1)
    world.answer = world.status_answer = WriteResult.REFUSED
    await world.go()
    world.set_by_s = -86_400
    assert await world.go(30) == 1
    assert len(world.said) == 2


async def test_a_step_that_is_not_wanted_any_more_is_forgotten() -> None:
    world = World(1)
    world.answer = WriteResult.REFUSED
    await world.go()
    kept, world.workloads = world.workloads, {}
    await world.go()
    world.workloads = kept
    assert await world.go() == 1


async def test_who_does_not_lead_tries_again_at_once_when_he_does() -> None:
    world = World(1)
    world.answer = WriteResult.STANDBY
    await world.go()
    assert await world.go() == 1


async def test_a_status_that_is_refused_waits_and_one_that_says_the_same_is_not_written() -> None:
    world = World(0)
    world.status_answer = WriteResult.REFUSED
    await world.go()
    await world.go(29)
    assert len(world.said) == 1
    await world.go(1)
    assert len(world.said) == 2


async def test_an_account_says_what_waits_what_was_refused_and_why() -> None:
    world = World(2)
    assert not world.rounds.whole
    world.answer = WriteResult.REFUSED
    await world.go()
    account = world.rounds.accounts["all"]
    assert dict(account.conditions)["Ready"] == "Unknown"
    assert account.waiting == {"Make": 2, "Renew": 0, "Remove": 0}
    assert account.refused == {"Refused": 2, "Rejected": 0, "Failed": 0, "Taken": 0}
    assert account.workloads["Refused"] == 2
    assert "Selected" not in account.workloads
    assert world.rounds.taken["Make", "Refused"] == 2
    assert world.rounds.taken["Make", "Written"] == world.rounds.taken["Remove", "Refused"] == 0
    assert world.rounds.whole


async def test_verdicts_are_counted_and_one_that_is_to_be_renewed_is_unknown() -> None:
    world = World(1)
    of_another = Standing(uid="1", resource_version="1", maker="u", verdict="Valid")
    world.checks[Place("shop", "deployment-w0")] = of_another
    await world.go()
    account = world.rounds.accounts["all"]
    assert account.waiting == {"Make": 0, "Renew": 1, "Remove": 0}
    assert account.verdicts == {"Valid": 0, "Invalid": 0, "Unknown": 1}
    assert world.rounds.taken["Renew", "Written"] == 1


async def test_a_name_that_another_has_is_a_cause() -> None:
    world = World(1)
    ref = WorkloadRef(api_version="apps/v1", kind="Deployment", name="other")
    other = Standing(uid="1", resource_version="1", maker="", ref=ref)
    world.checks[Place("shop", "deployment-w0")] = other
    await world.go()
    assert world.rounds.accounts["all"].refused["Taken"] == 1


async def test_where_not_all_could_be_listed_nothing_is_counted_and_no_round_is_whole() -> None:
    """No step is known to be left, which is not the same as none being left."""
    world = World(1)
    world.unread = ("tokenchecks",)
    await world.go()
    account = world.rounds.accounts["all"]
    assert dict(account.conditions)["Ready"] == "Unknown"
    assert (account.verdicts, account.waiting, account.refused) == ({}, {}, {})
    assert not world.rounds.whole
    world.unread = ()
    await world.go()
    assert world.rounds.accounts["all"].waiting["Make"] == 1
    assert world.rounds.whole


async def test_a_step_that_was_not_sent_was_not_taken() -> None:
    world = World(1)
    world.answer = WriteResult.STANDBY
    await world.go()
    assert sum(world.rounds.taken.values()) == 0
