"""`wait` and `check` follow the status on a watch.

No operator runs: the statuses are written here.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.cli import PROGRAM
from cluster.shop import env, pod_spec
from controlplane import Api, ControlPlane

API = "tokencheck.dev/v1alpha1"
Object = dict[str, Any]


class Running:
    """A command that runs beside the test, and what it has said so far."""

    def __init__(self, *args: str) -> None:
        self._process = subprocess.Popen(
            [str(PROGRAM), *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.lines.extend(line.rstrip() for line in self._process.stdout)

    def says(self, text: str, timeout_s: float = 60) -> str:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for line in list(self.lines):
                if text in line:
                    return line
            time.sleep(0.02)
        raise AssertionError(f"never said {text!r}, only {self.lines}")

    def ends(self, timeout_s: float = 60) -> int:
        code = self._process.wait(timeout_s)
        self._reader.join(5)
        return code

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@pytest.fixture
def start(controlplane: ControlPlane, namespace: str) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def launch(*args: str) -> Running:
        kubeconfig = f"--kubeconfig={controlplane.kubeconfig()}"
        started.append(Running(*args, "-n", namespace, kubeconfig))
        return started[-1]

    yield launch
    for one in started:
        one.kill()


class Case:
    """A Deployment with a TokenCheck, whose status the test writes."""

    def __init__(self, admin: Api, namespace: str) -> None:
        self.admin, self.namespace = admin, namespace
        template = {"metadata": {"labels": {"app": "checkout"}}, "spec": pod_spec(env("payments"))}
        self._apply(
            "apps/v1",
            "Deployment",
            {"replicas": 0, "selector": {"matchLabels": {"app": "checkout"}}, "template": template},
        )
        ref = {"kind": "Deployment", "name": "checkout"}
        self.check = self._apply(API, "TokenCheck", {"workloadRef": ref})

    def _apply(self, api: str, kind: str, spec: Object) -> Object:
        meta = {"name": "checkout", "namespace": self.namespace}
        return self.admin.apply({"apiVersion": api, "kind": kind, "metadata": meta, "spec": spec})

    @property
    def workload(self) -> Object:
        return self.admin.get("Deployment", "checkout", self.namespace)["metadata"]

    def roll(self) -> None:
        """A new template: another generation of the workload."""
        meta = {"annotations": {"rolled": str(time.time())}}
        body = {"spec": {"template": {"metadata": meta}}}
        self.admin.patch("Deployment", "checkout", body, self.namespace)

    def says(self, state: str, reason: str, *more: Object, verified: bool = False, **status: Any):
        """The operator's verdict on the workload as it is now."""
        live = self.workload
        rollout = {"uid": live["uid"], "generation": live["generation"], "state": "InProgress"}
        if verified:
            rollout |= {"verifiedGeneration": live["generation"], "state": "Settled"}
        body = {
            "observedGeneration": self.check["metadata"]["generation"],
            "conditions": [condition("Ready", state, reason), *more],
            "rollout": rollout,
        }
        patch = {"status": body | status}
        self.admin.patch("TokenCheck", "checkout", patch, self.namespace, subresource="status")


def condition(kind: str, state: str, reason: str) -> Object:
    return {
        "type": kind,
        "status": state,
        "reason": reason,
        "message": f"because of {reason}",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


@pytest.fixture
def case(admin: Api, namespace: str) -> Case:
    return Case(admin, namespace)


@pytest.mark.parametrize("about", ["checkout", "deploy/checkout"])
def test_wait_ends_when_the_revision_is_verified(start, case, about) -> None:
    waiting = start("wait", about)
    waiting.says("Pending")
    case.says("Unknown", "RolloutInProgress")
    waiting.says("RolloutInProgress")
    case.says("True", "AllChecksPassed", verified=True)
    assert waiting.ends() == 0
    assert "verified: Deployment checkout generation 1" in waiting.lines[-1]


def test_an_old_verdict_never_answers_for_a_new_revision(start, case) -> None:
    case.says("True", "AllChecksPassed", verified=True)
    case.roll()
    waiting = start("wait", "checkout")
    waiting.says("has not looked at this revision")
    assert waiting.runs
    case.says("True", "AllChecksPassed", verified=True)
    assert waiting.ends() == 0
    assert "generation 2" in waiting.lines[-1]


def test_a_new_spec_needs_a_new_verdict(start, case) -> None:
    case.says("True", "AllChecksPassed", verified=True)
    spec = {"spec": {"interval": "5m"}}
    changed = case.admin.patch("TokenCheck", "checkout", spec, case.namespace)
    waiting = start("wait", "checkout")
    waiting.says("the spec was not looked at yet")
    case.check = changed
    case.says("True", "AllChecksPassed", verified=True)
    assert waiting.ends() == 0


def test_what_does_not_heal_ends_the_wait_at_once(start, case) -> None:
    waiting = start("wait", "checkout", "--timeout", "5m")
    waiting.says("Pending")
    case.says("False", "AudienceMismatch")
    assert waiting.ends() == 1
    assert "because of AudienceMismatch" in waiting.lines[-1]


def test_stalled_ends_the_wait_at_once(start, case) -> None:
    waiting = start("wait", "checkout", "--timeout", "5m")
    case.says("False", "TokenExpired")
    waiting.says("TokenExpired")
    assert waiting.runs
    case.says("False", "TokenExpired", condition("Stalled", "True", "TokenExpired"))
    assert waiting.ends() == 1


def test_a_timeout_says_what_was_waited_for(start, case) -> None:
    case.says("Unknown", "RolloutInProgress")
    waiting = start("wait", "checkout", "--timeout", "2s")
    assert waiting.ends() == 4
    assert "not verified within 2s: RolloutInProgress" in waiting.lines[-1]


@pytest.mark.usefixtures("case")
def test_nobody_answers(start) -> None:
    waiting = start("wait", "checkout", "--timeout", "2s")
    assert waiting.ends() == 4
    assert "Is it running" in waiting.lines[-1]


@pytest.mark.usefixtures("case")
def test_there_is_no_such_check(start) -> None:
    assert start("wait", "nobody").ends() == 2
    assert start("wait", "deploy/nobody").ends() == 2


def test_a_check_that_is_deleted_ends_the_wait(start, case) -> None:
    waiting = start("wait", "checkout")
    waiting.says("Pending")
    case.admin.delete("TokenCheck", "checkout", case.namespace)
    assert waiting.ends() == 2
    assert "There is no TokenCheck" in waiting.lines[-1]


def test_check_asks_and_shows_the_answer(start, case) -> None:
    asking = start("check", "checkout")

    def asked(found: Object) -> bool:
        return "tokencheck.dev/check-now" in found["metadata"].get("annotations", {})

    found = case.admin.wait("TokenCheck", "checkout", case.namespace, until=asked, timeout_s=60)
    request = found["metadata"]["annotations"]["tokencheck.dev/check-now"]
    case.says("False", "TokenExpired", verdict="Invalid", lastHandledCheckNow="an earlier one")
    time.sleep(0.3)
    assert asking.runs, "an earlier request was answered, not this one"
    case.says("False", "TokenExpired", verdict="Invalid", lastHandledCheckNow=request)
    assert asking.ends() == 1
    assert any("Ready=False, TokenExpired" in line for line in asking.lines)


@pytest.mark.usefixtures("case")
def test_check_without_an_operator_says_what_to_look_at(start) -> None:
    asking = start("check", "checkout", "--timeout", "1s")
    assert asking.ends() == 4
    assert "Is it running" in asking.lines[-1]
    assert start("check", "nobody").ends() == 2
