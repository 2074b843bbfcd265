"""The status of a check that tells no verdict: suspended, invalid, or refused by the schema."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from tokencheck.api.tokencheck import GateMode, TokenCheck
from tokencheck.core.outcome.condition import Condition, State, Type, invalid_spec, previous, render
from tokencheck.core.outcome.stalled import pulse_of
from tokencheck.core.outcome.status import common_fields
from tokencheck.model.finding import Verdict
from tokencheck.model.outcome import Outcome
from tokencheck.model.reasons import Reason

_REMEMBERED = ("name", "source", "resourceVersion", "changedTime", "baseline")


def plan_suspended(check: TokenCheck, now: datetime) -> Outcome:
    """Return a status without Ready; baseline and verified revision outlive the pause."""
    suspended = Condition(
        type=Type.SUSPENDED,
        state=State.TRUE,
        reason=Reason.SUSPENDED,
        message="spec.suspend is true; remove it to check again",
    )
    status = common_fields(check)
    status["conditions"] = render([suspended], check.status, generation=check.generation, now=now)
    status |= {kept: check.status[kept] for kept in ("tokens", "rollout") if kept in check.status}
    return Outcome(status=status, changed=status != dict(check.status))


def plan_invalid(check: TokenCheck, now: datetime) -> Outcome:
    """Return a status that names every fault of the spec; its Stalled is a pulse like any other."""
    ready = invalid_spec(Type.READY, State.FALSE, check.invalid)
    stored = previous(check.status, Type.READY)
    same_cause = (
        (stored.get("status"), stored.get("reason")) == (ready.state, ready.reason)
        and check.status.get("observedGeneration") == check.generation
    )  # fmt: skip
    pulse = pulse_of(check, ready, same_cause=same_cause, now=now)
    conditions = [ready, *([pulse.condition] if pulse.condition else [])]
    status = common_fields(check)
    status["conditions"] = render(conditions, check.status, generation=check.generation, now=now)
    changed = status != dict(check.status)
    return Outcome(status=status, changed=changed, wake_at=pulse.until)


def plan_revoked(check: TokenCheck, lost: str, mend: str, now: datetime) -> Outcome:
    """Return a status that says only that its author may not ask for it any more.

    Baselines and the verified revision stay, so that a right that is given back hides no drift.

    Args:
        check: with its author.
        lost: what he may not any more, as the end of "may no longer …".
        mend: the command that gives it back.
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
    status = common_fields(check) | {"verdict": str(Verdict.UNKNOWN)}
    status["conditions"] = render(
        [ready, resolved], check.status, generation=check.generation, now=now
    )
    status |= {"rollout": check.status["rollout"]} if "rollout" in check.status else {}
    tokens = [
        {field: token[field] for field in _REMEMBERED if field in token}
        for token in check.status.get("tokens") or ()
    ]
    status |= {"tokens": tokens} if tokens else {}
    return Outcome(status=status, changed=status != dict(check.status))


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
