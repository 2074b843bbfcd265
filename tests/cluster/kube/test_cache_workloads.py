"""The cache knows workloads and their Pods as the API server has them, and says what changed."""

from __future__ import annotations

from typing import Any

import pytest

from kube_world import CHECK, MakeCache, Told, World, key
from tokencheck.api.tokencheck import WorkloadRef
from tokencheck.model.change import Cause
from tokencheck.model.evidence import Absent, Denied
from tokencheck.model.keys import Key
from tokencheck.model.workload import Workload

DEPLOYMENT = WorkloadRef(api_version="apps/v1", kind="Deployment", name="web")


def deployment(world: World, *, name: str = "web", image: str = "a", **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": world.namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": image}]},
            },
            **spec,
        },
    }


def owned(world: World, kind: str, name: str, owner: dict[str, Any], **body: Any) -> dict[str, Any]:
    """An object as a controller would make it."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    api_version = {"Pod": "v1", "ControllerRevision": "apps/v1"}.get(kind, "apps/v1")
    metadata = {"name": name, "namespace": world.namespace, "ownerReferences": [reference]}
    labels = body.pop("labels", {})
    return world.api.create(
        {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": metadata | {"labels": labels},
            **body,
        }
    )


def pod_spec() -> dict[str, Any]:
    return {"containers": [{"name": "c", "image": "a"}], "automountServiceAccountToken": False}


def allow_pods(world: World) -> None:
    """No controller makes the ServiceAccount without which Pods are refused."""
    metadata = {"name": "default", "namespace": world.namespace}
    world.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})


# Workloads


async def test_a_workload_is_served_from_the_store_once_it_is_followed(
    world: World, make: MakeCache
) -> None:
    world.api.create(deployment(world))
    cache = make()
    cache.follow(CHECK, frozenset({key(world, "Deployment", "web")}))
    first = await cache.workload(world.namespace, DEPLOYMENT)
    assert isinstance(first, Workload)
    assert (first.kind, first.api_version, first.name) == ("Deployment", "apps/v1", "web")
    asked = len(world.proxy.seen)
    assert await cache.workload(world.namespace, DEPLOYMENT) == first
    assert len(world.proxy.seen) in (asked, asked + 1), "the watch may open meanwhile"
    assert world.proxy.count("get", "/web") == 0


async def test_a_new_template_is_a_rollout_and_other_changes_are_not(
    world: World, make: MakeCache, told: Told
) -> None:
    world.api.create(deployment(world))
    cache = make()
    cache.follow(CHECK, frozenset({key(world, "Deployment", "web")}))
    await cache.workload(world.namespace, DEPLOYMENT)
    await world.until(lambda: world.proxy.open_streams == 1)
    told.clear()
    world.api.apply(deployment(world, image="b"))
    await world.until(lambda: len(told) == 1)
    world.api.apply(deployment(world, image="b", replicas=3))
    await world.until(lambda: len(told) == 2)
    world.api.delete("Deployment", "web", world.namespace)
    await world.until(lambda: len(told) == 3)
    assert told.of("Deployment") == [
        Cause.ROLLOUT_STARTED,
        Cause.WORKLOAD_CHANGED,
        Cause.WORKLOAD_CHANGED,
    ]
    assert told[-1].gone


async def test_a_missing_workload_is_absent_and_its_coming_is_told(
    world: World, make: MakeCache, told: Told
) -> None:
    cache = make()
    cache.follow(CHECK, frozenset({key(world, "Deployment", "web")}))
    assert isinstance(await cache.workload(world.namespace, DEPLOYMENT), Absent)
    world.api.create(deployment(world))
    await world.until(lambda: told)
    assert isinstance(await cache.workload(world.namespace, DEPLOYMENT), Workload)


async def test_a_kind_that_the_table_does_not_know_is_found_by_discovery(
    world: World, make: MakeCache
) -> None:
    labels = {"app": "x"}
    metadata = {"name": "rc", "namespace": world.namespace}
    template = {"metadata": {"labels": labels}, "spec": pod_spec()}
    world.api.create(
        {
            "apiVersion": "v1",
            "kind": "PodTemplate",
            "metadata": metadata,
            "template": template,
        }
    )
    ref = WorkloadRef(api_version="v1", kind="PodTemplate", name="rc")
    cache = make()
    found = await cache.workload(world.namespace, ref)
    assert isinstance(found, Workload)
    await cache.workload(world.namespace, ref)
    assert world.proxy.count("get", "/api/v1") == 1, "the answer is remembered"


@pytest.mark.parametrize("api_version", ["argoproj.io/v1alpha1", "../v1", "a/b/c", ""])
async def test_a_kind_that_is_not_served_is_absent(
    world: World, make: MakeCache, api_version: str
) -> None:
    ref = WorkloadRef(api_version=api_version, kind="Rollout", name="web")
    found = await make().workload(world.namespace, ref)
    assert isinstance(found, Absent)
    assert found.what.startswith(f"Rollout {world.namespace}/web: the kind Rollout")


async def test_many_namespaces_are_watched_by_one_watch_of_the_cluster(
    world: World, make: MakeCache, told: Told
) -> None:
    """Above ten; what was known before is not told again, and reads are right all the time."""
    world.api.create(deployment(world))
    cache = make()
    cache.follow(CHECK, frozenset({key(world, "Deployment", "web")}))
    first = await cache.workload(world.namespace, DEPLOYMENT)
    await world.until(lambda: world.proxy.open_streams == 1)
    told.clear()
    for i in range(10):
        other = Key("TokenCheck", f"ns{i}", "x")
        cache.follow(other, frozenset({Key("Deployment", f"ns{i}", "x")}))
    assert await cache.workload(world.namespace, DEPLOYMENT) == first
    await world.until(lambda: world.proxy.open_streams == 1)
    assert cache.watches()[0].informers == 1
    assert not told
    world.api.apply(deployment(world, image="b"))
    await world.until(lambda: told)
    assert told.of("Deployment") == [Cause.ROLLOUT_STARTED]


# Pods


async def test_pods_of_a_deployment_are_found_through_its_replica_sets(
    world: World, make: MakeCache, told: Told
) -> None:
    allow_pods(world)
    web = world.api.create(deployment(world))
    spec = {"selector": web["spec"]["selector"], "template": web["spec"]["template"]}
    sets = [
        owned(world, "ReplicaSet", f"web-{i}", web, spec=spec, labels={"app": "web"})
        for i in (1, 2)
    ]
    for i, replica_set in enumerate(sets):
        owned(world, "Pod", f"web-{i}", replica_set, spec=pod_spec())
    stranger = world.api.create(deployment(world, name="other"))
    owned(world, "Pod", "other", stranger, spec=pod_spec())
    cache = make()
    cache.follow(CHECK, frozenset({key(world, "Deployment", "web")}))
    workload = await cache.workload(world.namespace, DEPLOYMENT)
    assert isinstance(workload, Workload)
    pods = await cache.pods(workload)
    assert isinstance(pods, tuple)
    assert [pod.name for pod in pods] == ["web-0", "web-1"]

    await world.until(lambda: world.proxy.open_streams == 3)
    told.clear()
    owned(world, "Pod", "web-3", sets[0], spec=pod_spec())
    await world.until(lambda: Cause.PODS_CHANGED in told.of("Deployment"))
    pods = await cache.pods(workload)
    assert isinstance(pods, tuple)
    assert [pod.name for pod in pods] == ["web-0", "web-1", "web-3"]

    cache.unfollow(CHECK)
    await world.until(lambda: world.proxy.open_streams == 0)


async def test_pods_of_other_workloads_tell_nothing(
    world: World, make: MakeCache, told: Told
) -> None:
    allow_pods(world)
    web, other = (world.api.create(deployment(world, name=name)) for name in ("web", "other"))
    cache = make()
    cache.follow(CHECK, frozenset({key(world, "Deployment", "web")}))
    workload = await cache.workload(world.namespace, DEPLOYMENT)
    assert isinstance(workload, Workload)
    assert await cache.pods(workload) == ()
    await world.until(lambda: world.proxy.open_streams == 3)
    told.clear()
    owned(world, "Pod", "other", other, spec=pod_spec())
    owned(world, "Pod", "mine", web, spec=pod_spec())
    await world.until(lambda: told)
    assert len(told) == 1


async def test_pods_that_may_not_be_listed_are_denied(world: World, make: MakeCache) -> None:
    world.api.create(deployment(world))
    cache = make()
    workload = await cache.workload(world.namespace, DEPLOYMENT)
    assert isinstance(workload, Workload)
    world.proxy.refuse(403, lambda seen: seen.path.endswith("/pods"))
    assert await cache.pods(workload) == Denied(what=f"pods in namespace {world.namespace}")


async def test_the_newest_revision_of_a_daemon_set_is_known(world: World, make: MakeCache) -> None:
    """Its status does not name it, so the Pods of the current template are known by it alone."""
    manifest = deployment(world, name="ds") | {"kind": "DaemonSet"}
    ds = world.api.create(manifest)
    for revision, label in ((2, "new"), (1, "old")):
        owned(
            world,
            "ControllerRevision",
            f"ds-{label}",
            ds,
            revision=revision,
            data={},
            labels={"controller-revision-hash": label},
        )
    ref = WorkloadRef(api_version="apps/v1", kind="DaemonSet", name="ds")
    cache = make()
    cache.follow(CHECK, frozenset({key(world, "DaemonSet", "ds")}))
    workload = await cache.workload(world.namespace, ref)
    assert isinstance(workload, Workload)
    assert workload.update_revision == "new"
