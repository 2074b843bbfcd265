"""Break-glass: what the annotations `tokencheck.dev/bypass-*` do to the gate of a TokenCheck. Pure.

Who may write them is the API server's to say (the policy `tokencheck-bypass`), for how long they
count is ours: from when an operator first saw them, which the status remembers, since what an
object tells of its own times its author can write. The status remembers too whether they may have
been written while nobody asked for that right: the policy looks at changes alone, so that it comes
back says nothing of what stands there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from tokencheck.api.quantity import format_time, parse_time
from tokencheck.api.tokencheck import (
    ANNOTATION_BYPASS_BY,
    ANNOTATION_BYPASS_REASON,
    ANNOTATION_BYPASS_UNTIL,
    BYPASS_ANNOTATIONS,
    TokenCheck,
    without_bypass,
)
from tokencheck.core.outcome.condition import CLOCKS_DIFFER, Condition, State, Type, previous
from tokencheck.model.admission import BypassProof, Guard
from tokencheck.model.finding import Verdict
from tokencheck.model.reasons import Reason

LONGEST = timedelta(hours=24)
# Who writes "in 24 hours" does so by his own clock, and rounds; the gate closes after 24 all the
# same.
ROUNDED = timedelta(minutes=5)
# That a policy went is found out later: what came shortly before may have come after it.
NOTICED = timedelta(minutes=5)
MAX_TEXT = 128  # characters of a name or a reason; all of it stands in the annotations
_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_STATES: Mapping[Reason, State] = {
    Reason.BYPASSED: State.TRUE,
    Reason.BYPASS_ENDED: State.FALSE,
    Reason.BYPASS_REFUSED: State.FALSE,
    Reason.PENDING: State.UNKNOWN,
}
Record: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bypass:
    """What break-glass does now.

    Args:
        reason: Bypassed, BypassEnded, BypassRefused, or Pending where it is not known yet whether
            admission let only the right people write it.
        message: what the condition says.
        record: what the status keeps: by whom, why, until when, when it was seen first, and
            whether the policy was in force then.
        wake_at: when it ends; None when only a change matters, of the object or of what is proven,
            which whoever proves it tells.
    """

    reason: Reason
    message: str
    record: Record
    wake_at: datetime | None = None

    @property
    def opens(self) -> bool:
        """Return whether the gate is open for it."""
        return self.reason is Reason.BYPASSED

    @property
    def condition(self) -> Condition:
        """Return the condition that tells of it."""
        state = _STATES[self.reason]
        return Condition(type=Type.BYPASSED, state=state, reason=self.reason, message=self.message)

    @property
    def fields(self) -> dict[str, Any]:
        """Return what the status keeps of it."""
        return {"bypass": dict(self.record)} if self.record else {}


def bypass_of(check: TokenCheck, proof: BypassProof, now: datetime) -> Bypass | None:
    """Return what break-glass does now; None where nobody asks or asked for it.

    Args:
        check: with its annotations, and the status that stands.
        proof: whether admission lets nobody write the annotations without the right.
        now: aware UTC.
    """
    if not any(name in check.annotations for name in BYPASS_ANNOTATIONS):
        return _taken_back(check)
    record = _record(check, now)
    seen_at = parse_time(record["seenTime"]) or now
    until = _until(check)
    if until is None:
        return _refused(_ill_formed(check), record)
    if fault := _fault(check, until, seen_at):
        return _refused(fault, record)
    end = min(until, seen_at + LONGEST)
    if now >= end:
        if not _stood(check):
            return _refused("its end came before it could be honoured", record)
        return _ended(check, record, end)
    return _in_time(check, _branded(record, proof, now), proof, end)


def bypassed(ready: Condition, bypass: Bypass | None, verdict: Verdict) -> Condition:
    """Return Ready as the gate shows it: what it would say stands behind who opened it and why."""
    if bypass is None or not bypass.opens:
        return ready
    message = f"{bypass.message}; the verdict is {verdict}"
    truth = "" if ready.state is State.TRUE else f": {ready.reason}: {ready.message}"
    return Condition(
        type=Type.READY, state=State.TRUE, reason=Reason.BYPASSED, message=message + truth
    )


def _in_time(check: TokenCheck, record: Record, proof: BypassProof, end: datetime) -> Bypass:
    if record.get("guarded") is False:
        return _refused(_unguarded(check), record)
    match proof:
        case BypassProof.PROVEN:
            return _open(record, end)
        case BypassProof.AWAITED:
            return _meanwhile(check, record, end)
        case BypassProof.MISSING:
            said = f"{_policy_in(check)} is not proven to be enforced; run: tokencheck doctor"
        case BypassProof.UNKNOWN:
            said = (
                f"whether {_policy_in(check)} is enforced could not be found out for some minutes;"
                " run: tokencheck doctor"
            )
    return _refused(said, record, wake_at=end)


def _meanwhile(check: TokenCheck, record: Record, end: datetime) -> Bypass:
    """What was found out of these annotations counts until it is found out again."""
    stored = previous(check.status, Type.BYPASSED)
    reason = stored.get("reason") if check.status.get("bypass") == record else None
    if reason == Reason.BYPASSED:
        return _open(record, end)
    if reason == Reason.BYPASS_REFUSED:
        said = str(stored["message"])
        return Bypass(reason=Reason.BYPASS_REFUSED, message=said, record=record, wake_at=end)
    said = "whether admission is enforced here is being tried; until then it has no effect"
    return Bypass(reason=Reason.PENDING, message=said, record=record, wake_at=end)


def _open(record: Record, end: datetime) -> Bypass:
    said = f"bypassed by {record['by']} until {format_time(end)}: {record['reason']}"
    return Bypass(reason=Reason.BYPASSED, message=said, record=record, wake_at=end)


def _policy_in(check: TokenCheck) -> str:
    return f"the policy {Guard.BYPASS} in namespace {check.namespace}"


def _branded(record: Record, proof: BypassProof, now: datetime) -> Record:
    """Return the record with whether the policy was in force when these annotations were written.

    What is not known is not written: a start must not brand what counted before it.
    """
    seen_at = parse_time(record["seenTime"]) or now
    if proof is BypassProof.PROVEN:
        return {"guarded": True} | dict(record)
    if proof is BypassProof.MISSING and ("guarded" not in record or now - seen_at <= NOTICED):
        return dict(record) | {"guarded": False}
    return record


def _unguarded(check: TokenCheck) -> str:
    return (
        f"when they came {_policy_in(check)} was not proven to be enforced, so anybody may have"
        " written them; run: tokencheck doctor; when it finds admission in order, write them anew,"
        f" with another {ANNOTATION_BYPASS_UNTIL}"
    )


def _ended(check: TokenCheck, record: Record, end: datetime) -> Bypass:
    said = (
        f"the bypass by {record['by']} ended at {format_time(end)}: {record['reason']}; tidy up:"
        f" {without_bypass(check.namespace, check.name)}"
    )
    return Bypass(reason=Reason.BYPASS_ENDED, message=said, record=record)


def _refused(why: str, record: Record, *, wake_at: datetime | None = None) -> Bypass:
    return Bypass(
        reason=Reason.BYPASS_REFUSED,
        message=f"the annotations tokencheck.dev/bypass-* have no effect: {why}",
        record=record,
        wake_at=wake_at,
    )


def _taken_back(check: TokenCheck) -> Bypass | None:
    """What opened the gate once is told for good, by a condition that says so."""
    if not _stood(check):
        return None
    said = "an earlier bypass has ended or was taken back"
    return Bypass(reason=Reason.BYPASS_ENDED, message=said, record={})


def _stood(check: TokenCheck) -> bool:
    stored = previous(check.status, Type.BYPASSED)
    honoured = (check.status.get("bypass") or {}).get("guarded") is True
    return honoured or stored.get("reason") in (Reason.BYPASSED, Reason.BYPASS_ENDED)


def _record(check: TokenCheck, now: datetime) -> Record:
    """Return what the status keeps; the same annotations were seen when they were seen first.

    A first sight in the future is from before a clock was set back, and counts from now.
    """
    given = {
        "until": _shown(check.annotations.get(ANNOTATION_BYPASS_UNTIL, "")),
        "by": _shown(check.annotations.get(ANNOTATION_BYPASS_BY, "")),
        "reason": _shown(check.annotations.get(ANNOTATION_BYPASS_REASON, "")),
    }
    stored = check.status.get("bypass") or {}
    seen_at = parse_time(stored.get("seenTime"))
    same = all(stored.get(part) == text for part, text in given.items())
    if not same or seen_at is None or seen_at > now + CLOCKS_DIFFER:
        seen_at = now
    known = {"guarded": stored["guarded"]} if same and "guarded" in stored else {}
    return given | {"seenTime": format_time(seen_at)} | known


def _until(check: TokenCheck) -> datetime | None:
    text = check.annotations.get(ANNOTATION_BYPASS_UNTIL, "")
    return parse_time(text) if _FORM.fullmatch(text) else None


def _ill_formed(check: TokenCheck) -> str:
    text = _shown(check.annotations.get(ANNOTATION_BYPASS_UNTIL, ""))
    return f'{ANNOTATION_BYPASS_UNTIL}: "{text}" is no time; write one such as 2027-01-31T12:00:00Z'


def _fault(check: TokenCheck, until: datetime, seen_at: datetime) -> str:
    """Return why the annotations count for nothing, whoever wrote them; "" when they may count."""
    for name, what in (
        (ANNOTATION_BYPASS_BY, "your own user name"),
        (ANNOTATION_BYPASS_REASON, "why the gate must open"),
    ):
        if not check.annotations.get(name, "").strip():
            return f"{name}: write {what}"
    if until > seen_at + LONGEST + ROUNDED:
        return (
            f"{ANNOTATION_BYPASS_UNTIL}: it lies more than 24 h after {format_time(seen_at)}, when"
            f" it was seen; write {format_time(seen_at + LONGEST)} or earlier"
        )
    if until <= seen_at:
        return f"{ANNOTATION_BYPASS_UNTIL}: it was over when it was seen; write a later time"
    return ""


def _shown(text: str) -> str:
    short = text[:MAX_TEXT]
    return short if short.isprintable() else "".join(c if c.isprintable() else "?" for c in short)
