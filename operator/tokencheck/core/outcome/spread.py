"""The status of a ClusterTokenCheck: are the tokens of all these workloads good?"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tokencheck.api.clustertokencheck import LABEL_MADE_BY, ClusterTokenCheck
from tokencheck.core.outcome.condition import Condition, State, Type, invalid_spec, render
from tokencheck.model.estate import NEEDED, Place, Plan, Standing
from tokencheck.model.reasons import Reason

MAX_SHOWN = 20
_VALID, _INVALID, _UNKNOWN = "Valid", "Invalid", "Unknown"


def plan_cluster_status(
    one: ClusterTokenCheck,
    plan: Plan,
    checks: Mapping[Place, Standing],
    now: datetime,
    *,
    refused: Collection[Place] = (),
    unread: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the whole status, equal to the stored one when nothing changed.

    The truth about tokens counts (`status.verdict` of each TokenCheck), whatever its gate makes of
    Ready.

    Args:
        checks: all TokenChecks.
        refused: where one could not be made, renewed or removed, and is tried again later.
        unread: plurals of what could not be listed.
    """
    standing = standing_of(plan, checks)
    unread = unread_of(one, unread)
    conditions = list(_conditions(one, plan, standing, refused=refused, unread=unread))
    status: dict[str, Any] = {
        "observedGeneration": one.generation,
        "conditions": render(conditions, one.status, generation=one.generation, now=now),
    }
    if one.invalid or unread:  # what was counted before is not known to be wrong
        return {**one.status, **status}
    tally = plan.tally
    good = sum(1 for check in standing.values() if check.verdict == _VALID)
    return status | {
        "good": f"{good}/{len(standing)}",
        "workloads": {
            "selected": tally.selected,
            "checked": len(standing),
            "handWritten": tally.hand_written,
            "optedOut": tally.opted_out,
            "others": tally.others,
            "refused": len(refused) + len(tally.taken),
        },
        "failing": _failing(standing),
    }


def unread_of(one: ClusterTokenCheck, unread: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of these plurals that it needs."""
    mine = {*NEEDED, *(f"{kind.lower()}s" for kind in one.kinds)}
    return tuple(plural for plural in unread if plural in mine)


def standing_of(plan: Plan, checks: Mapping[Place, Standing]) -> dict[Place, Standing]:
    """Return its TokenChecks; one that is to be renewed is not judged by the spec that it needs."""
    renewing = {step.place for step in plan.steps}
    return {
        place: replace(checks[place], verdict=_UNKNOWN) if place in renewing else checks[place]
        for place in plan.tally.checked
        if place in checks
    }


def _conditions(
    one: ClusterTokenCheck,
    plan: Plan,
    standing: Mapping[Place, Standing],
    *,
    refused: Collection[Place],
    unread: tuple[str, ...],
) -> Iterator[Condition]:
    if one.invalid:
        yield invalid_spec(Type.READY, State.FALSE, one.invalid)
        yield invalid_spec(Type.STALLED, State.TRUE, one.invalid)
        return
    yield _summary(one, plan, standing, refused=refused, unread=unread)
    waiting = sum(1 for step in plan.steps if step.place not in refused)
    if waiting:
        left = f"{waiting} TokenCheck{'s' if waiting > 1 else ''} to be made, renewed or removed"
        yield Condition(
            type=Type.RECONCILING, state=State.TRUE, reason=Reason.PENDING, message=left
        )


def _summary(
    one: ClusterTokenCheck,
    plan: Plan,
    standing: Mapping[Place, Standing],
    *,
    refused: Collection[Place],
    unread: tuple[str, ...],
) -> Condition:
    """Return Ready: a failure goes before what is not known, and nothing at all is not known."""
    total = len(standing)
    bad = sum(1 for check in standing.values() if check.verdict == _INVALID)
    good = sum(1 for check in standing.values() if check.verdict == _VALID)
    look = f"kubectl get tokenchecks -A -l {LABEL_MADE_BY}={one.name}"
    if bad:
        return _ready(
            State.FALSE, Reason.CHECKS_FAIL, f"{bad} of {total} TokenChecks fail; see {look}"
        )
    if unread:
        return _ready(
            State.UNKNOWN,
            Reason.ACCESS_DENIED,
            f"{', '.join(unread)} cannot be listed; give the operator's ServiceAccount list and "
            "watch on them, as clusterTokenChecks.enabled of the chart does",
        )
    if stuck := [*refused, *plan.tally.taken]:
        place = min(stuck)
        return _ready(State.UNKNOWN, Reason.CHECKS_REFUSED, _why(place, len(stuck), refused))
    missing = sum(1 for step in plan.steps if step.place not in standing)
    if missing or good < total:
        left = f"{total - good + missing} of {total + missing} TokenChecks are not judged yet"
        return _ready(State.UNKNOWN, Reason.CHECKS_UNKNOWN, f"{left}; see {look}")
    if not total:
        return _ready(
            State.UNKNOWN,
            Reason.NO_WORKLOADS,
            "no workload is left to be checked; look at namespaceSelector and workloads, and at "
            "status.workloads for those that have a TokenCheck already or have opted out",
        )
    return _ready(State.TRUE, Reason.ALL_CHECKS_PASSED, f"all {total} TokenChecks are valid")


def _why(place: Place, count: int, refused: Collection[Place]) -> str:
    where = f"TokenCheck {place.namespace}/{place.name}"
    more = f" (and {count - 1} more)" if count > 1 else ""
    if place in refused:
        return (
            f"{where}{more} could not be written; the operator's log says how the API server "
            "answered: a right that clusterTokenChecks.enabled gives, a quota, a webhook, or a "
            "namespace that is ending"
        )
    return (
        f"{where}{more} has the name that is needed, and is of another workload or maker, or "
        "ending; rename or delete it"
    )


def _ready(state: State, reason: Reason, message: str) -> Condition:
    return Condition(type=Type.READY, state=state, reason=reason, message=message)


def _failing(standing: Mapping[Place, Standing]) -> list[dict[str, str]]:
    found = [(check.verdict != _INVALID, place, check) for place, check in standing.items()]
    worst = sorted((one for one in found if one[2].verdict != _VALID), key=lambda one: one[:2])
    return [
        {
            "namespace": place.namespace,
            "name": place.name,
            "verdict": check.verdict,
            "reason": check.reason,
        }
        for _, place, check in worst[:MAX_SHOWN]
    ]
