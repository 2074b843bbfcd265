"""Kubernetes object -> Workload. Total: whatever the object holds, a Workload comes back."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tokencheck.api.tokencheck import ANNOTATION_RELEASE
from tokencheck.core.workloads.counts import replicas_of
from tokencheck.core.workloads.identity import pod_hash, template_hash
from tokencheck.core.workloads.sites import sites_of
from tokencheck.core.workloads.untyped import at, flag, items, mapping, number, text
from tokencheck.model.workload import Workload

_POD = "Pod"
_TEMPLATE = ("spec", "template")
_TEMPLATES = {"CronJob": ("spec", "jobTemplate", "spec", "template")}
_DEPLOYMENT_REVISION = ("metadata", "annotations", "deployment.kubernetes.io/revision")
# Where a kind says which revision it is at, and which one it goes to.
_REVISIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Deployment": (_DEPLOYMENT_REVISION, ()),
    "ReplicaSet": (_DEPLOYMENT_REVISION, ()),
    "StatefulSet": (("status", "currentRevision"), ("status", "updateRevision")),
    "Rollout": (("status", "stableRS"), ("status", "currentPodHash")),
}
# A Pod says by its phase what a Job says by its conditions.
_PHASES = {"Succeeded": "Complete", "Failed": "Failed"}
# Argo Rollouts: an analysis that runs, or left doubt, holds the rollout as a pause does.
_ANALYSES = (
    ("status", "canary", "currentStepAnalysisRunStatus", "status"),
    ("status", "blueGreen", "prePromotionAnalysisRunStatus", "status"),
    ("status", "blueGreen", "postPromotionAnalysisRunStatus", "status"),
)
_OPEN_ANALYSIS = frozenset({"Pending", "Running", "Inconclusive"})


def parse_workload(obj: Mapping[str, Any]) -> Workload:
    """Return the workload that `obj` holds: any kind with spec.template, a CronJob or a Pod."""
    meta, spec, status = (mapping(at(obj, name)) for name in ("metadata", "spec", "status"))
    kind = text(at(obj, "kind"))
    template = mapping(obj) if kind == _POD else mapping(at(obj, *_TEMPLATES.get(kind, _TEMPLATE)))
    pod_spec, annotations = mapping(template.get("spec")), at(template, "metadata", "annotations")
    strategy = mapping(spec.get("updateStrategy")) or mapping(spec.get("strategy"))
    revision, update_revision = _REVISIONS.get(kind, ((), ()))
    return Workload(
        api_version=text(at(obj, "apiVersion")),
        kind=kind,
        namespace=text(meta.get("namespace")),
        name=text(meta.get("name")),
        uid=text(meta.get("uid")),
        generation=number(meta.get("generation")) or 0,
        template_hash=pod_hash(pod_spec) if kind == _POD else template_hash(template),
        sites=sites_of(pod_spec, mapping(annotations)),
        replicas=replicas_of(obj),
        observed_generation=number(status.get("observedGeneration")),
        conditions=_conditions(status),
        strategy=text(strategy.get("type")),
        paused=_held(obj),
        partition=number(at(strategy, "rollingUpdate", "partition")) or 0,
        revision=text(at(obj, *revision)),
        update_revision=text(at(obj, *update_revision)),
        release=text(at(annotations, ANNOTATION_RELEASE)) or None,
        deleting=bool(meta.get("deletionTimestamp")),
        service_account=text(pod_spec.get("serviceAccountName")) or "default",
    )


def _conditions(status: Mapping[str, Any]) -> Mapping[str, tuple[str, str]]:
    found = {
        text(condition.get("type")): (text(condition.get("status")), text(condition.get("reason")))
        for condition in items(status.get("conditions"))
        if text(condition.get("type"))
    }
    ended = _PHASES.get(text(status.get("phase")))
    if ended:
        found[ended] = ("True", "")
    return MappingProxyType(found)


def _held(obj: Mapping[str, Any]) -> bool:
    """Return whether somebody holds the rollout: a user, or a step of an Argo Rollout."""
    spec = mapping(at(obj, "spec"))
    return (
        flag(spec.get("paused"))
        or flag(spec.get("suspend"))
        or bool(items(at(obj, "status", "pauseConditions")))
        or any(text(at(obj, *path)) in _OPEN_ANALYSIS for path in _ANALYSES)
    )
