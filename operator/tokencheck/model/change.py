"""What the world tells us: something changed, and why we should look again."""

from dataclasses import dataclass
from enum import StrEnum

from tokencheck.model.keys import Key


class Cause(StrEnum):
    """Why a check is due."""

    SPEC_CHANGED = "SpecChanged"
    SECRET_CHANGED = "SecretChanged"
    ROLLOUT_STARTED = "RolloutStarted"
    WORKLOAD_CHANGED = "WorkloadChanged"
    PODS_CHANGED = "PodsChanged"
    PROVIDER_CHANGED = "ProviderChanged"
    REFERENCE_CHANGED = "ReferenceChanged"  # a ConfigMap with keys, a Namespace's labels
    ADMISSION_CHANGED = "AdmissionChanged"  # another thing is proven of the policies
    THRESHOLD = "Threshold"
    CLOCK_SET_BACK = "ClockSetBack"  # moments that had passed may lie ahead again
    RESYNC = "Resync"
    REQUESTED = "Requested"
    RETRY = "Retry"
    TAKEOVER = "Takeover"  # judged before and held back, while another process led


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something changed.

    Args:
        key: the object that changed (a Secret, a workload, a Pod's workload, one of our kinds).
        cause: what happened to it.
        seen_at: monotonic seconds when this process learnt of it.
        gone: whether the object was deleted.
    """

    key: Key
    cause: Cause
    seen_at: float
    gone: bool = False
