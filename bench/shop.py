"""Seeds the cluster of the audit stage: Deployments that mount Secrets, and their Pods."""

from __future__ import annotations

import random
from collections.abc import Iterable

from bench import objects
from bench.cluster import Cluster
from bench.http import Object
from bench.progress import Display
from bench.scale import Scale

_APPS = "apps/v1"
_SEED = 20260102


async def seed(cluster: Cluster, scale: Scale, display: Display) -> None:
    """Half of the Secrets hold a token; every workload mounts one and has a ReplicaSet."""
    source = random.Random(_SEED)
    tokens = scale.audit_secrets // 2
    secrets = [_secret(number, tokens, cluster, source) for number in range(scale.audit_secrets)]
    for namespace in objects.NAMESPACES:
        account = _meta("v1", "ServiceAccount", "default", namespace)
        await cluster.http.request("POST", objects.path("serviceaccounts", namespace), account)
    await _create(cluster, display, "Secrets", secrets)
    workloads = range(scale.audit_workloads)
    await _create(cluster, display, "Deployments", [_deployment(n) for n in workloads])
    uids = await _uids(cluster, "deployments")
    await _create(cluster, display, "ReplicaSets", [_replica_set(n, uids) for n in workloads])
    uids = await _uids(cluster, "replicasets")
    pods = [_pod(n, n % scale.audit_workloads, uids) for n in range(scale.audit_pods)]
    await _create(cluster, display, "Pods", pods)


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


def _name(number: int) -> str:
    return f"app-{number:05d}"


def _template(number: int) -> Object:
    token = {"name": objects.token_name(number), "key": "token"}
    container = {
        "name": "app",
        "image": "registry.example.com/app:1",
        "env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": token}}],
    }
    return {"metadata": {"labels": {"app": _name(number)}}, "spec": {"containers": [container]}}


def _workload(kind: str, name: str, number: int) -> Object:
    manifest = _meta(_APPS, kind, name, objects.namespace_of(number))
    selector = {"matchLabels": {"app": _name(number)}}
    return manifest | {"spec": {"selector": selector, "template": _template(number)}}


def _deployment(number: int) -> Object:
    return _workload("Deployment", _name(number), number)


def _replica_set(number: int, uids: dict[str, str]) -> Object:
    manifest = _workload("ReplicaSet", f"{_name(number)}-1", number)
    manifest["metadata"]["ownerReferences"] = [_owner("Deployment", _name(number), uids)]
    return manifest


def _pod(number: int, workload: int, uids: dict[str, str]) -> Object:
    name = f"{_name(workload)}-1-{number:05d}"
    manifest = _meta("v1", "Pod", name, objects.namespace_of(workload))
    template = _template(workload)
    manifest["metadata"] |= {
        "labels": template["metadata"]["labels"],
        "ownerReferences": [_owner("ReplicaSet", f"{_name(workload)}-1", uids)],
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
