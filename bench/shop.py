"""Deployments that mount Secrets, their ReplicaSets and Pods, as a controller would leave them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from bench import objects
from bench.cluster import Cluster
from bench.http import Object
from bench.progress import Display
from bench.scale import Scale

_APPS = "apps/v1"
_SEED = 20260102
_SETTLED: Object = {
    "observedGeneration": 1,
    "conditions": [{"type": "Available", "status": "True"}],
} | dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
_RUNNING: Object = {
    "phase": "Running",
    "conditions": [{"type": "Ready", "status": "True"}],
    "containerStatuses": [
        {
            "name": "app",
            "ready": True,
            "restartCount": 0,
            "image": "registry.example.com/app:1",
            "imageID": "",
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        }
    ],
}


async def seed(cluster: Cluster, scale: Scale, display: Display) -> None:
    """Half of the Secrets hold a token; every workload mounts one and has a ReplicaSet."""
    source = random.Random(_SEED)
    tokens = scale.audit_secrets // 2
    secrets = [_secret(number, tokens, cluster, source) for number in range(scale.audit_secrets)]
    await _create(cluster, display, "Secrets", secrets)
    await workloads(cluster, scale.audit_workloads, scale.audit_pods, display)


async def workloads(
    cluster: Cluster,
    count: int,
    pods: int,
    display: Display,
    *,
    spaces: Sequence[str] = objects.NAMESPACES,
) -> None:
    """``count`` Deployments exist, each with a ReplicaSet and its share of the Pods.

    Deployment ``number`` takes token ``number`` from its environment. Nobody gave them a status.
    """
    for space in spaces:
        account = _meta("v1", "ServiceAccount", "default", space)
        await cluster.http.request("POST", objects.path("serviceaccounts", space), account)
    numbers = range(count)
    await _create(cluster, display, "Deployments", [_deployment(n, spaces) for n in numbers])
    uids = await _uids(cluster, "deployments")
    await _create(cluster, display, "ReplicaSets", [_replica_set(n, spaces, uids) for n in numbers])
    uids = await _uids(cluster, "replicasets")
    made = [_pod(n, n % count, spaces, uids) for n in range(pods)]
    await _create(cluster, display, "Pods", made)


async def settle(
    cluster: Cluster,
    count: int,
    pods: int,
    display: Display,
    *,
    spaces: Sequence[str] = objects.NAMESPACES,
) -> None:
    """The Deployments and Pods of :func:`workloads` say that they run."""

    async def deployment(number: int) -> None:
        space = objects.namespace_of(number, spaces)
        where = objects.path("deployments", space, name_of(number), group=_APPS)
        await cluster.http.merge(f"{where}/status", {"status": _SETTLED})

    async def pod(number: int) -> None:
        workload = number % count
        space = objects.namespace_of(workload, spaces)
        where = objects.path("pods", space, _pod_name(number, workload))
        await cluster.http.merge(f"{where}/status", {"status": _RUNNING})

    with display.step(f"{count + pods:,} statuses", count + pods) as tick:
        await cluster.http.many(range(count), deployment, tick)
        await cluster.http.many(range(pods), pod, tick)


async def _create(cluster: Cluster, display: Display, title: str, manifests: list[Object]) -> None:
    async def post(manifest: Object) -> None:
        group = "" if manifest["apiVersion"] == "v1" else manifest["apiVersion"]
        plural = f"{manifest['kind'].lower()}s"
        where = objects.path(plural, manifest["metadata"]["namespace"], group=group)
        await cluster.http.request("POST", where, manifest)

    with display.step(f"{len(manifests):,} {title}", len(manifests)) as tick:
        await cluster.http.many(manifests, post, tick)


async def _uids(cluster: Cluster, plural: str) -> dict[str, str]:
    listed = await cluster.http.get(f"/apis/{_APPS}/{plural}")
    items: Iterable[Object] = listed["items"]
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in items}


def _secret(number: int, tokens: int, cluster: Cluster, source: random.Random) -> Object:
    if number < tokens:
        return objects.token_secret(number, cluster.signer.good())
    return objects.other_secret(number, source)


def _meta(api: str, kind: str, name: str, namespace: str) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def name_of(number: int) -> str:
    """The name of Deployment ``number``."""
    return f"app-{number:05d}"


def _template(number: int) -> Object:
    token = {"name": objects.token_name(number), "key": "token"}
    container = {
        "name": "app",
        "image": "registry.example.com/app:1",
        "env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": token}}],
    }
    return {"metadata": {"labels": {"app": name_of(number)}}, "spec": {"containers": [container]}}


def _workload(kind: str, name: str, number: int, spaces: Sequence[str]) -> Object:
    manifest = _meta(_APPS, kind, name, objects.namespace_of(number, spaces))
    selector = {"matchLabels": {"app": name_of(number)}}
    return manifest | {"spec": {"selector": selector, "template": _template(number)}}


def _deployment(number: int, spaces: Sequence[str]) -> Object:
    return _workload("Deployment", name_of(number), number, spaces)


def _replica_set(number: int, spaces: Sequence[str], uids: dict[str, str]) -> Object:
    manifest = _workload("ReplicaSet", f"{name_of(number)}-1", number, spaces)
    manifest["metadata"]["ownerReferences"] = [_owner("Deployment", name_of(number), uids)]
    return manifest


def _pod_name(number: int, workload: int) -> str:
    return f"{name_of(workload)}-1-{number:05d}"


def _pod(number: int, workload: int, spaces: Sequence[str], uids: dict[str, str]) -> Object:
    name = _pod_name(number, workload)
    manifest = _meta("v1", "Pod", name, objects.namespace_of(workload, spaces))
    template = _template(workload)
    manifest["metadata"] |= {
        "labels": template["metadata"]["labels"],
        "ownerReferences": [_owner("ReplicaSet", f"{name_of(workload)}-1", uids)],
    }
    return manifest | {"spec": template["spec"]}


def _owner(kind: str, name: str, uids: dict[str, str]) -> Object:
    return {
        "apiVersion": _APPS,
        "kind": kind,
        "name": name,
        "uid": uids[name],
        "controller": True,
    }
