"""An assessment and a rollout -> what is written, said, and when to look again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tokencheck.api.tokencheck import GateMode, TokenCheck
from tokencheck.core.outcome.bypass import Bypass, bypassed
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
from tokencheck.core.outcome.transitions import events_of, events_of_gate
from tokencheck.model.assessment import Assessment
from tokencheck.model.evidence import Baseline
from tokencheck.model.finding import Verdict
from tokencheck.model.outcome import Outcome
from tokencheck.model.reasons import Reason
from tokencheck.model.workload import Rollout

_REPLACED = frozenset({Type.READY, Type.RECONCILING, Type.STALLED, Type.SUSPENDED, Type.BYPASSED})
_REASONS, _STATES = frozenset(Reason), frozenset(State)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the status holds besides the results.

    Args:
        baselines: by token name.
        bypass: what break-glass does to the gate; None where nobody asks for it.
    """

    baselines: Mapping[str, Baseline | None]
    owner: str = ""
    bypass: Bypass | None = None


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
    bypass = kept.bypass
    truth = ready_of(check, following, assessment)
    ready = bypassed(truth, bypass, assessment.verdict)
    pulse = _pulse(check, following, assessment, ready, now)
    followed = rollout_condition(following, assessment)
    conditions = [
        ready,
        *positive(assessment.findings),
        *([followed] if followed else []),
        *advisory(assessment.findings),
        *([bypass.condition] if bypass else []),
        *([pulse.condition] if pulse.condition else []),
    ]
    results = results_status(assessment, kept.baselines, check.status, now)
    status = common_fields(check, bypass) | results
    if kept.owner:
        status["owner"] = kept.owner[:128]
    status["conditions"] = render(conditions, check.status, generation=check.generation, now=now)
    verified = followed is not None and followed.state is State.TRUE
    if (followed_status := rollout_status(following, verified=verified)) is not None:
        status["rollout"] = followed_status
    moments = (assessment.wake_at, pulse.until, bypass.wake_at if bypass else None)
    return Outcome(
        status=status,
        changed=status != dict(check.status),
        events=events_of(check, status),
        wake_at=min(filter(None, moments), default=None),
    )


def _pulse(
    check: TokenCheck, following: Following, assessment: Assessment, ready: Condition, now: datetime
) -> Pulse:
    if check.spec.gate.mode is not GateMode.ENFORCE or ready.reason is Reason.BYPASSED:
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


def plan_opening(
    check: TokenCheck, rollout: Rollout, bypass: Bypass | None, now: datetime
) -> Outcome | None:
    """Return the first write of a rollout, before any token is read; None when it stands already.

    Ready=Unknown and Reconciling=True stand there before a tool that waits can read the old
    verdict: Flux looks after
    20 to 70 ms, Helm after 250 ms.
    """
    following = follow(check, rollout)
    if not following.started or check.spec.gate.mode is not GateMode.ENFORCE:
        return None
    if bypass is not None and bypass.opens:
        return None  # nobody is held back
    opening = opening_condition(rollout)
    ready = Condition(
        type=Type.READY, state=State.UNKNOWN, reason=opening.reason, message=opening.message
    )
    replaced = _REPLACED | {Type.ROLLOUT_VERIFIED}
    kept = [c for c in _kept(check) if c.type not in replaced]
    told = [bypass.condition] if bypass else []
    conditions = [ready, *kept, opening, *told, _reconciling(following)]
    status = _without_bypass(check) | (bypass.fields if bypass else {})
    # The spec is not observed before its tokens are judged: a crash between the two writes must not
    # lose that a new spec accepts a drift.
    observed = int(check.status.get("observedGeneration", -1))
    status["observedGeneration"] = observed
    status["conditions"] = render(conditions, check.status, generation=observed, now=now)
    status["rollout"] = rollout_status(following, verified=False)
    changed = status != dict(check.status)
    return Outcome(status=status, changed=changed, events=events_of_gate(check, status))


def plan_between(check: TokenCheck, bypass: Bypass | None, now: datetime) -> Outcome | None:
    """Return what is written while an answer about the tokens is awaited; None when nothing is.

    Break-glass is for the hour in which a provider hangs: the gate must not wait for it, neither
    to open nor to close. Nor does what is remembered of it: whether it came under a policy.
    """
    opens = bypass is not None and bypass.opens
    stood = previous(check.status, Type.READY).get("reason") == Reason.BYPASSED
    fields = bypass.fields if bypass else {}
    if opens == stood and fields == _bypass_fields(check):
        return None
    told = [bypass.condition] if bypass else []
    if opens or stood:
        kept = [c for c in _kept(check) if c.type not in _REPLACED]
        conditions = [_gate_between(check, bypass, opens=opens), *kept, *told]
    else:
        conditions = [*(c for c in _kept(check) if c.type is not Type.BYPASSED), *told]
    status = _without_bypass(check) | fields
    # As it is with the begin of a rollout: a new spec accepts a drift, which must not be lost.
    observed = int(check.status.get("observedGeneration", -1))
    status["observedGeneration"] = observed
    status["conditions"] = render(conditions, check.status, generation=observed, now=now)
    changed = status != dict(check.status)
    return Outcome(status=status, changed=changed, events=events_of_gate(check, status))


def _gate_between(check: TokenCheck, bypass: Bypass | None, *, opens: bool) -> Condition:
    """Return Ready before the tokens are judged; behind an open gate stands what was known."""
    if not opens:
        return Condition(
            type=Type.READY,
            state=State.UNKNOWN,
            reason=Reason.BYPASS_ENDED,
            message="the gate is closed again; the tokens are being judged",
        )
    verdict = Verdict(check.status.get("verdict", Verdict.UNKNOWN))
    stored = [c for c in _kept(check) if c.type is Type.READY and c.reason is not Reason.BYPASSED]
    awaited = Condition(
        type=Type.READY,
        state=State.UNKNOWN,
        reason=Reason.PENDING,
        message="the tokens are being judged",
    )
    return bypassed(stored[0] if stored else awaited, bypass, verdict)


def _bypass_fields(check: TokenCheck) -> dict[str, Any]:
    return {"bypass": check.status["bypass"]} if "bypass" in check.status else {}


def _without_bypass(check: TokenCheck) -> dict[str, Any]:
    return {name: value for name, value in check.status.items() if name != "bypass"}


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
