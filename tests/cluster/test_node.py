"""The chart on a real node: what only a kubelet and a container runtime show.

All other tests of the cluster stand on KWOK, which runs nothing. ``controlplane.node`` says what
this node has, and what it lacks.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from cluster.cli import tokencheck
from cluster.installed import Installed, is_ready, restarts
from cluster.shop import (
    AUDIENCE,
    Object,
    Shop,
    condition,
    env,
    eventually,
    jwks,
    listed,
    pod_spec,
    token_of,
)
from controlplane import Api, ControlPlane, Part
from controlplane.extras import node_programs
from controlplane.image import OPERATOR
from controlplane.node import Node, unable

# How soon something comes is for other tests: a machine with a node on it is busy.
PATIENCE_S = 120.0
USER = 65532
# What the chart asks for, unless somebody says otherwise.
SHORT_S = 1800
GOOD, WARNED = ("True", "AllChecksPassed"), ("True", "PassedWithWarnings")
EXPIRED = ("False", "TokenExpired")
IDLE = ["python", "-SEc", "import signal; signal.pause()"]
PASS, FINDINGS, TIMED_OUT = 0, 1, 4


@pytest.fixture(scope="module")
def node() -> Iterator[tuple[ControlPlane, Node]]:
    if reason := unable():
        pytest.skip(f"no real node on this machine: {reason}")
    node_programs()
    parts = (Part.CONTROLLERS, Part.SCHEDULER)
    flags = ["--enable-admission-plugins=NodeRestriction"]
    with ControlPlane(parts=parts, apiserver_flags=flags) as plane, Node(plane) as made:
        yield plane, made


@pytest.fixture(scope="module")
def controlplane(node: tuple[ControlPlane, Node]) -> ControlPlane:
    return node[0]


@pytest.fixture(scope="module")
def installed(
    node: tuple[ControlPlane, Node], tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    made = Installed(*node)
    made.install(tmp_path_factory.mktemp("helm"))
    return made


@pytest.fixture(scope="module")
def admin(installed: Installed) -> Api:
    return installed.api


def running(spec: Object, **mounted: str) -> Object:
    """A Pod that does nothing and ends at once, with these volumes below /tokens."""
    mounts = [{"name": name, "mountPath": path} for name, path in mounted.items()]
    (container,) = spec["containers"]
    container |= {"image": OPERATOR, "command": IDLE, "volumeMounts": mounts}
    return spec | {"terminationGracePeriodSeconds": 0}


def from_secret(secret: str) -> Object:
    return {"name": "api", "secret": {"secretName": secret}}


def pod_of(shop: Shop, app: str) -> Object:
    (found,) = shop.admin.list("Pod", shop.namespace, labelSelector=f"app={app}")
    return found


def claims(token: str) -> Object:
    found: Object = jwt.decode(token, options={"verify_signature": False})
    return found


def test_a_pod_really_holds_its_tokens_and_the_verdict_tells_which_are_old(
    installed: Installed, shop: Shop
) -> None:
    first, second = shop.signer.token(), shop.signer.token()
    shop.secret("payments", first)
    account = {"audience": "vault", "expirationSeconds": 600, "path": "token"}
    projected = {"name": "own", "projected": {"sources": [{"serviceAccountToken": account}]}}
    for name, part in (("file", {}), ("variable", env("payments"))):
        spec = pod_spec(part, volumes=[from_secret("payments"), projected])
        shop.workload(name, running(spec, api="/tokens/api", own="/tokens/own"))
        expected = {"providerRef": {"name": shop.provider()}, "audiences": [AUDIENCE]}
        shop.check(name, listed("payments", **expected), workload=f"Deployment/{name}")
    roots: dict[str, Path] = {}
    for name in ("file", "variable"):
        shop.settled("Deployment", name)
        shop.reads(name, *GOOD, timeout_s=PATIENCE_S)
        roots[name] = Path("/proc", str(installed.process(pod_of(shop, name))))
        assert (roots[name] / "root/tokens/api/token").read_text() == first
        # Nothing of the Pod says who it runs as: the image does.
        assert roots[name].stat().st_uid == USER
    own = claims((roots["file"] / "root/tokens/own/token").read_text())
    assert own["aud"] == ["vault"]
    assert own["kubernetes.io"]["pod"]["name"] == pod_of(shop, "file")["metadata"]["name"]

    time.sleep(1.1)  # Pods say whole seconds; a start in the second of a change counts as after it
    version = shop.secret("payments", second)["metadata"]["resourceVersion"]
    for name, verdict in (("file", GOOD), ("variable", WARNED)):
        shop.wait(name, lambda it: token_of(it).get("resourceVersion") == version)
        shop.reads(name, *verdict)
        token = roots[name] / "root/tokens/api/token"
        eventually(lambda file=token: file.read_text() == second, timeout_s=PATIENCE_S)
    # It says so of the one whose process still has the old value, and it has.
    assert token_of(shop.wait("variable", bool))["stalePods"] == 1
    assert f"TOKEN={first}" in (roots["variable"] / "environ").read_text()


def test_a_pod_waits_for_a_good_token_and_the_rollout_for_its_pod(
    installed: Installed, shop: Shop
) -> None:
    """As README has it: `tokencheck verify` before the start, `tokencheck wait` after the apply."""
    bad = shop.signer.expired()
    shop.secret("payments", bad)
    shop.config_map("keys", jwks_json=json.dumps(jwks(shop.signer)))
    shop.provider()
    keys = {"name": "keys", "configMap": {"name": "keys"}}
    spec = running(pod_spec({}, volumes=[from_secret("payments"), keys]), api="/tokens")
    mounts = [{"name": "api", "mountPath": "/tokens"}, {"name": "keys", "mountPath": "/keys"}]
    asks = ["verify", "--file", "/tokens/token", "--jwks", "/keys/jwks.json"]
    first = {"name": "judge", "image": OPERATOR, "args": [*asks, "--audience", AUDIENCE]}
    shop.workload("checkout", spec | {"initContainers": [first | {"volumeMounts": mounts}]})

    config = installed.plane.kubeconfig()
    where = ("deploy/checkout", "-n", shop.namespace)
    written = tokencheck("init", *where, kubeconfig=config)
    installed.plane.kubectl("apply", "-f", "-", stdin=written.stdout)
    shop.reads("checkout", *EXPIRED, timeout_s=PATIENCE_S)
    held = tokencheck("wait", *where, "--timeout", "3s", kubeconfig=config)
    assert held.returncode == TIMED_OUT, held
    assert "expired" in held.stderr
    eventually(
        lambda: judged(pod_of(shop, "checkout")).get("exitCode") == FINDINGS, timeout_s=PATIENCE_S
    )
    pod = pod_of(shop, "checkout")
    assert condition(pod, "Initialized")["status"] == "False"
    assert pod["status"]["containerStatuses"][0]["started"] is False
    logs = installed.node.files("/var/log/pods").glob(f"{shop.namespace}_*/judge/*.log")
    said = "".join(log.read_text() for log in logs)
    assert "expired" in said
    assert bad not in said

    shop.secret("payments", shop.signer.token())
    passed = tokencheck("wait", *where, "--timeout", f"{PATIENCE_S:.0f}s", kubeconfig=config)
    assert passed.returncode == PASS, passed
    mended = pod_of(shop, "checkout")
    assert mended["metadata"]["uid"] == pod["metadata"]["uid"]
    assert is_ready(mended)
    assert judged(mended)["exitCode"] == PASS


def judged(pod: Object) -> Object:
    """How the init container ended the last time."""
    (status,) = pod["status"].get("initContainerStatuses") or ({},)
    ended = status.get("state", {}).get("terminated") or status.get("lastState", {})
    found: Object = ended.get("terminated", ended)
    return found


def test_the_operator_is_as_confined_as_the_chart_says(installed: Installed) -> None:
    """But for its seccomp profile, which this node takes out."""
    for pod in installed.pods():
        pid = installed.process(pod)
        lines = Path("/proc", str(pid), "status").read_text().splitlines()
        told = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert told["Uid"].split() == told["Gid"].split() == [str(USER)] * 4
        assert {int(told[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
        assert told["NoNewPrivs"] == "1"
        for path in ("/x", "/opt/tokencheck/x", "/etc/hosts"):
            assert "Read-only file system" in writes(pid, path) or "denied" in writes(pid, path)
        # Somebody else in the Pod may not write either, whoever he is.
        assert "Read-only file system" in writes(pid, "/x", user=0)
        account = Path("/proc", str(pid), "root/var/run/secrets/kubernetes.io/serviceaccount")
        own = claims((account / "token").read_text())
        assert own["kubernetes.io"]["pod"]["uid"] == pod["metadata"]["uid"]
        # Asked for an hour and seven seconds, the API server would take it for a year.
        assert own["exp"] - own["iat"] == SHORT_S
        assert {path.name for path in account.iterdir() if path.name[0] != "."} == {
            *("token", "ca.crt", "namespace"),
        }


def writes(pid: int, path: str, *, user: int = USER) -> str:
    """What Python says in the Pod when it opens a file there to write."""
    return subprocess.run(
        [
            *("nsenter", "-t", str(pid), "-m", "-n", "-p", "-S", str(user), "-G", str(user)),
            *("/opt/tokencheck/bin/python", "-SEc", f"open({path!r}, 'a')"),
        ],
        capture_output=True,
        text=True,
        check=False,
    ).stderr


def test_commands_of_the_image_need_no_root_no_right_and_no_disk(
    installed: Installed, shop: Shop
) -> None:
    confined = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
    }
    for name, args in (("version", ["version"]), ("help", ["operator", "--help"])):
        ran = {"name": name, "image": OPERATOR, "args": args, "securityContext": confined}
        shop.pod(name, {"containers": [ran], "restartPolicy": "Never"})
        eventually(lambda it=name: phase(shop, it) in ("Succeeded", "Failed"), timeout_s=PATIENCE_S)
        (log,) = installed.node.files("/var/log/pods").glob(f"{shop.namespace}_{name}_*/*/*.log")
        said = log.read_text()
        assert phase(shop, name) == "Succeeded", said
        assert {"version": "tokencheck 0.1.0", "help": "--listen"}[name] in said


def phase(shop: Shop, pod: str) -> str:
    return str(shop.admin.get("Pod", pod, shop.namespace)["status"].get("phase"))


def test_a_killed_leader_is_followed_and_the_kubelet_starts_it_again(
    installed: Installed, shop: Shop
) -> None:
    expected = {"providerRef": {"name": shop.provider()}}
    shop.secret("payments", shop.signer.token())
    shop.check("payments", listed("payments", **expected))
    shop.reads("payments", *GOOD, timeout_s=PATIENCE_S)
    leader = installed.leader()
    before = restarts(leader)
    installed.signal(leader, signal.SIGKILL)
    shop.secret("payments", shop.signer.expired())
    shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
    assert installed.leader()["metadata"]["uid"] != leader["metadata"]["uid"]
    eventually(lambda: restarts(installed.again(leader)) == before + 1, timeout_s=PATIENCE_S)
    eventually(lambda: is_ready(installed.again(leader)), timeout_s=PATIENCE_S)


def test_the_kubelet_takes_a_leader_that_stands_still_for_unready_and_another_leads(
    installed: Installed, shop: Shop
) -> None:
    for pod in installed.pods():
        eventually(lambda it=pod: installed.get(it, "/healthz")[0] == 200, timeout_s=PATIENCE_S)
        eventually(lambda it=pod: is_ready(installed.again(it)), timeout_s=PATIENCE_S)
    leader = installed.leader()
    installed.signal(leader, signal.SIGSTOP)
    try:
        expected = {"providerRef": {"name": shop.provider()}}
        shop.secret("payments", shop.signer.token())
        shop.check("payments", listed("payments", **expected))
        shop.reads("payments", *GOOD, timeout_s=PATIENCE_S)
        eventually(lambda: not is_ready(installed.again(leader)), timeout_s=PATIENCE_S)
        for probe in ("Liveness", "Readiness"):
            failed = f"{probe} probe failed"
            eventually(lambda it=failed: it in installed.said_of(leader), timeout_s=PATIENCE_S)
    finally:
        installed.signal(leader, signal.SIGCONT)
    eventually(lambda: is_ready(installed.again(leader)), timeout_s=PATIENCE_S)
