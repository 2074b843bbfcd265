"""The status of a check that tells no verdict: suspended, invalid, or refused by the schema."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from tokencheck.api.tokencheck import GateMode, TokenCheck
from tokencheck.core.outcome.bypass import Bypass, bypassed
from tokencheck.core.outcome.condition import Condition, State, Type, invalid_spec, previous, render
from tokencheck.core.outcome.stalled import pulse_of
from tokencheck.core.outcome.status import common_fields
from tokencheck.core.outcome.transitions import events_of_gate
from tokencheck.model.finding import Verdict
from tokencheck.model.outcome import Outcome
from tokencheck.model.reasons import Reason

_REMEMBERED = ("name", "source", "resourceVersion", "changedTime", "baseline")


def plan_suspended(check: TokenCheck, bypass: Bypass | None, now: datetime) -> Outcome:
    """Return a status without Ready; baseline and verified revision outlive the pause.

    So does break-glass: who asked, and since when. Without Ready it opens nothing, so that it does
    is not told.
    """
    suspended = Condition(
        type=Type.SUSPENDED,
        state=State.TRUE,
        reason=Reason.SUSPENDED,
        message="spec.suspend is true; remove it to check again",
    )
    told = [] if bypass and bypass.opens else _told(bypass)
    conditions = [*told, suspended]
    status = common_fields(check, bypass)
    status["conditions"] = render(conditions, check.status, generation=check.generation, now=now)
    status |= {kept: check.status[kept] for kept in ("tokens", "rollout") if kept in check.status}
    return _outcome(check, status, bypass)


def plan_invalid(check: TokenCheck, bypass: Bypass | None, now: datetime) -> Outcome:
    """Return a status that names every fault of the spec; its Stalled is a pulse like any other."""
    truth = invalid_spec(Type.READY, State.FALSE, check.invalid)
    ready = bypassed(truth, bypass, Verdict.UNKNOWN)
    stored = previous(check.status, Type.READY)
    same_cause = (
        (stored.get("status"), stored.get("reason")) == (ready.state, ready.reason)
        and check.status.get("observedGeneration") == check.generation
    )  # fmt: skip
    pulse = pulse_of(check, ready, same_cause=same_cause, now=now)
    conditions = [ready, *_told(bypass), *([pulse.condition] if pulse.condition else [])]
    status = common_fields(check, bypass)
    status["conditions"] = render(conditions, check.status, generation=check.generation, now=now)
    return _outcome(check, status, bypass, pulse.until)


def plan_revoked(
    check: TokenCheck, lost: str, mend: str, bypass: Bypass | None, now: datetime
) -> Outcome:
    """Return a status that says only that its author may not ask for it any more.

    Baselines and the verified revision stay, so that a right that is given back hides no drift.

    Args:
        check: with its author.
        lost: what he may not any more, as the end of "may no longer …".
        mend: the command that gives it back.
        bypass: what break-glass does to the gate.
        now: aware UTC.
    """
    who = check.requester.name if check.requester else "its author"
    message = (
        f"{who}, who applied this, may no longer {lost} (with the groups of then); give the right"
        f" back: {mend}; or let who may apply a change of the spec"
    )
    resolved = Condition(
        type=Type.RESOLVED,
        state=State.UNKNOWN,
        reason=Reason.ACCESS_REVOKED,
        message=message,
    )
    ready = replace(resolved, type=Type.READY)
    if check.spec.gate.mode is not GateMode.ENFORCE:
        told = f"gate.mode is {check.spec.gate.mode}; the verdict is {Verdict.UNKNOWN}: {message}"
        ready = replace(ready, state=State.TRUE, reason=Reason.ADVISORY, message=told)
    conditions = [bypassed(ready, bypass, Verdict.UNKNOWN), resolved, *_told(bypass)]
    status = common_fields(check, bypass) | {"verdict": str(Verdict.UNKNOWN)}
    status["conditions"] = render(conditions, check.status, generation=check.generation, now=now)
    status |= {"rollout": check.status["rollout"]} if "rollout" in check.status else {}
    tokens = [
        {field: token[field] for field in _REMEMBERED if field in token}
        for token in check.status.get("tokens") or ()
    ]
    status |= {"tokens": tokens} if tokens else {}
    return _outcome(check, status, bypass)


def _told(bypass: Bypass | None) -> list[Condition]:
    return [bypass.condition] if bypass else []


def _outcome(
    check: TokenCheck,
    status: dict[str, Any],
    bypass: Bypass | None,
    until: datetime | None = None,
) -> Outcome:
    """Of a check that tells no verdict only the gate is told by events."""
    moments = (until, bypass.wake_at if bypass else None)
    return Outcome(
        status=status,
        changed=status != dict(check.status),
        events=events_of_gate(check, status),
        wake_at=min(filter(None, moments), default=None),
    )


def bare_status(check: TokenCheck, outcome: Outcome) -> dict[str, Any]:
    """Return a status that any schema takes, for one that the API server rejected."""
    ready = previous(outcome.status, Type.READY)
    told = {
        "type": str(Type.READY),
        "status": str(State.UNKNOWN),
        "observedGeneration": check.generation,
        "lastTransitionTime": ready.get("lastTransitionTime", "1970-01-01T00:00:00Z"),
        "reason": str(Reason.STATUS_REJECTED),
        "message": "the API server rejected the status; please report it with this spec",
    }
    return {"observedGeneration": check.generation, "conditions": [told]}
