"""What metrics show of a ClusterTokenCheck: its status in numbers, and the steps that are left."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tokencheck.core.outcome.spread import standing_of
from tokencheck.model.estate import Place, Plan, Standing
from tokencheck.model.finding import Verdict
from tokencheck.model.ports import WriteResult
from tokencheck.model.rounds import CAUSES, STEPS, TAKEN, Account


def account_of(
    plan: Plan,
    checks: Mapping[Place, Standing],
    status: Mapping[str, Any],
    refused: Mapping[Place, WriteResult],
    *,
    counted: bool,
) -> Account:
    """Return how it stands.

    Args:
        plan: of this round.
        checks: all TokenChecks.
        status: that was planned for it.
        refused: how the API server answered to steps that it did not take.
        counted: whether all that it needs was listed; else nothing is counted, and what its status
            said of workloads before still stands.
    """
    told = status.get("workloads") or {}
    known = Account(
        conditions=tuple((one["type"], one["status"]) for one in status.get("conditions") or ()),
        workloads={_word(key): number for key, number in told.items() if key != "selected"},
    )
    if not counted:
        return known
    verdicts = Counter(one.verdict for one in standing_of(plan, checks).values())
    waiting = Counter(type(step).__name__ for step in plan.steps)
    causes = Counter(map(str, refused.values())) + Counter({TAKEN: len(plan.tally.taken)})
    return replace(
        known,
        verdicts={str(verdict): verdicts[verdict] for verdict in Verdict},
        waiting={kind: waiting[kind] for kind in STEPS},
        refused={cause: causes[cause] for cause in CAUSES},
    )


def _word(key: str) -> str:
    """Return ``handWritten`` as a metric has it."""
    return key[:1].upper() + key[1:]
