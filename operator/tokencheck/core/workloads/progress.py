"""The rules of a rollout: each looks at one thing and answers, or leaves it to the next.

The words come after the name of the workload, and count Pods as `kubectl rollout status` does.
"""

from typing import TypeAlias

from tokencheck.model.workload import RolloutState, Workload

Answer: TypeAlias = tuple[RolloutState, str]

# Condition -> (status, reasons that mean failure); no reasons: any. All mean that waiting is vain.
_FAILURES: tuple[tuple[str, str, frozenset[str], str], ...] = (
    (
        "Progressing",
        "False",
        frozenset({"ProgressDeadlineExceeded"}),
        "the progress deadline is exceeded: look at its Pods",
    ),
    ("Progressing", "False", frozenset({"RolloutAborted"}), "the rollout was aborted"),
    ("InvalidSpec", "True", frozenset(), "its controller refuses the spec"),
    ("Failed", "True", frozenset(), "failed"),
    ("Stalled", "True", frozenset(), "stalled, as its controller says"),
)
# A Job has the second while its last Pods are cleared away.
_ENDS = ("Complete", "SuccessCriteriaMet")


def not_observed(workload: Workload) -> Answer | None:
    """Answer while the controller has not seen the newest generation, so its numbers are older."""
    observed = workload.observed_generation
    if observed is None or observed < workload.generation:
        return RolloutState.IN_PROGRESS, "its controller has not seen the newest generation yet"
    return None


def zero(workload: Workload) -> Answer | None:
    """Answer for a workload that wants no Pods and has none."""
    if workload.replicas.desired == 0 and workload.replicas.total == 0:
        return RolloutState.SCALED_TO_ZERO, "scaled to zero, no Pods to verify"
    return None


def complete(workload: Workload) -> Answer | None:
    """Answer when every Pod is of the current template, is available, and is wanted.

    Source: kstatus deploymentConditions, stsConditions, daemonsetConditions. A pause does not
    matter then: a paused Deployment that did not roll its template out counts no updated Pods.
    """
    count = workload.replicas
    if count.ready and count.updated == count.available == count.desired == count.total:
        return (
            RolloutState.SETTLED,
            f"{count.updated} of {count.desired} Pods updated and available",
        )
    return None


def complete_or_promoted(workload: Workload) -> Answer | None:
    """Answer for an Argo Rollout whose newest revision is its stable one.

    Old Pods are no matter then: they wait for scaleDownDelaySeconds behind no Service.
    Source: Argo Rollouts, status.stableRS and status.currentPodHash.
    """
    count = workload.replicas
    promoted = bool(workload.revision) and workload.revision == workload.update_revision
    if promoted and count.ready and count.updated == count.desired <= count.available:
        return (
            RolloutState.SETTLED,
            f"{count.updated} of {count.desired} Pods updated and available",
        )
    return None


def failed(workload: Workload) -> Answer | None:
    """Answer when a condition says that the rollout will not end well by itself."""
    for name, status, reasons, words in _FAILURES:
        found, reason = workload.conditions.get(name, ("", ""))
        if found == status and (not reasons or reason in reasons):
            return RolloutState.FAILED, f"{words}; {counted(workload)}"
    return None


def held(workload: Workload) -> Answer | None:
    """Answer when somebody holds it: spec.paused, spec.suspend, a step of an Argo Rollout."""
    if workload.paused:
        return RolloutState.PAUSED, f"paused, resume it to go on; {counted(workload)}"
    return None


def on_delete(workload: Workload) -> Answer | None:
    """Answer when old Pods stay until somebody deletes them. kstatus calls this Current."""
    count = workload.replicas
    if workload.strategy == "OnDelete" and count.updated < count.total:
        return RolloutState.WAITING_FOR_MANUAL_UPDATE, (
            f"{count.updated} of {count.desired} Pods updated; "
            "the strategy is OnDelete: delete the other Pods to update them"
        )
    return None


def partitioned(workload: Workload) -> Answer | None:
    """Answer when all Pods above the partition are updated and those below are held back."""
    count, partition = workload.replicas, workload.partition
    above = max(count.desired - partition, 0)
    if above <= count.updated < count.total == count.available == count.desired:
        return RolloutState.WAITING_FOR_MANUAL_UPDATE, (
            f"{count.updated} of {count.desired} Pods updated; "
            f"partition {partition} holds the others back: lower it to update them"
        )
    return None


def progressing(workload: Workload) -> Answer:
    """Answer with what is still to come."""
    return RolloutState.IN_PROGRESS, counted(workload)


def ended(workload: Workload) -> Answer | None:
    """Answer for a Job or a Pod that ran to its end: its Pods took their tokens."""
    if any(workload.conditions.get(name, ("", ""))[0] == "True" for name in _ENDS):
        return RolloutState.SETTLED, "complete"
    return None


def job_running(workload: Workload) -> Answer:
    """Answer for a Job by its Pods that run: settled when all of them are ready.

    Source: kstatus jobConditions calls a Job Current once it has a start time, which a Job has
    that cannot be scheduled; status.ready counts what runs.
    """
    count = workload.replicas
    settled = count.ready and count.ready == count.total
    state = RolloutState.SETTLED if settled else RolloutState.IN_PROGRESS
    return state, f"{count.ready} of {count.total or count.desired} Pods ready"


def pod_ready(workload: Workload) -> Answer | None:
    """Answer for a bare Pod that is ready."""
    return (RolloutState.SETTLED, "ready") if workload.replicas.ready else None


def no_rollout(_: Workload) -> Answer:
    """Answer for a CronJob: its template is taken by the next Job. kstatus calls it Current."""
    return RolloutState.NO_ROLLOUT, "the next Job takes the template"


def says_by_condition(workload: Workload) -> Answer | None:
    """Answer for a kind that we do not know by what most say: observedGeneration, then Ready.

    Source: kstatus checkGenericProperties and checkReadyCondition.
    """
    observed = workload.observed_generation
    if observed is not None and observed < workload.generation:
        return not_observed(workload)
    if workload.conditions.get("Reconciling", ("", ""))[0] == "True":
        return RolloutState.IN_PROGRESS, "reconciling, as its controller says"
    ready = workload.conditions.get("Ready")
    if ready is None:
        return None
    if ready[0] == "True":
        return RolloutState.SETTLED, "ready, as its controller says"
    return failed(workload) or held(workload) or (RolloutState.IN_PROGRESS, "not ready yet")


def says_nothing(workload: Workload) -> Answer | None:
    """Answer for a kind that reports neither a condition nor a number of Pods."""
    count = workload.replicas
    if count.desired == 0 and count.total == 0:
        return RolloutState.NO_ROLLOUT, "this kind does not say how far a rollout is"
    return None


def counted(workload: Workload) -> str:
    """Return in words which Pods are still to come, or to go."""
    count = workload.replicas
    if count.updated < count.desired:
        return f"{count.updated} of {count.desired} Pods updated"
    if count.total > count.desired:
        return f"{count.total - count.desired} of {count.total} Pods still to be removed"
    if count.ready < count.desired:
        return f"{count.ready} of {count.desired} Pods ready"
    return f"{count.available} of {count.desired} Pods available"
