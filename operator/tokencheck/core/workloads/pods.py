"""What running Pods hold: which of them keep an older token, and what only they have."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tokencheck.api.quantity import parse_time
from tokencheck.core.workloads.counts import is_ready
from tokencheck.core.workloads.sites import sites_of
from tokencheck.core.workloads.untyped import at, flag, items, mapping, text
from tokencheck.model.evidence import StalePods
from tokencheck.model.workload import PodRecord, Site, Workload

_ENDED = ("Succeeded", "Failed")
_STATUSES = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
_REVISIONS = ("controller-revision-hash", "rollouts-pod-template-hash", "pod-template-hash")


def parse_pod(obj: Mapping[str, Any]) -> PodRecord:
    """Return the Pod that `obj` holds, reduced to what decisions need."""
    meta, labels = mapping(at(obj, "metadata")), mapping(at(obj, "metadata", "labels"))
    running = tuple(_running(obj))
    phase = text(at(obj, "status", "phase"))
    return PodRecord(
        namespace=text(meta.get("namespace")),
        name=text(meta.get("name")),
        uid=text(meta.get("uid")),
        owner_uid=_controller(meta) or text(meta.get("uid")),
        ready=is_ready(obj),
        active=phase not in _ENDED and not meta.get("deletionTimestamp"),
        started_at=min((started for _, started in running), default=None),
        revision=next((text(labels[n]) for n in _REVISIONS if text(labels.get(n))), ""),
        volumes=sites_of(at(obj, "spec"), mapping(meta.get("annotations"))),
        running=running,
    )


def stale_pods(
    sites: Sequence[Site],
    secret_changed_at: datetime,
    witnessed: bool,
    pods: Sequence[PodRecord],
) -> StalePods:
    """Return which Pods hold an older value than the Secret.

    A container keeps what it started with when it takes the Secret by env or subPath; one that was
    restarted since has the new value. Source: Kubernetes docs, "Secrets as environment variables".

    Args:
        sites: where the workload takes the token.
        secret_changed_at: when the value last changed.
        witnessed: whether this process saw the change, so that the time is sure.
        pods: of the workload, old revisions included.
    """
    keepers = {site.container for site in sites if site.keeps_old}
    running = [pod for pod in pods if pod.active and pod.started_at is not None]
    # Pods tell whole seconds: a start within the second of the change is taken as after it.
    moment = secret_changed_at.replace(microsecond=0)
    stale = [
        pod.name
        for pod in running
        if any(name in keepers and started < moment for name, started in pod.running)
    ]
    return StalePods(
        applies=bool(keepers),
        names=tuple(sorted(stale)),
        total=len(running),
        certain=witnessed or not stale,
    )


def injected(workload: Workload, pods: Sequence[PodRecord]) -> tuple[Site, ...]:
    """Return the sites that active Pods have and the template of their workload has not.

    Pods of an older template have its sites too, so a site counts when every revision that is
    alive has it; when the newest revision is known and has Pods, it alone is asked.
    """
    by_revision: dict[str, dict[Site, None]] = {}
    for pod in pods:
        if pod.active:
            by_revision.setdefault(pod.revision, {}).update(dict.fromkeys(pod.volumes))
    newest = by_revision.get(workload.update_revision)
    asked = [newest] if newest is not None else list(by_revision.values())
    if not asked:
        return ()
    known = frozenset(workload.sites)
    return tuple(
        site for site in asked[0] if site not in known and all(site in seen for seen in asked)
    )


def _running(obj: Mapping[str, Any]) -> Iterator[tuple[str, datetime]]:
    for name in _STATUSES:
        for status in items(at(obj, "status", name)):
            started = parse_time(text(at(status, "state", "running", "startedAt")) or None)
            if started is not None:
                yield text(status.get("name")), started


def _controller(meta: Mapping[str, Any]) -> str:
    owners = items(meta.get("ownerReferences"))
    return next((text(o.get("uid")) for o in owners if flag(o.get("controller"))), "")
