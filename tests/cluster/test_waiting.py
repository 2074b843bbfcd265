"""`tokencheck wait` and `kubectl wait` beside a running operator, in every state of a rollout."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from cluster.cli import tokencheck
from cluster.shop import AUDIENCE, Object, Shop, env, listed, pod_spec, states
from controlplane import ControlPlane

pytestmark = pytest.mark.usefixtures("operator")

PASS, FINDINGS, USAGE, UNKNOWN, TIMED_OUT = 0, 1, 2, 3, 4
Wait = Callable[..., subprocess.CompletedProcess[str]]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def wait(controlplane: ControlPlane, shop: Shop) -> Wait:
    """`tokencheck wait ARGS` in the shop."""
    where = ("-n", shop.namespace)
    config = controlplane.kubeconfig()
    return lambda *args: tokencheck("wait", *args, *where, kubeconfig=config)


@dataclass(frozen=True)
class State:
    """A workload in a state that lasts, and how a wait for it ends.

    Args:
        says: a word of what the command tells.
        gate, spec: of the check; `more` goes into the workload's spec.
    """

    code: int
    says: str
    kind: str = "Deployment"
    fate: str = ""
    more: Object = field(default_factory=dict)
    spec: Object = field(default_factory=dict)


NOWHERE = {"no": "node"}
STATES = {
    "settled": State(PASS, "verified: Deployment settled generation 1"),
    "cronjob": State(PASS, "verified: CronJob cronjob", kind="CronJob"),
    "job-done": State(PASS, "verified: Job job-done", kind="Job"),
    "paused": State(TIMED_OUT, "RolloutPaused", more={"paused": True}),
    "zero": State(TIMED_OUT, "ScaledToZero", more={"replicas": 0}),
    "no-node": State(TIMED_OUT, "ScaledToZero", kind="DaemonSet"),
    "never-ready": State(TIMED_OUT, "RolloutInProgress", fate="never-ready"),
    "unschedulable": State(TIMED_OUT, "RolloutInProgress"),
    "job-waits": State(TIMED_OUT, "RolloutInProgress", kind="Job"),
    "job-held": State(TIMED_OUT, "RolloutPaused", kind="Job", more={"suspend": True}),
    "job-failed": State(
        FINDINGS, "RolloutFailed", kind="Job", fate="fail", more={"backoffLimit": 0}
    ),
    "deadline": State(
        FINDINGS, "RolloutFailed", fate="never-ready", more={"progressDeadlineSeconds": 1}
    ),
    "suspended": State(UNKNOWN, "Suspended", spec={"suspend": True}),
}
SELECTED = {"no-node", "unschedulable", "job-waits"}


def deploy(shop: Shop, name: str, state: State) -> None:
    container: dict[str, Any] = env("payments")
    selector = {"nodeSelector": NOWHERE} if name in SELECTED else {}
    spec = pod_spec(container, **selector)
    shop.workload(name, spec, kind=state.kind, fate=state.fate, **state.more)
    token = listed("payments", providerRef={"name": shop.namespace}, audiences=[AUDIENCE])
    shop.check(name, token, workload=f"{state.kind}/{name}", **state.spec)


def test_wait_tells_of_every_state_what_holds_it_and_ends_where_waiting_is_vain(
    shop: Shop, wait: Wait
) -> None:
    shop.provider()
    shop.secret("payments", shop.signer.token())
    for name, state in STATES.items():
        deploy(shop, name, state)
    for name, state in STATES.items():
        # What ends has ended before it is asked about: a busy machine says nothing of `wait`.
        if state.says == "RolloutFailed":
            shop.wait(name, lambda it: states(it)["RolloutVerified"] == "False", timeout_s=120)
        elif state.code == PASS:
            shop.reads(name, "True", "AllChecksPassed", timeout_s=120)

    def waited(name: str) -> tuple[int, str]:
        done = wait(name, "--timeout", "5s" if STATES[name].code == TIMED_OUT else "30s")
        return done.returncode, done.stdout + done.stderr

    with ThreadPoolExecutor(2) as pool:
        ended = dict(zip(STATES, pool.map(waited, STATES), strict=True))
    wrong = [
        f"{name}: {ended[name]}"
        for name, state in STATES.items()
        if (ended[name][0], state.says in ended[name][1]) != (state.code, True)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_states_that_may_last_leave_ready_to_the_tokens(shop: Shop) -> None:
    shop.provider()
    shop.secret("payments", shop.signer.token())
    for name, state in STATES.items():
        if state.code in (PASS, FINDINGS) or state.says in ("RolloutPaused", "ScaledToZero"):
            deploy(shop, name, state)
            shop.reads(name, "True", "AllChecksPassed", timeout_s=40)
    for name in ("never-ready", "unschedulable", "job-waits"):
        deploy(shop, name, STATES[name])
        shop.reads(name, "Unknown", "RolloutInProgress")
    # A bad token is told in each of them at once.
    shop.secret("payments", shop.signer.expired())
    for name in ("paused", "zero", "no-node", "never-ready", "job-held"):
        shop.reads(name, "False", "TokenExpired")


def test_a_workload_that_comes_while_wait_runs_is_waited_for(shop: Shop, wait: Wait) -> None:
    shop.provider()
    shop.secret("payments", shop.signer.token())
    token = listed("payments", providerRef={"name": shop.namespace})
    shop.check("later", token, workload="Deployment/later")
    shop.reads("later", "True", "AllChecksPassed")
    absent = wait("later", "--timeout", "2s")
    assert absent.returncode == TIMED_OUT
    assert "WorkloadNotFound" in absent.stderr
    shop.workload("later", pod_spec(env("payments")))
    done = wait("deploy/later", "--timeout", "40s")
    assert done.returncode == PASS, done


def test_kubectl_waits_for_any_condition_and_for_its_absence_of_trouble(
    shop: Shop, kubectl: Kubectl
) -> None:
    """Warnings stand there as True, False or Unknown, so that one can wait for False."""
    token = listed("payments", providerRef={"name": shop.provider()}, scopes={"required": ["a"]})
    shop.check("checkout", token)
    where = ("tokencheck/checkout", "-n", shop.namespace, "--timeout=15s")
    kubectl("wait", "--for=condition=Ready=False", *where)
    kubectl("wait", "--for=condition=Reconciling", *where)
    shop.secret("payments", shop.signer.token(scope="a"))
    for condition in (
        "Ready",
        "Resolved",
        "Verified",
        "Unexpired",
        "ScopesSatisfied",
        "OverScoped=False",
        "ExpiringSoon=False",
        "Drifted=False",
    ):
        kubectl("wait", f"--for=condition={condition}", *where)
    kubectl("wait", "--for=jsonpath={.status.verdict}=Valid", *where)
    shop.secret("payments", shop.signer.token(scope="a b"))
    kubectl("wait", "--for=condition=OverScoped", *where)


def test_kubectl_wait_is_not_answered_by_the_verdict_on_an_older_spec(
    shop: Shop, kubectl: Kubectl
) -> None:
    """The spec that it waits for is bad; the one before was good."""
    shop.secret("payments", shop.signer.token())
    provider = {"providerRef": {"name": shop.provider()}}
    for number in range(4):
        name = f"checkout-{number}"
        shop.check(name, listed("payments", **provider))
        shop.reads(name, "True", "AllChecksPassed")
        shop.change(name, tokens=[listed("payments", audiences=["nobody"], **provider)])
        where = (f"tokencheck/{name}", "-n", shop.namespace, "--timeout=500ms")
        done = kubectl("wait", "--for=condition=Ready", *where, check=False)
        assert done.returncode != 0, "it read the verdict on the spec before"
