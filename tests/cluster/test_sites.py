"""Every way into a container is found in every kind of workload, and an optional one may be absent.

The kinds are Kubernetes' own, Argo's Rollout, and one that nobody has heard of.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from cluster.ending import end
from cluster.kinds import FOREIGN, rights, served
from cluster.shop import Object, Shop, condition, env, findings, pod_spec, ready, states, template
from cluster.ways import SITES, every_way, fill, mount, sites
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.launch import grant_operator

LOCAL = ("True", "PassedWithWarnings")  # nobody vouches for what is only found
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")


@pytest.fixture(scope="module")
def foreign(admin: Api) -> Iterator[dict[str, str]]:
    """Kind -> apiVersion of the kinds that are served besides."""
    with ExitStack() as crds:
        yield {FOREIGN[plural][0]: crds.enter_context(served(admin, plural)) for plural in FOREIGN}


@pytest.fixture(scope="module")
def operator(
    controlplane: ControlPlane,
    foreign: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OperatorProcess]:
    """An operator that may read all of them."""
    assert foreign
    config = grant_operator(controlplane, rights(*FOREIGN))
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    process = OperatorProcess(config, log, plane=controlplane)
    try:
        yield process.start()
    finally:
        end(process)
        grant_operator(controlplane)


def deploy(shop: Shop, kind: str, spec: Object, foreign: dict[str, str]) -> Object:
    """The workload stands in the cluster under the name of its kind; returns its workloadRef."""
    name = kind.lower()
    ref = {"kind": kind, "name": name}
    if kind == "Pod":
        shop.pod(name, spec)
    elif kind in foreign:
        ref["apiVersion"] = foreign[kind]
        meta = {"name": name, "namespace": shop.namespace}
        body = {"apiVersion": foreign[kind], "kind": kind, "metadata": meta}
        shop.admin.apply(body | {"spec": {"replicas": 0, "template": template(name, spec)}})
    else:
        shop.workload(name, spec, kind=kind)
    return ref


@pytest.mark.usefixtures("operator")
def test_every_kind_of_workload_is_looked_into_for_every_way(
    shop: Shop, foreign: dict[str, str]
) -> None:
    fill(shop)
    kinds = (*KINDS, *foreign)
    for kind in kinds:
        shop.check(kind.lower(), workloadRef=deploy(shop, kind, every_way(), foreign))
    for kind in kinds:
        found = shop.wait(kind.lower(), lambda it: it["status"].get("verdict") == "Valid")
        assert sites(found) == SITES, kind
    shop.secret("by-projected", shop.signer.expired())
    for kind in kinds:
        found = shop.reads(kind.lower(), "False", "TokenExpired")
        assert "by-projected" in condition(found, "Ready")["message"], kind


def test_a_kind_that_nobody_knows_is_followed_by_what_its_controller_says(
    shop: Shop, foreign: dict[str, str], operator: OperatorProcess
) -> None:
    """As kstatus reads any kind: observedGeneration, then the condition Ready."""
    shop.secret("payments", shop.signer.token())
    spec = pod_spec(env("payments"))
    shop.check("fleet", workloadRef=deploy(shop, "Fleet", spec, foreign))
    silent = shop.reads("fleet", *LOCAL)
    assert condition(silent, "RolloutVerified")["reason"] == "NoRollout"

    def says(state: str, generation: int) -> None:
        told = {"type": "Ready", "status": state, "reason": "R", "message": "m"}
        told["lastTransitionTime"] = "2026-01-01T00:00:00Z"
        body = {"status": {"observedGeneration": generation, "conditions": [told]}}
        shop.admin.patch("Fleet", "fleet", body, shop.namespace, subresource="status")

    says("False", 1)
    shop.reads("fleet", "Unknown", "RolloutInProgress")
    says("True", 1)
    done = shop.reads("fleet", *LOCAL)
    assert condition(done, "RolloutVerified")["status"] == "True"
    assert done["status"]["rollout"]["verifiedGeneration"] == 1
    # Another template: what its controller said is about the one before.
    again = {"spec": {"template": {"metadata": {"annotations": {"roll": "1"}}}}}
    shop.admin.patch("Fleet", "fleet", again, shop.namespace)
    shop.reads("fleet", "Unknown", "RolloutInProgress")
    says("True", 2)
    shop.reads("fleet", *LOCAL)
    assert operator.get("/readyz")[0] == 200


def optional_ways(*, optional: bool) -> dict[str, Object]:
    """A Pod's spec for each way that knows `optional`; each takes the Secret of its own name."""

    def volume(source: Object) -> Object:
        volumes = [{"name": "v"} | source]
        return pod_spec({"volumeMounts": [mount("v", "/v")]}, volumes=volumes)

    flag = {"optional": optional}
    projected = {"sources": [{"secret": {"name": "projected"} | flag}]}
    items = {"items": [{"key": "token", "path": "t"}]}
    return {
        "env": pod_spec(env("env", optional=optional)),
        "env-from": pod_spec({"envFrom": [{"secretRef": {"name": "env-from"} | flag}]}),
        "volume": volume({"secret": {"secretName": "volume"} | flag}),
        "items": volume({"secret": {"secretName": "items"} | flag | items}),
        "projected": volume({"projected": projected}),
    }


