"""Statuses -> events: each transition is told once, by whichever process lives to tell it.

A status says since when its conditions and findings stand. An event is named after what began, and
when: so every process that tells of it makes the same Event, and one that starts can tell again of
what began lately, in case the one before it died between the status and the event.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tokencheck.api import API_VERSION
from tokencheck.api.quantity import parse_time
from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.outcome.condition import State, Type, previous
from tokencheck.core.outcome.status import named
from tokencheck.core.outcome.words import cut, sentence
from tokencheck.model.finding import Result
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Event, EventType
from tokencheck.model.reasons import Reason

MAX_NOTE_BYTES = 1024  # events.k8s.io/v1 counts bytes
# An API server keeps Events for an hour (--event-ttl): what is older may have been told and
# forgotten, and would be told twice.
RETOLD = timedelta(minutes=55)
# Secrets carry the API server's time, conditions ours, in whole seconds.
CLOCKS_AGREE = timedelta(seconds=2)
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
_GATE: Mapping[str, tuple[EventType, str]] = {
    Reason.BYPASSED: (EventType.WARNING, "GateBypassed"),
    Reason.BYPASS_ENDED: (EventType.NORMAL, "GateBypassEnded"),
    Reason.BYPASS_REFUSED: (EventType.WARNING, "GateBypassRefused"),
}
ALSO_ON_WORKLOAD = frozenset(
    {"TokenExpired", "TokenExpiringSoon", "TokenDrifted", "GateBypassed", "GateBypassEnded"}
)
_TURNED_TRUE = ((Type.READY, "TokenVerified"), (Type.ROLLOUT_VERIFIED, "RolloutVerified"))
_NAMES: Mapping[str, str] = {str(reason): event for reason, event in EVENTS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Began:
    """Something that a status says stands.

    Args:
        what: what makes it the same in the next status.
        since: as the status has it.
        token: whose finding it is; "" for a condition.
    """

    what: tuple[str, ...]
    since: str
    type: EventType
    reason: str
    note: str
    token: str = ""


def events_of(check: TokenCheck, status: Mapping[str, Any]) -> tuple[Event, ...]:
    """Return what began between the stored status of `check` and the new one, for people."""
    stood = {one.what for one in _standing(check.status)}
    standing = {one.what: one for one in _standing(status)}
    began = [one for what, one in standing.items() if what not in stood]
    began += _rotations(check.status, status, began)
    return tuple(event for one in began for event in _told(check, status, one, at=None))


def events_of_gate(check: TokenCheck, status: Mapping[str, Any]) -> tuple[Event, ...]:
    """Return what began of break-glass alone, where nothing is said of tokens."""
    stood = {one.what for one in _gate(check.status)}
    began = [one for one in _gate(status) if one.what not in stood]
    return tuple(event for one in began for event in _told(check, status, one, at=None))


def retold(check: TokenCheck, now: datetime) -> tuple[Event, ...]:
    """Return the events of all that began lately in the stored status of `check`.

    For a process that cannot know whether they were told.
    """
    lately = [
        (one, at)
        for one in (*_standing(check.status), *_changes(check.status))
        if (at := parse_time(one.since)) is not None and now - RETOLD <= at <= now
    ]
    return tuple(event for one, at in lately for event in _told(check, check.status, one, at=at))


def _standing(status: Mapping[str, Any]) -> Iterator[_Began]:
    """A finding that the status has no room for is not told: every pass would tell it again."""
    for finding in status.get("findings") or ():
        token, _, reason = what = named(finding)
        result = finding.get("result")
        told = _NAMES.get(reason, "TokenInvalid" if result == Result.FAIL else None)
        if token and told is not None and result in (Result.FAIL, Result.WARN):
            yield _Began(
                what=what,
                since=finding.get("since", ""),
                type=EventType.WARNING,
                reason=told,
                note=sentence(finding.get("message", ""), finding.get("action", "")),
                token=token,
            )
    for kind, told in _TURNED_TRUE:
        condition = previous(status, kind)
        open_by_force = condition.get("reason") == Reason.BYPASSED
        if condition.get("status") == State.TRUE and not open_by_force:
            yield _Began(
                what=(str(kind),),
                since=condition.get("lastTransitionTime", ""),
                type=EventType.NORMAL,
                reason=told,
                note=condition.get("message", ""),
            )

    yield from _gate(status)


def _gate(status: Mapping[str, Any]) -> Iterator[_Began]:
    """What break-glass does; one that is longer than that before is another one."""
    condition = previous(status, Type.BYPASSED)
    reason = condition.get("reason", "")
    if reason not in _GATE:
        return
    kind, told = _GATE[reason]
    changed = condition.get("lastTransitionTime", "")
    seen = (status.get("bypass") or {}).get("seenTime", changed)
    yield _Began(
        what=(str(Type.BYPASSED), told, "" if reason == Reason.BYPASS_ENDED else seen),
        since=changed if reason == Reason.BYPASS_ENDED else seen,
        type=kind,
        reason=told,
        note=condition.get("message", ""),
    )


def _rotations(
    stored: Mapping[str, Any], status: Mapping[str, Any], began: list[_Began]
) -> list[_Began]:
    """One change, one event: a rotation that brings a warning or Ready=True is told by that."""
    if any(one.what == (Type.READY,) for one in began):
        return []
    warned = {one.token for one in began}
    known = {token.get("name"): token for token in stored.get("tokens") or ()}
    return [
        _rotation(token)
        for token in status.get("tokens") or ()
        if token["name"] not in warned
        and token["name"] in known
        and _is_another(known[token["name"]], token)
    ]


def _is_another(stored: Mapping[str, Any], token: Mapping[str, Any]) -> bool:
    """Return whether a token has another value than before, which its own times show as well."""
    if token.get("changedTime") and token["changedTime"] != stored.get("changedTime"):
        return True
    return token.get("resourceVersion") != stored.get("resourceVersion") and any(
        token.get(time) and stored.get(time) and token[time] != stored[time]
        for time in ("issueTime", "expirationTime")
    )


def _changes(status: Mapping[str, Any]) -> Iterator[_Began]:
    """What began together with the change or after it has told of it, or of the token since."""
    ready = parse_time(previous(status, Type.READY).get("lastTransitionTime"))
    for token in status.get("tokens") or ():
        changed = parse_time(token.get("changedTime"))
        if changed is None:
            continue
        told = [parse_time(f.get("since")) for f in status.get("findings") or ()
                if f.get("token") == token.get("name") and _tells(f)]  # fmt: skip
        if not any(at is not None and at >= changed - CLOCKS_AGREE for at in (ready, *told)):
            yield _rotation(token)


def _tells(finding: Mapping[str, Any]) -> bool:
    return any(_standing({"findings": [finding]}))


def _rotation(token: Mapping[str, Any]) -> _Began:
    return _Began(
        what=(token["name"], "TokenRotated"),
        since=token.get("changedTime") or token.get("issueTime") or token.get("expirationTime", ""),
        type=EventType.NORMAL,
        reason="TokenRotated",
        note=f"{token.get('source')}: the value changed; verdict {token.get('verdict')}",
    )


def _told(
    check: TokenCheck, status: Mapping[str, Any], one: _Began, at: datetime | None
) -> Iterator[Event]:
    about = "\0".join((check.uid, *one.what, one.since))
    yield Event(
        regarding=Key("TokenCheck", check.namespace, check.name),
        api_version=API_VERSION,
        uid=check.uid,
        type=one.type,
        reason=one.reason,
        note=cut(one.note, MAX_NOTE_BYTES),
        about=about,
        at=at,
    )
    workload = status.get("rollout") or {}
    if one.reason in ALSO_ON_WORKLOAD and workload.get("uid"):
        yield Event(
            regarding=Key(workload.get("kind", ""), check.namespace, workload.get("name", "")),
            api_version=check.spec.workload.api_version if check.spec.workload else "",
            uid=workload["uid"],
            type=one.type,
            reason=one.reason,
            note=cut(f"TokenCheck {check.namespace}/{check.name}: {one.note}", MAX_NOTE_BYTES),
            about=about,
            at=at,
        )
