"""Where the rollout stands against the last verdict, and what RolloutVerified says of it.

A rollout starts when spec.template changes. Any other change of the workload (scale, pause, a Pod
that comes and
goes) leaves a verified template verified: only `generation` and `verifiedGeneration` move.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.outcome.condition import Condition, State, Type
from tokencheck.core.outcome.words import sentence
from tokencheck.model.assessment import Assessment
from tokencheck.model.finding import Verdict
from tokencheck.model.reasons import Reason
from tokencheck.model.workload import Rollout, RolloutState

LASTING: Mapping[RolloutState, tuple[State, Reason]] = {
    RolloutState.PAUSED: (State.UNKNOWN, Reason.ROLLOUT_PAUSED),
    RolloutState.SCALED_TO_ZERO: (State.UNKNOWN, Reason.SCALED_TO_ZERO),
    RolloutState.WAITING_FOR_MANUAL_UPDATE: (State.UNKNOWN, Reason.WAITING_FOR_MANUAL_UPDATE),
    RolloutState.NO_ROLLOUT: (State.UNKNOWN, Reason.NO_ROLLOUT),
    RolloutState.FAILED: (State.FALSE, Reason.ROLLOUT_FAILED),
    RolloutState.NOT_FOUND: (State.UNKNOWN, Reason.WORKLOAD_NOT_FOUND),
    RolloutState.UNREADABLE: (State.UNKNOWN, Reason.ACCESS_DENIED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """The rollout, seen from the status that stands.

    Args:
        open: not settled yet, so Ready has to wait.
        started: the template is not the one of the stored status.
    """

    rollout: Rollout
    open: bool
    started: bool
    verified_generation: int | None


def follow(check: TokenCheck, rollout: Rollout) -> Following:
    """Return where `rollout` stands against the stored status of `check`."""
    stored = check.status.get("rollout") or {}
    same = stored.get("uid") == rollout.uid and stored.get("templateHash") == rollout.template_hash
    # A template stays verified only under the spec that it was verified for: a new spec.release
    # asks for another one, and a number kept from before would close the rollout at the next pass.
    same_spec = check.status.get("observedGeneration") == check.generation
    verified = stored.get("verifiedGeneration") if same and same_spec else None
    return Following(
        rollout=rollout,
        open=rollout.state is RolloutState.IN_PROGRESS and verified is None,
        started=not same and rollout.state is RolloutState.IN_PROGRESS,
        verified_generation=verified,
    )


def rollout_condition(following: Following, assessment: Assessment) -> Condition | None:
    """Return RolloutVerified; None when the check follows no workload."""
    rollout = following.rollout
    if rollout.state is RolloutState.NONE:
        return None
    if following.open:
        return opening_condition(rollout)
    if rollout.state in LASTING:
        state, reason = LASTING[rollout.state]
        return Condition(
            type=Type.ROLLOUT_VERIFIED,
            state=state,
            reason=reason,
            message=rollout.detail or reason.sentence,
        )
    if assessment.verdict is Verdict.VALID:
        return Condition(
            type=Type.ROLLOUT_VERIFIED,
            state=State.TRUE,
            reason=Reason.ROLLOUT_VERIFIED,
            message=f"{rollout.kind} {rollout.name} generation {rollout.generation}"
            " runs with verified tokens",
        )
    worst = assessment.findings[0] if assessment.findings else None
    return Condition(
        type=Type.ROLLOUT_VERIFIED,
        state=State.FALSE if assessment.verdict is Verdict.INVALID else State.UNKNOWN,
        reason=worst.reason if worst else Reason.PENDING,
        message=sentence(worst.message, worst.action) if worst else Reason.PENDING.sentence,
    )


def opening_condition(rollout: Rollout) -> Condition:
    """Return RolloutVerified of a rollout that is not settled."""
    return Condition(
        type=Type.ROLLOUT_VERIFIED,
        state=State.UNKNOWN,
        reason=Reason.ROLLOUT_IN_PROGRESS,
        message=rollout.detail or Reason.ROLLOUT_IN_PROGRESS.sentence,
    )


def rollout_status(following: Following, *, verified: bool) -> dict[str, Any] | None:
    """Return status.rollout.

    None when the check follows no workload or the workload is not there.
    """
    rollout = following.rollout
    if not rollout.uid:
        return None
    generation = rollout.generation if verified else following.verified_generation
    state = (
        RolloutState.SETTLED
        if rollout.state is RolloutState.IN_PROGRESS and not following.open
        else rollout.state
    )
    fields = {
        "kind": rollout.kind,
        "name": rollout.name,
        "uid": rollout.uid,
        "generation": rollout.generation,
        "verifiedGeneration": generation,
        "templateHash": rollout.template_hash,
        "revision": rollout.revision or None,
        "state": str(state),
    }
    return {name: value for name, value in fields.items() if value is not None}
