"""Reconciling and Stalled: what tools that wait (Helm, Flux, Argo CD, kubectl) are told.

Stalled is a pulse. It says "this does not heal by waiting", so that a tool that waits now fails at
once; after
`stallFor` it is withdrawn, so that the next apply, which brings the fix, is not refused by an old
Stalled.
A missing or expired token may heal itself for `graceFor`; until then Reconciling says that we wait.
Source: kstatus (Reconciling and Stalled are abnormal-true, Stalled fails the wait).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.outcome.condition import Condition, State, Type, previous, since
from tokencheck.model.reasons import Reason

TERMINAL = frozenset(
    {
        Reason.INVALID_SPEC,
        Reason.ISSUER_MISMATCH,
        Reason.AUDIENCE_MISMATCH,
        Reason.SUBJECT_MISMATCH,
        Reason.SIGNATURE_INVALID,
        Reason.ALGORITHM_FORBIDDEN,
        Reason.MALFORMED_TOKEN,
        Reason.CLAIM_INVALID,
        Reason.WRONG_TOKEN_TYPE,
        Reason.SCOPE_MISSING,
        Reason.SCOPE_FORBIDDEN,
        Reason.REVOKED,
        Reason.NO_TOKENS_FOUND,
        Reason.NOT_MOUNTED,
    }
)
HEALING = frozenset(
    {
        Reason.SECRET_NOT_FOUND,
        Reason.SECRET_KEY_NOT_FOUND,
        Reason.TOKEN_MISSING,
        Reason.TOKEN_EXPIRED,
        Reason.INACTIVE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """At most one of Reconciling and Stalled, and when it is over."""

    condition: Condition | None = None
    until: datetime | None = None


def pulse_of(check: TokenCheck, ready: Condition, *, same_cause: bool, now: datetime) -> Pulse:
    """Return what a Ready=False is accompanied by.

    Args:
        check: with the stored status, which holds when the present pulse began.
        ready: Ready as it will be written; its reason is the cause.
        same_cause: the stored status already says this for the same spec, template and Secret.
    """
    if ready.reason in TERMINAL:
        return _stall(check, ready, same_cause=same_cause, now=now)
    if ready.reason not in HEALING:
        return Pulse()
    if same_cause and (stalled := _since(check, Type.STALLED, now)):
        return _until(ready, Type.STALLED, stalled + check.spec.gate.stall_for, now)
    # The Reconciling of an open rollout is not ours: it would begin the grace again, for ever.
    ours = previous(check.status, Type.RECONCILING).get("reason") == ready.reason
    waiting = _since(check, Type.RECONCILING, now) if same_cause and ours else None
    if same_cause and waiting is None:
        return Pulse()  # its pulse is over
    grace = _until(ready, Type.RECONCILING, (waiting or now) + check.spec.gate.grace_for, now)
    return (
        grace
        if grace.condition
        else _until(ready, Type.STALLED, now + check.spec.gate.stall_for, now)
    )


def _stall(check: TokenCheck, ready: Condition, *, same_cause: bool, now: datetime) -> Pulse:
    if not same_cause:
        return _until(ready, Type.STALLED, now + check.spec.gate.stall_for, now)
    began = _since(check, Type.STALLED, now)
    return _until(ready, Type.STALLED, began + check.spec.gate.stall_for, now) if began else Pulse()


def _since(check: TokenCheck, kind: Type, now: datetime) -> datetime | None:
    return since(previous(check.status, kind), now)


def _until(ready: Condition, kind: Type, end: datetime, now: datetime) -> Pulse:
    if end - now <= timedelta():
        return Pulse()
    return Pulse(
        condition=Condition(
            type=kind, state=State.TRUE, reason=ready.reason, message=ready.message
        ),
        until=end,
    )
