"""The numbers of a workload's status, which every kind keeps under other names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokencheck.core.workloads.untyped import at, items, number
from tokencheck.model.workload import Replicas


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Where one kind keeps its numbers.

    Args:
        unset: what an absent `desired` means; the API server fills it, a manifest need not.
    """

    desired: tuple[str, str]
    updated: str
    available: str
    ready: str
    total: str
    unset: int = 0


def _fields(updated: str, *, unset: int) -> Fields:
    return Fields(
        desired=("spec", "replicas"),
        updated=updated,
        available="availableReplicas",
        ready="readyReplicas",
        total="replicas",
        unset=unset,
    )


_UPDATING = _fields("updatedReplicas", unset=1)
# These kinds never replace a Pod: "updated" is that its labels are those of the template.
_LABELLING = _fields("fullyLabeledReplicas", unset=1)
_UNKNOWN = _fields("updatedReplicas", unset=0)

_FIELDS: Mapping[str, Fields] = {
    "Deployment": _UPDATING,
    "StatefulSet": _UPDATING,
    "Rollout": _UPDATING,
    "ReplicaSet": _LABELLING,
    "ReplicationController": _LABELLING,
    "DaemonSet": Fields(
        desired=("status", "desiredNumberScheduled"),
        updated="updatedNumberScheduled",
        available="numberAvailable",
        ready="numberReady",
        total="currentNumberScheduled",
    ),
    # All Pods of a Job are of its one template; those that ended are not counted here.
    "Job": Fields(
        desired=("spec", "parallelism"),
        updated="active",
        available="ready",
        ready="ready",
        total="active",
        unset=1,
    ),
}


def replicas_of(obj: Mapping[str, Any]) -> Replicas:
    """Return the numbers of `obj`; absent ones are 0, as the API server leaves zeros out."""
    kind = at(obj, "kind")
    if kind == "Pod":
        return _of_pod(obj)
    fields = _FIELDS.get(kind, _UNKNOWN) if isinstance(kind, str) else _UNKNOWN
    desired = number(at(obj, *fields.desired))

    def count(name: str) -> int:
        return number(at(obj, "status", name)) or 0

    return Replicas(
        desired=fields.unset if desired is None else desired,
        updated=count(fields.updated),
        available=count(fields.available),
        ready=count(fields.ready),
        total=count(fields.total),
    )


def _of_pod(obj: Mapping[str, Any]) -> Replicas:
    ready = int(is_ready(obj))
    return Replicas(desired=1, updated=1, available=ready, ready=ready, total=1)


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Return whether the Pod's condition Ready is True."""
    conditions = items(at(pod, "status", "conditions"))
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
