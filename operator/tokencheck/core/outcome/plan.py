"""An assessment and a rollout -> what is written, said, and when to look again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tokencheck.api.tokencheck import GateMode, TokenCheck
from tokencheck.core.outcome.condition import Condition, State, Type, previous, render
from tokencheck.core.outcome.conditions import advisory, positive
from tokencheck.core.outcome.following import (
    Following,
    follow,
    opening_condition,
    rollout_condition,
    rollout_status,
)
from tokencheck.core.outcome.ready import ready_of, same_cause
from tokencheck.core.outcome.stalled import Pulse, pulse_of
from tokencheck.core.outcome.status import common_fields, results_status
from tokencheck.core.outcome.transitions import events_of
from tokencheck.model.assessment import Assessment
from tokencheck.model.evidence import Baseline
from tokencheck.model.outcome import Outcome
from tokencheck.model.reasons import Reason
from tokencheck.model.workload import Rollout

_REASONS, _STATES = frozenset(Reason), frozenset(State)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the status holds besides the results: baselines by token name, and the owner."""

    baselines: Mapping[str, Baseline | None]
    owner: str = ""


def plan(
    check: TokenCheck,
    rollout: Rollout,
    assessment: Assessment,
    kept: Kept,
    now: datetime,
) -> Outcome:
    """Return what a full pass wants: one status, its events, and the next moment to look.

    Args:
        check: with the status that stands, from which transition times, baseline and pulses are
            taken.
        rollout: where the workload's rollout is.
        assessment: the tokens, judged now.
        kept: what the status holds besides the results.
    """
    following = follow(check, rollout)
    ready = ready_of(check, following, assessment)
    pulse = _pulse(check, following, assessment, ready, now)
    followed = rollout_condition(following, assessment)
    conditions = [
        ready,
        *positive(assessment.findings),
        *([followed] if followed else []),
        *advisory(assessment.findings),
        *([pulse.condition] if pulse.condition else []),
    ]
    results = results_status(assessment, kept.baselines, check.status, now)
    status = common_fields(check) | results
    if kept.owner:
        status["owner"] = kept.owner[:128]
    status["conditions"] = render(conditions, check.status, generation=check.generation, now=now)
    verified = followed is not None and followed.state is State.TRUE
    if (followed_status := rollout_status(following, verified=verified)) is not None:
        status["rollout"] = followed_status
    return Outcome(
        status=status,
        changed=status != dict(check.status),
        events=events_of(check, status),
        wake_at=min((m for m in (assessment.wake_at, pulse.until) if m is not None), default=None),
    )


def _pulse(
    check: TokenCheck, following: Following, assessment: Assessment, ready: Condition, now: datetime
) -> Pulse:
    if check.spec.gate.mode is not GateMode.ENFORCE:
        return Pulse()  # Ready=True never stands beside Reconciling or Stalled
    if ready.state is State.FALSE:
        pulse = pulse_of(
            check, ready, same_cause=same_cause(check, following, assessment, ready), now=now
        )
        if pulse.condition is not None or not following.open:
            return pulse
    return Pulse(condition=_reconciling(following)) if following.open else Pulse()


def _reconciling(following: Following) -> Condition:
    opening = opening_condition(following.rollout)
    return Condition(
        type=Type.RECONCILING, state=State.TRUE, reason=opening.reason, message=opening.message
    )


def plan_opening(check: TokenCheck, rollout: Rollout, now: datetime) -> Outcome | None:
    """Return the first write of a rollout, before any token is read; None when it stands already.

    Ready=Unknown and Reconciling=True stand there before a tool that waits can read the old
    verdict: Flux looks after
    20 to 70 ms, Helm after 250 ms.
    """
    following = follow(check, rollout)
    if not following.started or check.spec.gate.mode is not GateMode.ENFORCE:
        return None
    opening = opening_condition(rollout)
    ready = Condition(
        type=Type.READY, state=State.UNKNOWN, reason=opening.reason, message=opening.message
    )
    replaced = {Type.READY, Type.ROLLOUT_VERIFIED, Type.RECONCILING, Type.STALLED, Type.SUSPENDED}
    kept = [c for c in _kept(check) if c.type not in replaced]
    conditions = [ready, *kept, opening, _reconciling(following)]
    status = dict(check.status)
    # The spec is not observed before its tokens are judged: a crash between the two writes must not
    # lose that a new spec accepts a drift.
    observed = int(check.status.get("observedGeneration", -1))
    status["observedGeneration"] = observed
    status["conditions"] = render(conditions, check.status, generation=observed, now=now)
    status["rollout"] = rollout_status(following, verified=False)
    return Outcome(status=status, changed=status != dict(check.status))


def _kept(check: TokenCheck) -> list[Condition]:
    """Return our stored conditions as they stand."""
    kept = []
    for kind in Type:
        stored = previous(check.status, kind)
        if stored.get("reason") in _REASONS and stored.get("status") in _STATES:
            kept.append(
                Condition(
                    type=kind,
                    state=State(stored["status"]),
                    reason=Reason(stored["reason"]),  # type: ignore[call-arg]
                    message=str(stored.get("message", "")),
                )
            )
    return kept
