"""Is this revision of a workload verified? Decided from one version of a TokenCheck. Pure.

An old verdict never answers: the status has to be about the spec as it is now, and about the
workload as it was when the question was asked, or later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokencheck.cli.exits import Exit
from tokencheck.cli.standing import condition_of, current
from tokencheck.core.outcome.stalled import TERMINAL
from tokencheck.model.reasons import Reason
from tokencheck.model.workload import RolloutState

_PENDING = str(Reason.PENDING)
_TERMINAL = TERMINAL | {Reason.ROLLOUT_FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A workload as the API server has it; no `uid` when it does not exist or none is named."""

    uid: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one version of a TokenCheck says.

    Args:
        state: ``Unknown`` while the answer is open, for people.
        reason: why, in one word.
        text: in words.
        exit: None while the answer is open.
        generation: of the workload, which the answer is about.
    """

    state: str
    reason: str
    text: str
    exit: Exit | None = None
    generation: int = 0


def answer_of(check: Mapping[str, Any], live: Live | None) -> Answer:
    """Return what `check` says about the revision of the workload that is `live` or a later one.

    Args:
        check: the TokenCheck as an object.
        live: None when the check names no workload.
    """
    ready = condition_of(check, "Ready")
    state, reason = ready.get("status", "Unknown"), ready.get("reason", _PENDING)
    text = ready.get("message", "")
    if not current(check):
        return Answer(state="Unknown", reason=_PENDING, text="the spec was not looked at yet")
    if suspended := condition_of(check, "Suspended"):
        text = suspended.get("message", "")
        return Answer(state="Unknown", reason="Suspended", text=text, exit=Exit.UNKNOWN)
    if reason == Reason.BYPASSED:
        return Answer(state=state, reason=reason, text=text, exit=Exit.PASS)
    rollout = (check.get("status") or {}).get("rollout") or {}
    generation = rollout.get("generation", 0)
    about_spec = live is None or reason == Reason.INVALID_SPEC
    if not about_spec and not _is_of(rollout, live):
        return _unseen(live)
    if (failed := _failed(check)) is not None:
        said, message = failed.get("reason", reason), failed.get("message", text)
        return Answer(
            state="False", reason=said, text=message, exit=Exit.FINDINGS, generation=generation
        )
    done = state == "True" and (live is None or _verified(rollout))
    if state == "True" and not done:  # the tokens are good, the rollout is not
        followed = condition_of(check, "RolloutVerified")
        state, reason = "Unknown", followed.get("reason", "RolloutInProgress")
        text = followed.get("message", "")
    return Answer(
        state=state,
        reason=reason,
        text=text,
        exit=Exit.PASS if done else None,
        generation=generation,
    )


def _unseen(live: Live | None) -> Answer:
    if live is not None and not live.uid:
        text = "the workload does not exist"
        return Answer(state="Unknown", reason=str(Reason.WORKLOAD_NOT_FOUND), text=text)
    text = "the operator has not looked at this revision of the workload yet"
    return Answer(state="Unknown", reason=_PENDING, text=text)


def _is_of(rollout: Mapping[str, Any], live: Live | None) -> bool:
    return (
        live is not None
        and bool(live.uid)
        and rollout.get("uid") == live.uid
        and rollout.get("generation", 0) >= live.generation
    )


def _verified(rollout: Mapping[str, Any]) -> bool:
    if rollout.get("state") == RolloutState.NO_ROLLOUT:
        return True  # nothing rolls: the tokens of its next Pods were judged
    return bool(rollout.get("verifiedGeneration") == rollout.get("generation"))


def _failed(check: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the condition that says that waiting does not help."""
    stalled = condition_of(check, "Stalled")
    if stalled.get("status") == "True":
        return stalled
    for kind in ("Ready", "RolloutVerified"):
        condition = condition_of(check, kind)
        if condition.get("status") == "False" and condition.get("reason") in _TERMINAL:
            return condition
    return None
