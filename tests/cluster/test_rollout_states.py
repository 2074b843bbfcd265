"""A rollout is called settled when its Pods are those of the current template, and not before.

Real workloads, rolled by kube-controller-manager and kube-scheduler; KWOK plays the kubelet.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from controlplane import Api
from tokencheck.core.workloads.parse import parse_workload
from tokencheck.core.workloads.pods import injected, parse_pod
from tokencheck.core.workloads.rollout import rollout_of
from tokencheck.model.workload import RolloutState, SiteKind

Object = dict[str, Any]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]
_LABELS = {"app": "shop"}
_ROLLED = ("Deployment", "StatefulSet", "DaemonSet")


def template(*, fate: str = "", release: str = "1", **pod: Any) -> Object:
    env = [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "payments", "key": "token"}}}]
    return {
        "metadata": {
            "labels": _LABELS,
            "annotations": {"controlplane.test/fate": fate, "tokencheck.dev/release": release},
        },
        "spec": {"containers": [{"name": "app", "image": "example.com/app:1", "env": env}], **pod},
    }


def workload(kind: str, namespace: str, pod: Object | None = None, **spec: Any) -> Object:
    """Returns a workload named ``shop`` of two replicas, unless the spec says otherwise."""
    counted = {} if kind == "DaemonSet" else {"replicas": 2}
    selected = {"selector": {"matchLabels": _LABELS}, "template": pod or template()}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "shop", "namespace": namespace},
        "spec": counted | selected | spec,
    }


def job(namespace: str, pod: Object, **spec: Any) -> Object:
    pod["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "shop", "namespace": namespace},
        "spec": {"template": pod, **spec},
    }


def state_of(found: Object) -> RolloutState:
    return rollout_of(parse_workload(found), None).state


def reached(admin: Api, kind: str, namespace: str, state: RolloutState) -> Object:
    """The workload, as soon as its rollout is in this state."""
    return admin.wait(kind, "shop", namespace, until=lambda it: state_of(it) is state, timeout_s=60)


def stays(admin: Api, kind: str, namespace: str, state: RolloutState) -> None:
    """The state is no moment between two others: it is still there after one second."""
    with pytest.raises(TimeoutError):
        admin.wait(kind, "shop", namespace, until=lambda it: state_of(it) is not state, timeout_s=1)


def restart(admin: Api, kind: str, namespace: str, release: str = "2", **more: Any) -> Object:
    annotations = {"tokencheck.dev/release": release}
    body = {"spec": {"template": {"metadata": {"annotations": annotations}}} | more}
    return admin.patch(kind, "shop", body, namespace)


def releases(admin: Api, namespace: str) -> set[str]:
    return {
        pod["metadata"]["annotations"]["tokencheck.dev/release"]
        for pod in admin.list("Pod", namespace)
        if "deletionTimestamp" not in pod["metadata"]
    }


@pytest.mark.parametrize("kind", _ROLLED)
def test_a_rollout_is_open_from_the_change_until_no_older_pod_is_left(
    admin: Api, namespace: str, kind: str
) -> None:
    created = admin.create(workload(kind, namespace))
    assert state_of(created) is RolloutState.IN_PROGRESS
    reached(admin, kind, namespace, RolloutState.SETTLED)
    changed = restart(admin, kind, namespace)
    assert state_of(changed) is RolloutState.IN_PROGRESS
    reached(admin, kind, namespace, RolloutState.SETTLED)
    assert releases(admin, namespace) == {"2"}


@pytest.mark.parametrize("kind", _ROLLED)
def test_kubectl_rollout_restart_makes_another_template_and_scaling_does_not(
    admin: Api, kubectl: Kubectl, namespace: str, kind: str
) -> None:
    admin.create(workload(kind, namespace))
    before = parse_workload(reached(admin, kind, namespace, RolloutState.SETTLED))
    if kind != "DaemonSet":
        admin.patch(kind, "shop", {"spec": {"replicas": 3}}, namespace)
    scaled = parse_workload(reached(admin, kind, namespace, RolloutState.SETTLED))
    assert scaled.template_hash == before.template_hash
    kubectl("rollout", "restart", f"{kind.lower()}/shop", "-n", namespace)
    after = parse_workload(reached(admin, kind, namespace, RolloutState.SETTLED))
    assert after.template_hash != before.template_hash


def test_pods_that_never_become_ready_keep_a_rollout_open(admin: Api, namespace: str) -> None:
    admin.create(workload("Deployment", namespace, template(fate="never-ready")))
    admin.wait(
        "Deployment",
        "shop",
        namespace,
        until=lambda it: it.get("status", {}).get("updatedReplicas") == 2,
    )
    stays(admin, "Deployment", namespace, RolloutState.IN_PROGRESS)


def test_pods_that_are_ready_for_less_than_min_ready_seconds_keep_a_rollout_open(
    admin: Api, namespace: str
) -> None:
    admin.create(workload("Deployment", namespace, minReadySeconds=300))
    admin.wait(
        "Deployment",
        "shop",
        namespace,
        until=lambda it: it.get("status", {}).get("readyReplicas") == 2,
    )
    stays(admin, "Deployment", namespace, RolloutState.IN_PROGRESS)


def test_an_exceeded_progress_deadline_is_a_failure_until_the_next_template(
    admin: Api, namespace: str
) -> None:
    pod = template(fate="never-ready")
    admin.create(workload("Deployment", namespace, pod, progressDeadlineSeconds=1))
    reached(admin, "Deployment", namespace, RolloutState.FAILED)
    body = {"spec": {"template": {"metadata": {"annotations": {"controlplane.test/fate": ""}}}}}
    changed = admin.patch("Deployment", "shop", body, namespace)
    assert state_of(changed) is RolloutState.IN_PROGRESS
    reached(admin, "Deployment", namespace, RolloutState.SETTLED)


def test_a_pause_holds_a_new_template_back_and_does_not_undo_an_old_one(
    admin: Api, namespace: str
) -> None:
    admin.create(workload("Deployment", namespace))
    reached(admin, "Deployment", namespace, RolloutState.SETTLED)
    admin.patch("Deployment", "shop", {"spec": {"paused": True}}, namespace)
    reached(admin, "Deployment", namespace, RolloutState.SETTLED)
    stays(admin, "Deployment", namespace, RolloutState.SETTLED)
    restart(admin, "Deployment", namespace)
    reached(admin, "Deployment", namespace, RolloutState.PAUSED)
    stays(admin, "Deployment", namespace, RolloutState.PAUSED)
    assert releases(admin, namespace) == {"1"}
    admin.patch("Deployment", "shop", {"spec": {"paused": False}}, namespace)
    reached(admin, "Deployment", namespace, RolloutState.SETTLED)
    assert releases(admin, namespace) == {"2"}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_workload_scaled_to_zero_has_nothing_to_verify(
    admin: Api, namespace: str, kind: str
) -> None:
    admin.create(workload(kind, namespace))
    reached(admin, kind, namespace, RolloutState.SETTLED)
    admin.patch(kind, "shop", {"spec": {"replicas": 0}}, namespace)
    reached(admin, kind, namespace, RolloutState.SCALED_TO_ZERO)
    restart(admin, kind, namespace)
    reached(admin, kind, namespace, RolloutState.SCALED_TO_ZERO)
    admin.patch(kind, "shop", {"spec": {"replicas": 1}}, namespace)
    reached(admin, kind, namespace, RolloutState.SETTLED)
    assert releases(admin, namespace) == {"2"}


def test_a_daemonset_that_no_node_wants_has_nothing_to_verify(admin: Api, namespace: str) -> None:
    admin.create(workload("DaemonSet", namespace, template(nodeSelector={"no": "node"})))
    reached(admin, "DaemonSet", namespace, RolloutState.SCALED_TO_ZERO)


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_on_delete_waits_until_somebody_has_deleted_every_old_pod(
    admin: Api, namespace: str, kind: str
) -> None:
    admin.create(workload(kind, namespace, updateStrategy={"type": "OnDelete"}))
    reached(admin, kind, namespace, RolloutState.SETTLED)
    restart(admin, kind, namespace)
    reached(admin, kind, namespace, RolloutState.WAITING_FOR_MANUAL_UPDATE)
    stays(admin, kind, namespace, RolloutState.WAITING_FOR_MANUAL_UPDATE)
    for pod in admin.list("Pod", namespace):
        admin.delete("Pod", pod["metadata"]["name"], namespace)
    reached(admin, kind, namespace, RolloutState.SETTLED)
    assert releases(admin, namespace) == {"2"}


def test_a_partition_waits_until_somebody_lowers_it(admin: Api, namespace: str) -> None:
    def strategy(partition: int) -> Object:
        return {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}

    admin.create(workload("StatefulSet", namespace, updateStrategy=strategy(1)))
    reached(admin, "StatefulSet", namespace, RolloutState.SETTLED)
    restart(admin, "StatefulSet", namespace)
    reached(admin, "StatefulSet", namespace, RolloutState.WAITING_FOR_MANUAL_UPDATE)
    stays(admin, "StatefulSet", namespace, RolloutState.WAITING_FOR_MANUAL_UPDATE)
    assert releases(admin, namespace) == {"1", "2"}
    admin.patch("StatefulSet", "shop", {"spec": {"updateStrategy": strategy(0)}}, namespace)
    reached(admin, "StatefulSet", namespace, RolloutState.SETTLED)
    assert releases(admin, namespace) == {"2"}


def test_a_replicaset_is_settled_when_its_pods_are_available(admin: Api, namespace: str) -> None:
    created = admin.create(workload("ReplicaSet", namespace))
    assert state_of(created) is RolloutState.IN_PROGRESS
    reached(admin, "ReplicaSet", namespace, RolloutState.SETTLED)


def test_a_job_is_settled_when_it_is_complete(admin: Api, namespace: str) -> None:
    created = admin.create(job(namespace, template()))
    assert state_of(created) is RolloutState.IN_PROGRESS
    found = admin.wait(
        "Job",
        "shop",
        namespace,
        until=lambda it: "Complete" in parse_workload(it).conditions,
        timeout_s=60,
    )
    assert found["status"]["succeeded"] == 1
    assert state_of(found) is RolloutState.SETTLED


def test_a_job_that_cannot_be_scheduled_has_started_and_is_not_settled(
    admin: Api, namespace: str
) -> None:
    admin.create(job(namespace, template(nodeSelector={"no": "node"})))
    admin.wait("Job", "shop", namespace, until=lambda it: it.get("status", {}).get("startTime"))
    stays(admin, "Job", namespace, RolloutState.IN_PROGRESS)


def test_a_job_that_failed_is_a_failure(admin: Api, namespace: str) -> None:
    admin.create(job(namespace, template(fate="fail"), backoffLimit=0))
    reached(admin, "Job", namespace, RolloutState.FAILED)


def test_a_suspended_job_is_paused(admin: Api, namespace: str) -> None:
    admin.create(job(namespace, template(), suspend=True))
    reached(admin, "Job", namespace, RolloutState.PAUSED)


def test_a_cronjob_has_no_rollout(admin: Api, namespace: str) -> None:
    pod = job(namespace, template())["spec"]
    created = admin.create(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "shop", "namespace": namespace},
            "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": pod}},
        }
    )
    assert state_of(created) is RolloutState.NO_ROLLOUT
    assert [site.where for site in parse_workload(created).sites] == ["TOKEN"]


def test_a_bare_pod_is_settled_when_it_is_ready_and_keeps_its_hash_when_made_again(
    admin: Api, namespace: str
) -> None:
    manifest = {"apiVersion": "v1", "kind": "Pod"} | template()
    manifest["metadata"] |= {"name": "shop", "namespace": namespace}
    created = admin.create(manifest)
    assert state_of(created) is RolloutState.IN_PROGRESS
    first = parse_workload(reached(admin, "Pod", namespace, RolloutState.SETTLED))
    assert first.template_hash == parse_workload(created).template_hash
    admin.delete("Pod", "shop", namespace)
    admin.wait("Pod", "shop", namespace, until=lambda it: not it)
    again = parse_workload(admin.create(manifest))
    assert again.uid != first.uid
    assert again.template_hash == first.template_hash


def test_a_release_settles_when_the_template_says_it(admin: Api, namespace: str) -> None:
    def state(release: str) -> RolloutState:
        found = parse_workload(admin.get("Deployment", "shop", namespace))
        return rollout_of(found, release).state

    admin.create(workload("Deployment", namespace))
    reached(admin, "Deployment", namespace, RolloutState.SETTLED)
    assert state("1") is RolloutState.SETTLED
    assert state("2") is RolloutState.IN_PROGRESS
    restart(admin, "Deployment", namespace, "2")
    reached(admin, "Deployment", namespace, RolloutState.SETTLED)
    assert state("2") is RolloutState.SETTLED


def test_a_workload_that_is_being_deleted_settles_no_more(admin: Api, namespace: str) -> None:
    manifest = workload("Deployment", namespace)
    manifest["metadata"]["finalizers"] = ["example.com/hold"]
    admin.create(manifest)
    reached(admin, "Deployment", namespace, RolloutState.SETTLED)
    admin.delete("Deployment", "shop", namespace)
    assert state_of(admin.get("Deployment", "shop", namespace)) is RolloutState.IN_PROGRESS
    admin.patch("Deployment", "shop", {"metadata": {"finalizers": None}}, namespace)


def test_running_pods_show_what_admission_added_and_not_the_automounted_token(
    admin: Api, namespace: str
) -> None:
    """The API server copies the pull Secrets of a ServiceAccount into each of its Pods."""
    admin.create(workload("Deployment", namespace))
    found = parse_workload(reached(admin, "Deployment", namespace, RolloutState.SETTLED))
    pods = admin.list("Pod", namespace)
    mounts = [m["name"] for m in pods[0]["spec"]["containers"][0]["volumeMounts"]]
    assert any(name.startswith("kube-api-access-") for name in mounts)
    assert injected(found, [parse_pod(pod) for pod in pods]) == ()

    pull = {"imagePullSecrets": [{"name": "registry"}]}
    admin.patch("ServiceAccount", "default", pull, namespace)
    restart(admin, "Deployment", namespace)
    found = parse_workload(reached(admin, "Deployment", namespace, RolloutState.SETTLED))
    records = [parse_pod(pod) for pod in admin.list("Pod", namespace)]
    assert all(record.ready and record.started_at for record in records if record.active)
    added = injected(found, records)
    assert [(site.kind, site.secret) for site in added] == [
        (SiteKind.IMAGE_PULL_SECRET, "registry")
    ]
