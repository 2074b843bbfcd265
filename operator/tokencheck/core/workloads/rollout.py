"""How far a workload's rollout is: a list of rules per kind, the first that answers decides.

Source: kstatus (sigs.k8s.io/cli-utils, pkg/kstatus), with its rules for Deployment, StatefulSet,
DaemonSet, ReplicaSet, Job and Pod. Where these call finished what is not verified yet, ours differ:
a CronJob (kstatus: always Current), a Job whose Pods do not run yet (Current once it has a start
time), a paused Deployment, OnDelete (Current at once) and a partition (Current when the Pods above
it are updated).

A SETTLED workload runs its current template and nothing else: its controller has seen the newest
generation, and updated, available, desired and total are one number above zero.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from tokencheck.api.tokencheck import WorkloadRef
from tokencheck.core.workloads.progress import (
    Answer,
    complete,
    complete_or_promoted,
    ended,
    failed,
    held,
    job_running,
    no_rollout,
    not_observed,
    on_delete,
    partitioned,
    pod_ready,
    progressing,
    says_by_condition,
    says_nothing,
    zero,
)
from tokencheck.model.evidence import Absent, Denied, Unread
from tokencheck.model.workload import Rollout, RolloutState, Workload

Rule: TypeAlias = Callable[[Workload], Answer | None]

RULES: Mapping[str, tuple[Rule, ...]] = {
    "Deployment": (not_observed, zero, complete, failed, held, progressing),
    "StatefulSet": (not_observed, zero, complete, on_delete, partitioned, progressing),
    "DaemonSet": (not_observed, zero, complete, on_delete, progressing),
    "ReplicaSet": (not_observed, zero, complete, progressing),
    "ReplicationController": (not_observed, zero, complete, progressing),
    "Job": (ended, failed, held, zero, job_running),
    "CronJob": (no_rollout,),
    "Pod": (ended, failed, pod_ready, progressing),
    "Rollout": (not_observed, zero, complete_or_promoted, failed, held, progressing),
}
OTHER_KINDS: tuple[Rule, ...] = (
    says_by_condition,
    says_nothing,
    complete,
    failed,
    held,
    progressing,
)


def rollout_of(workload: Workload, release: str | None) -> Rollout:
    """Return where the rollout stands.

    Args:
        workload: as its controller reports it.
        release: spec.release of the check. A template that says its release in the annotation
            tokencheck.dev/release has to say this one; a template without it is taken as it is.
    """
    state, detail = _answer(workload, release)
    return Rollout(
        state=state,
        detail=f"{workload.kind} {workload.name}: {detail}",
        kind=workload.kind,
        name=workload.name,
        uid=workload.uid,
        generation=workload.generation,
        template_hash=workload.template_hash,
        revision=workload.update_revision or workload.revision,
    )


def rollout_without(ref: WorkloadRef | None, why: Unread | None = None) -> Rollout:
    """Return the rollout of a check that names no workload, or one that could not be read."""
    if ref is None:
        return Rollout(state=RolloutState.NONE)
    match why:
        case Absent():
            state, words = RolloutState.NOT_FOUND, "does not exist"
        case Denied():
            state, words = RolloutState.UNREADABLE, "may not be read by the operator"
        case _:
            state, words = RolloutState.UNREADABLE, "could not be read, it will be tried again"
    return Rollout(
        state=state, detail=f"{ref.kind} {ref.name} {words}", kind=ref.kind, name=ref.name
    )


def _answer(workload: Workload, release: str | None) -> Answer:
    if workload.deleting:
        return RolloutState.IN_PROGRESS, "being deleted"
    if release is not None and workload.release not in (None, release):
        return RolloutState.IN_PROGRESS, "the Pod template is not of spec.release yet"
    answers = (rule(workload) for rule in RULES.get(workload.kind, OTHER_KINDS))
    # Each list ends with a rule that always answers.
    return next(answer for answer in answers if answer is not None)
