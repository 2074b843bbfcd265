"""What the other tests stand on: the control plane starts, rolls out, breaks and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from controlplane import Api, ApiError, ControlPlane

GATE = "tokencheck.dev/verified"


def deployment(namespace: str, name: str, *, fate: str = "", gate: str = "") -> dict[str, Any]:
    pod: dict[str, Any] = {"containers": [{"name": "main", "image": "example.com/app:1"}]}
    if gate:
        pod["readinessGates"] = [{"conditionType": gate}]
    labels = {"app": name}
    template = {"metadata": {"labels": labels, "annotations": {"controlplane.test/fate": fate}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": template | {"spec": pod},
        },
    }


def ready(found: dict[str, Any]) -> int:
    count: int = found.get("status", {}).get("readyReplicas", 0)
    return count


def test_a_deployment_rolls_out(admin: Api, namespace: str) -> None:
    admin.create(deployment(namespace, "web"))
    admin.wait("Deployment", "web", namespace, until=lambda it: ready(it) == 2)


def test_a_pod_with_a_readiness_gate_is_ready_while_its_gate_is_open(
    admin: Api, namespace: str
) -> None:
    admin.create(deployment(namespace, "gated", gate=GATE))
    admin.wait(
        "Deployment", "gated", namespace, until=lambda it: it.get("status", {}).get("replicas") == 2
    )
    time.sleep(1)
    assert ready(admin.get("Deployment", "gated", namespace)) == 0
    for status, expected in (("True", 2), ("False", 0)):
        for pod in admin.list("Pod", namespace):
            condition = {"status": {"conditions": [{"type": GATE, "status": status}]}}
            name = pod["metadata"]["name"]
            admin.patch("Pod", name, condition, namespace, subresource="status", how="strategic")
        admin.wait("Deployment", "gated", namespace, until=lambda it, n=expected: ready(it) == n)


def test_a_pod_that_shall_never_be_ready_is_not(admin: Api, namespace: str) -> None:
    admin.create(deployment(namespace, "stuck", fate="never-ready"))
    admin.wait(
        "Deployment", "stuck", namespace, until=lambda it: it.get("status", {}).get("replicas") == 2
    )
    time.sleep(1)
    assert ready(admin.get("Deployment", "stuck", namespace)) == 0


def test_a_tenant_has_no_rights_of_its_own(controlplane: ControlPlane, namespace: str) -> None:
    with pytest.raises(ApiError) as refused:
        controlplane.api("alice").list("Secret", namespace)
    assert refused.value.code == 403


def test_a_service_account_gets_a_kubeconfig_that_works(
    controlplane: ControlPlane, namespace: str
) -> None:
    config = controlplane.kubeconfig_for_service_account(namespace, "default")
    said = controlplane.kubectl("auth", "whoami", f"--kubeconfig={config}", "-ojson").stdout
    assert f"system:serviceaccount:{namespace}:default" in said


def test_the_audit_log_names_every_writer(
    controlplane: ControlPlane, admin: Api, namespace: str
) -> None:
    admin.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "seen", "namespace": namespace},
        }
    )
    written = [
        event["user"].get("username")
        for event in controlplane.audit_events()
        if event["objectRef"].get("name") == "seen" and event["verb"] == "create"
    ]
    assert written == ["admin"]


def test_objects_outlive_a_restart_of_the_api_server() -> None:
    with ControlPlane(parts=()) as plane:
        name = {"metadata": {"name": "kept"}}
        plane.api().create({"apiVersion": "v1", "kind": "Namespace"} | name)
        plane.restart_apiserver()
        assert plane.api().find("Namespace", "kept")


def test_nothing_is_left_running_when_its_owner_is_killed(checkout: Path) -> None:
    code = (
        "import time; from controlplane import ControlPlane\n"
        "p = ControlPlane(parts=()).start()\n"
        "print(*(s.pid for s in p.servers.values()), flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(checkout / "tools")},
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        owner.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    deadline = time.monotonic() + 10
    while any(map(runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(runs, pids))


def runs(pid: int) -> bool:
    """True for a process that is neither gone nor a zombie that nobody waited for."""
    asked = ["ps", "-p", str(pid), "-o", "stat="]
    state = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")
