"""What happens to a check while its operator dies. Each has one change, and one truth after it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cluster.shop import DAY_S, Object, Signer, listed
from faults.kills.spread import LATER, SpreadStage
from faults.kills.stage import (
    EXPIRED,
    GOOD,
    MISSING,
    OTHERS,
    STRANGE,
    SUSPENDED,
    WARNED,
    Stage,
)

LIFE_S = 8  # of a token whose end is waited for; the stage is set within it


@dataclass(frozen=True)
class Scenario:
    """One change.

    Args:
        name: for people.
        before: sets the stage; its last truth stands in the status before the change comes.
        act: the change, and the truth after it. Without one the start itself is the change.
        starts: the operator is started by the change, and dies at a call of its start.
        elects: it takes part in an election, whose Lease is not there before.
        spreads: it keeps TokenChecks for ClusterTokenChecks, and the stage is a `SpreadStage`.
    """

    name: str
    before: Callable[[Any], None]
    act: Callable[[Any], None] = lambda _: None
    starts: bool = False
    elects: bool = False
    spreads: bool = False


def good(stage: Stage) -> None:
    stage.provider()
    stage.hold(stage.issued(ago_s=3600))
    stage.judge()
    stage.true(GOOD)


def bad(stage: Stage) -> None:
    stage.provider()
    stage.hold(Signer().token())
    stage.judge()
    stage.true(STRANGE)


def missing(stage: Stage) -> None:
    stage.provider()
    stage.judge()
    stage.true(MISSING)


def nothing(stage: Stage) -> None:
    stage.provider()


def rolled_out(stage: Stage) -> None:
    stage.provider()
    generation = stage.deploy("1")
    stage.roll_out(generation)
    stage.hold(stage.signer.token())
    stage.judge(workload=True)
    stage.true(GOOD, when=verified(generation))


def lasting(stage: Stage) -> None:
    """A token that ends soon, used by a workload."""
    stage.provider()
    stage.roll_out(stage.deploy("1"))
    end = int(time.time()) + LIFE_S
    stage.hold(stage.signer.token(iat=end - DAY_S, exp=end))
    stage.judge(workload=True)
    stage.true(GOOD)
    stage.end = end


def verified(generation: int) -> Callable[[Object], bool]:
    return lambda found: found["status"].get("rollout", {}).get("verifiedGeneration") == generation


def rotate(stage: Stage) -> None:
    stage.hold(stage.issued())
    stage.true(GOOD)


def rotate_later(stage: Stage) -> None:
    """What follows a verdict within two seconds may be what brought it, by another clock."""
    time.sleep(3)
    rotate(stage)


def spoil(stage: Stage) -> None:
    stage.hold(Signer().token())
    stage.true(STRANGE)


def broaden(stage: Stage) -> None:
    stage.hold(stage.issued(scope="payments:read payments:write refunds:read"))
    stage.true(WARNED)


def remove(stage: Stage) -> None:
    stage.drop()
    stage.true(MISSING)


def apply(stage: Stage) -> None:
    stage.hold(stage.signer.token())
    stage.judge()
    stage.true(GOOD)


def outlive(stage: Stage) -> None:
    stage.true(EXPIRED, since=stage.end)


def ask_more(stage: Stage) -> None:
    provider = {"providerRef": {"name": stage.namespace}}
    stage.edit(tokens=[listed("payments", **provider, audiences=["refunds-api"])])
    stage.true(OTHERS)


def suspend(stage: Stage) -> None:
    stage.edit(suspend=True)
    stage.true(SUSPENDED)


def suspended(stage: Stage) -> None:
    good(stage)
    stage.edit(suspend=True)
    stage.truths.clear()
    stage.true(SUSPENDED)


def resume(stage: Stage) -> None:
    stage.edit(suspend=False)
    stage.true(GOOD)


def distrust(stage: Stage) -> None:
    stage.provider(Signer())
    stage.true(STRANGE)


def release(stage: Stage) -> None:
    generation = stage.deploy("2")
    stage.roll_out(generation)
    stage.true(GOOD, when=verified(generation))


def delete(stage: Stage) -> None:
    stage.hold(Signer().token())
    stage.delete("TokenCheck", stage.CHECK)
    stage.gone = True


def deployed(stage: SpreadStage) -> None:
    stage.build()


def select(stage: SpreadStage) -> None:
    stage.select("1h")


def selected(stage: SpreadStage) -> None:
    stage.build()
    stage.select("1h")


def select_otherwise(stage: SpreadStage) -> None:
    stage.select("2h")


def retire(stage: SpreadStage) -> None:
    stage.delete("Deployment", "web")
    stage.wanted = set()


def write_by_hand(stage: SpreadStage) -> None:
    """Whose workload has one that somebody wrote loses the one that was made."""
    stage.write(LATER, "Deployment/web")
    stage.wanted = set()


ALL = (
    Scenario("first start, good token", good, starts=True),
    Scenario("first start, bad token", bad, starts=True),
    Scenario("first start, rolled out", rolled_out, starts=True),
    Scenario("first start, elected", rolled_out, starts=True, elects=True),
    Scenario("check applied", nothing, apply),
    Scenario("rotation", good, rotate_later),
    Scenario("rotation to a bad token", good, spoil),
    Scenario("repair", bad, rotate),
    Scenario("drift", good, broaden),
    Scenario("Secret deleted", good, remove),
    Scenario("Secret created", missing, rotate),
    Scenario("expiry", lasting, outlive),
    Scenario("rollout", rolled_out, release),
    Scenario("spec change", good, ask_more),
    Scenario("suspend", good, suspend),
    Scenario("resume", suspended, resume),
    Scenario("provider's keys changed", good, distrust),
    Scenario("deletion", good, delete),
    Scenario("ClusterTokenCheck applied", deployed, select, spreads=True),
    Scenario("another template", selected, select_otherwise, spreads=True),
    Scenario("workload deleted", selected, retire, spreads=True),
    Scenario("a check by hand", selected, write_by_hand, spreads=True),
)
