"""Old status -> new status: the events, each said once, at the transition."""

from collections.abc import Iterator, Mapping
from typing import Any

from tokencheck.api import API_VERSION
from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.outcome.condition import State, Type, previous
from tokencheck.core.outcome.words import cut, sentence
from tokencheck.model.assessment import Assessment, TokenAssessment
from tokencheck.model.finding import Result
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Event, EventType
from tokencheck.model.reasons import Reason
from tokencheck.model.workload import Rollout

MAX_NOTE_BYTES = 1024  # events.k8s.io/v1 counts bytes
EVENTS: Mapping[Reason, str] = {
    Reason.TOKEN_EXPIRED: "TokenExpired",
    Reason.EXPIRING_SOON: "TokenExpiringSoon",
    Reason.SECRET_NOT_FOUND: "TokenMissing",
    Reason.SECRET_KEY_NOT_FOUND: "TokenMissing",
    Reason.TOKEN_MISSING: "TokenMissing",
    Reason.NOT_MOUNTED: "TokenMissing",
    Reason.MALFORMED_TOKEN: "TokenMalformed",
    Reason.TRAILING_WHITESPACE: "TokenMalformed",
    Reason.CLAIM_INVALID: "TokenMalformed",
    Reason.DRIFTED: "TokenDrifted",
    Reason.SCOPE_EXCESS: "TokenOverScoped",
    Reason.SCOPE_FORBIDDEN: "TokenOverScoped",
    Reason.SCOPE_MISSING: "TokenUnderScoped",
    Reason.STALE_IN_PODS: "StaleInPods",
}
ALSO_ON_WORKLOAD = frozenset({"TokenExpired", "TokenExpiringSoon", "TokenDrifted"})


def events_of(
    check: TokenCheck, status: Mapping[str, Any], rollout: Rollout, assessment: Assessment
) -> tuple[Event, ...]:
    """Return what changed between the stored status of `check` and the new one, for people."""
    return tuple(_events(check, status, rollout, assessment))


def _events(
    check: TokenCheck, status: Mapping[str, Any], rollout: Rollout, assessment: Assessment
) -> Iterator[Event]:
    """One change, one event: a rotation that brings a warning or Ready=True is told by that."""
    verified = _turned_true(check, status, Type.READY)
    for token in assessment.tokens:
        warnings = tuple(_warnings(check, status, rollout, token))
        yield from warnings
        if _rotated(check, status, token) and not warnings and not verified:
            note = f"{token.evidence.source}: the value changed; verdict {token.verdict}"
            yield _event(check, EventType.NORMAL, "TokenRotated", note)
    for kind, reason in ((Type.READY, "TokenVerified"), (Type.ROLLOUT_VERIFIED, "RolloutVerified")):
        if _turned_true(check, status, kind):
            yield _event(check, EventType.NORMAL, reason, previous(status, kind)["message"])


def _warnings(
    check: TokenCheck, status: Mapping[str, Any], rollout: Rollout, token: TokenAssessment
) -> Iterator[Event]:
    """A finding that the status has no room for is not told: every pass would tell it again."""
    said, shown = (
        {(f.get("token", ""), f.get("reason")) for f in s.get("findings") or ()}
        for s in (check.status, status)
    )
    for finding in token.findings:
        if finding.result not in (Result.FAIL, Result.WARN):
            continue
        other = "TokenInvalid" if finding.result is Result.FAIL else None
        reason = EVENTS.get(finding.reason, other)
        if reason is None or (finding.token, str(finding.reason)) not in shown - said:
            continue
        note = sentence(finding.message, finding.action)
        yield _event(check, EventType.WARNING, reason, note)
        if reason in ALSO_ON_WORKLOAD and rollout.uid:
            yield _on_workload(check, rollout, reason, note)


def _turned_true(check: TokenCheck, status: Mapping[str, Any], kind: Type) -> bool:
    return (
        previous(status, kind).get("status")
        == State.TRUE
        != previous(check.status, kind).get("status")
    )


def _rotated(check: TokenCheck, status: Mapping[str, Any], token: TokenAssessment) -> bool:
    """Return whether the stored status knew another value of this token.

    ChangedTime moves only with the value.
    """
    name = token.evidence.spec.name
    stored, new = (
        next((t for t in s.get("tokens") or () if t.get("name") == name), None)
        for s in (check.status, status)
    )
    return bool(
        stored
        and new
        and new.get("changedTime")
        and new["changedTime"] != stored.get("changedTime")
    )


def _event(check: TokenCheck, kind: EventType, reason: str, note: str) -> Event:
    return Event(
        regarding=Key("TokenCheck", check.namespace, check.name),
        api_version=API_VERSION,
        uid=check.uid,
        type=kind,
        reason=reason,
        note=cut(note, MAX_NOTE_BYTES),
    )


def _on_workload(check: TokenCheck, rollout: Rollout, reason: str, note: str) -> Event:
    workload = check.spec.workload
    return Event(
        regarding=Key(rollout.kind, check.namespace, rollout.name),
        api_version=workload.api_version if workload else "",
        uid=rollout.uid,
        type=EventType.WARNING,
        reason=reason,
        note=cut(f"TokenCheck {check.namespace}/{check.name}: {note}", MAX_NOTE_BYTES),
    )
