"""What running Pods really hold: a variable and a subPath keep the old token after a rotation."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from cluster.shop import (
    Shop,
    condition,
    env,
    eventually,
    findings,
    listed,
    pod_spec,
    ready,
    states,
    token_of,
)
from controlplane import OperatorProcess

pytestmark = pytest.mark.usefixtures("operator")

GOOD = ("True", "AllChecksPassed")
WARNED = ("True", "PassedWithWarnings")
LOCAL = {"unverified": "Ignore"}


def mounts(secret: str, **how: str) -> dict[str, Any]:
    volume = {"name": "v", "secret": {"secretName": secret}}
    mount = {"name": "v", "mountPath": "/v"} | how
    return pod_spec({"volumeMounts": [mount]}, volumes=[volume])


# A workload for each way, its replicas, and whether its Pods keep what they started with.
WAYS: dict[str, tuple[dict[str, Any], int, bool]] = {
    "env": (pod_spec(env("payments")), 3, True),
    "env-from": (pod_spec({"envFrom": [{"secretRef": {"name": "payments"}}]}), 2, True),
    "sub-path": (mounts("payments", subPath="token"), 2, True),
    "volume": (mounts("payments"), 2, False),
}


def pods_of(shop: Shop, app: str) -> list[dict[str, Any]]:
    found = shop.admin.list("Pod", shop.namespace, labelSelector=f"app={app}")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def a_second_after_their_start(shop: Shop, *apps: str) -> None:
    """Pods say whole seconds; a start in the second of a change counts as after it."""
    for app in apps:
        for pod in pods_of(shop, app):
            for status in pod["status"]["containerStatuses"]:
                started = datetime.fromisoformat(status["state"]["running"]["startedAt"])
                time.sleep(max(0.0, started.timestamp() + 1.1 - time.time()))


def deploy(shop: Shop, *names: str) -> None:
    """The workloads run with a token that their checks find good, and some time has passed."""
    shop.secret("payments", shop.signer.token())
    for name in names:
        shop.workload(name, WAYS[name][0], replicas=WAYS[name][1])
        shop.check(name, listed("payments"), workload=f"Deployment/{name}", policy=LOCAL)
    for name in names:
        shop.settled("Deployment", name, WAYS[name][1])
        found = shop.reads(name, *GOOD)
        assert states(found)["StaleInPods"] == "False"
    a_second_after_their_start(shop, *names)


def rotate(shop: Shop) -> str:
    version: str = shop.secret("payments", shop.signer.token())["metadata"]["resourceVersion"]
    return version


def test_after_a_rotation_the_pods_that_hold_the_old_token_are_counted_and_named(
    shop: Shop, operator: OperatorProcess
) -> None:
    deploy(shop, *WAYS)
    version = rotate(shop)
    for name, (_, replicas, keeps) in WAYS.items():
        found = shop.wait(name, lambda it: token_of(it).get("resourceVersion") == version)
        told = condition(found, "StaleInPods")
        labels = f'namespace="{shop.namespace}",name="{name}"'
        stale = replicas if keeps else 0
        metric = f"tokencheck_pods_stale{{{labels}}}"
        eventually(lambda m=metric, stale=stale: operator.metrics().get(m) == stale)
        if not keeps:
            assert (told["status"], ready(found)) == ("False", GOOD)
            assert "stalePods" not in token_of(found)
            continue
        assert (told["status"], told["reason"]) == ("True", "StaleInPods")
        assert f"{replicas} of {replicas} Pods hold an older value" in told["message"]
        for pod in pods_of(shop, name):
            assert pod["metadata"]["name"] in told["message"]
        assert "restart the Pods" in told["message"]
        assert ready(found) == WARNED
        assert token_of(found)["stalePods"] == replicas
        shop.wait_event(name, "StaleInPods")


def test_a_restart_of_the_rollout_clears_it(
    shop: Shop, kubectl: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    deploy(shop, "env", "sub-path")
    rotate(shop)
    for name in ("env", "sub-path"):
        shop.wait(name, lambda it: states(it)["StaleInPods"] == "True")
        kubectl("rollout", "restart", f"deployment/{name}", "-n", shop.namespace)
    for name in ("env", "sub-path"):
        found = shop.reads(name, *GOOD, timeout_s=30)
        assert states(found)["StaleInPods"] == "False"


def test_pods_that_are_replaced_one_by_one_are_counted_down(shop: Shop) -> None:
    deploy(shop, "env")
    rotate(shop)
    shop.wait("env", lambda it: token_of(it).get("stalePods") == 3)
    for left in (2, 1, 0):
        stale = {pod["metadata"]["name"] for pod in pods_of(shop, "env")}
        told = shop.admin.get("TokenCheck", "env", shop.namespace)
        named = [name for name in stale if name in condition(told, "StaleInPods")["message"]]
        shop.delete("Pod", named[0])
        shop.wait("env", lambda it, left=left: token_of(it).get("stalePods", 0) == left)
    shop.reads("env", *GOOD)


@pytest.mark.parametrize(
    ("level", "expected", "found"),
    [("Fail", ("False", "StaleInPods"), "Fail"), ("Ignore", GOOD, "Skip")],
)
def test_the_policy_decides_what_becomes_of_pods_that_hold_an_older_token(
    shop: Shop, level: str, expected: tuple[str, str], found: str
) -> None:
    shop.secret("payments", shop.signer.token())
    shop.workload("env", WAYS["env"][0], replicas=1)
    policy = LOCAL | {"staleInPods": level}
    shop.check("env", listed("payments"), workload="Deployment/env", policy=policy)
    shop.settled("Deployment", "env")
    shop.reads("env", *GOOD)
    a_second_after_their_start(shop, "env")
    version = rotate(shop)
    told = shop.wait("env", lambda it: token_of(it).get("resourceVersion") == version)
    assert ready(told) == expected
    assert ("StaleInPods", found) in {one[:2] for one in findings(told)}


def test_a_write_of_annotations_only_makes_no_pod_stale(shop: Shop) -> None:
    deploy(shop, "env")
    before = shop.admin.get("TokenCheck", "env", shop.namespace)
    made = shop.annotate("Secret", "payments", owner="team")
    version = made["metadata"]["resourceVersion"]
    found = shop.wait("env", lambda it: token_of(it).get("resourceVersion") == version)
    assert states(found) == states(before)
    assert ready(found) == GOOD
    assert token_of(found).get("changedTime") == token_of(before).get("changedTime")
    assert "TokenRotated" not in {event["reason"] for event in shop.events("env")}


def test_what_changed_before_the_first_look_is_unknown_and_never_a_warning(
    shop: Shop, operator: OperatorProcess
) -> None:
    """The time of a change that nobody saw comes from managedFields, which is no proof."""
    shop.secret("payments", shop.signer.token())
    shop.workload("env", WAYS["env"][0], replicas=3)
    shop.settled("Deployment", "env", 3)
    a_second_after_their_start(shop, "env")
    rotate(shop)
    shop.check("env", listed("payments"), workload="Deployment/env", policy=LOCAL)
    found = shop.reads("env", *GOOD)
    told = condition(found, "StaleInPods")
    assert told["status"] == "Unknown"
    # What may be is not counted: somebody's alert would take it for what is.
    assert "stalePods" not in token_of(found)
    metric = f'tokencheck_pods_stale{{namespace="{shop.namespace}",name="env"}}'
    eventually(lambda: operator.metrics().get(metric) == 0)
    assert "3 of 3 Pods may hold an older value" in told["message"]
    assert ("StaleInPods", "Skip", "StaleInPods") in findings(found)
    # From the first look on, changes are seen.
    rotate(shop)
    shop.wait("env", lambda it: states(it)["StaleInPods"] == "True")


def test_a_restart_of_the_operator_forgets_no_change_that_it_saw(
    shop: Shop, operator: OperatorProcess
) -> None:
    deploy(shop, "env")
    rotate(shop)
    before = shop.wait("env", lambda it: states(it)["StaleInPods"] == "True")
    operator.stop()
    operator.start()
    shop.annotate("TokenCheck", "env", check_now="after")
    after = shop.wait("env", lambda it: it["status"].get("lastHandledCheckNow") == "after")
    assert condition(after, "StaleInPods") == condition(before, "StaleInPods")

    operator.stop(kill=True)
    version = rotate(shop)
    operator.start()
    found = shop.wait("env", lambda it: token_of(it).get("resourceVersion") == version)
    assert states(found)["StaleInPods"] == "Unknown"
    assert ready(found) == GOOD