@pytest.mark.usefixtures("operator")
def test_an_absent_secret_fails_only_where_a_pod_does_not_start_without_it(shop: Shop) -> None:
    """Nothing is known then, which is neither good nor bad; once it is there it is judged."""
    ways = optional_ways(optional=True)
    for name, spec in ways.items():
        shop.workload(f"may-{name}", spec, replicas=0)
        shop.check(f"may-{name}", workload=f"Deployment/may-{name}")
        shop.workload(f"must-{name}", optional_ways(optional=False)[name], replicas=0)
        shop.check(f"must-{name}", workload=f"Deployment/must-{name}")
    for name in ways:
        # Until its controller has seen the workload, a rollout is what is unknown.
        found = shop.wait(f"may-{name}", lambda it: "Reconciling" not in states(it))
        assert ready(found)[0] == "Unknown", name
        assert found["status"]["verdict"] == "Unknown", name
        assert ("Present", "Skip", "SecretNotFound") in findings(found), name
        assert "Stalled" not in states(found), name
        shop.reads(f"must-{name}", "False", "SecretNotFound")
    for name in ways:
        shop.secret(name, shop.signer.token())
    for name in ways:
        shop.reads(f"may-{name}", *LOCAL)
        shop.reads(f"must-{name}", *LOCAL)


@pytest.mark.usefixtures("operator")
def test_a_debugging_container_in_one_pod_of_three_brings_its_token_into_the_check(
    shop: Shop,
) -> None:
    """As `kubectl debug` leaves it: the template says nothing, one Pod has a container more."""
    shop.secret("payments", shop.signer.token())
    shop.secret("debugging", shop.signer.expired())
    shop.workload("checkout", pod_spec(env("payments")), replicas=3)
    shop.settled("Deployment", "checkout", 3)
    shop.check("checkout", workload="Deployment/checkout")
    shop.reads("checkout", *LOCAL)
    debug: dict[str, Any] = {"name": "debug", "image": "example.com/debug:1"} | env("debugging")
    body = {"spec": {"ephemeralContainers": [debug]}}
    pod = shop.admin.list("Pod", shop.namespace)[0]["metadata"]["name"]
    where = {"subresource": "ephemeralcontainers", "how": "strategic"}
    shop.admin.patch("Pod", pod, body, shop.namespace, **where)
    found = shop.reads("checkout", "False", "TokenExpired")
    assert sites(found)["debugging/token"] == ["env TOKEN of debug"]
    shop.delete("Pod", pod)
    shop.reads("checkout", *LOCAL)
