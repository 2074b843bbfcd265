"""One condition as we mean it, before times are known. Source: apimachinery metav1.Condition."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tokencheck.api.invalid import Invalid
from tokencheck.api.quantity import format_time, parse_time
from tokencheck.core.outcome.words import cut
from tokencheck.model.reasons import Reason

MAX_CONDITIONS = 32  # the CRD takes no more
MAX_MESSAGE_BYTES = 512  # Helm, Argo CD and kubectl print it whole
# By how much two replicas' clocks may differ; what lies further ahead was written before a clock
# was set back.
CLOCKS_DIFFER = timedelta(seconds=10)


class State(StrEnum):
    """Status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Type(StrEnum):
    """The conditions of our kinds, in the order in which they are written."""

    READY = "Ready"
    REACHABLE = "Reachable"  # of a TokenProvider only
    RESOLVED = "Resolved"
    VERIFIED = "Verified"
    UNEXPIRED = "Unexpired"
    ACTIVE = "Active"
    SCOPES_SATISFIED = "ScopesSatisfied"
    ROLLOUT_VERIFIED = "RolloutVerified"
    EXPIRING_SOON = "ExpiringSoon"
    OVER_SCOPED = "OverScoped"
    DRIFTED = "Drifted"
    STALE_IN_PODS = "StaleInPods"
    BYPASSED = "Bypassed"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SUSPENDED = "Suspended"


OURS = frozenset(Type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a condition says now; `since` overrides its transition time (a pulse that restarts)."""

    type: Type
    state: State
    reason: Reason
    message: str


def invalid_spec(kind: Type, state: State, faults: Iterable[Invalid]) -> Condition:
    """Return the condition that names every fault of a spec."""
    message = f"{'; '.join(map(str, faults))}; correct the spec and apply it again"
    return Condition(type=kind, state=state, reason=Reason.INVALID_SPEC, message=message)


def previous(status: Mapping[str, Any], kind: Type) -> Mapping[str, Any]:
    """Return the condition of that type in a stored status, or an empty mapping."""
    for condition in status.get("conditions") or ():
        if isinstance(condition, Mapping) and condition.get("type") == kind:
            return condition
    return {}


def since(stored: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return when a stored condition or finding began, or None when it does not say.

    One that begins in the future began now: its clock was set back, and a pulse that counts from
    then would last as long as the step.
    """
    began = parse_time(stored.get("lastTransitionTime") or stored.get("since"))
    return now if began is not None and began > now + CLOCKS_DIFFER else began


def render(
    conditions: Iterable[Condition], status: Mapping[str, Any], *, generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Return the whole conditions list: ours, then foreign ones as they were.

    lastTransitionTime moves only when `status` flips, or from the future to now; every one of ours
    carries the same observedGeneration.
    Source: Kubernetes API conventions, "Typical status properties".
    """
    stored = [c for c in status.get("conditions") or () if isinstance(c, Mapping)]
    by_type = {c.get("type"): c for c in stored}
    rendered = []
    for condition in conditions:
        old = by_type.get(condition.type, {})
        began = since(old, now) if old.get("status") == condition.state else None
        rendered.append(
            {
                "type": str(condition.type),
                "status": str(condition.state),
                "observedGeneration": generation,
                "lastTransitionTime": format_time(began or now),
                "reason": str(condition.reason),
                "message": cut(condition.message, MAX_MESSAGE_BYTES),
            }
        )
    foreign = [dict(c) for c in stored if c.get("type") not in OURS]
    return rendered + foreign[: MAX_CONDITIONS - len(rendered)]
