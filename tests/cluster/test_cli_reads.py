"""`get` and `explain` show what statuses say; `explain --at` and `verify --secret` judge anew.

No operator runs: the statuses are written here.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.cli import tokencheck
from cluster.shop import Signer, env, jwks, pod_spec
from controlplane import Api, ControlPlane

API = "tokencheck.dev/v1alpha1"
Object = dict[str, Any]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(controlplane: ControlPlane) -> Run:
    return lambda *args, user="admin", **more: tokencheck(
        *args, kubeconfig=controlplane.kubeconfig(user), **more
    )


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def provider(admin: Api, namespace: str, signer: Signer) -> Iterator[str]:
    keys = {"type": "Inline", "jwks": jwks(signer)}
    spec = {"allowedNamespaces": {"all": True}, "jwt": {"keys": keys}}
    manifest = {"apiVersion": API, "kind": "TokenProvider", "metadata": {"name": namespace}}
    admin.create(manifest | {"spec": spec})
    yield namespace
    admin.delete("TokenProvider", namespace)


def make(admin: Api, namespace: str, api: str, kind: str, name: str, **body: Any) -> Object:
    meta = {"name": name, "namespace": namespace}
    return admin.apply({"apiVersion": api, "kind": kind, "metadata": meta} | body)


def make_secret(admin: Api, namespace: str, name: str, text: str) -> None:
    make(admin, namespace, "v1", "Secret", name, stringData={"token": text})


def make_deployment(admin: Api, namespace: str, name: str, secret: str) -> Object:
    template = {"metadata": {"labels": {"app": name}}, "spec": pod_spec(env(secret))}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return make(admin, namespace, "apps/v1", "Deployment", name, spec=spec)


def make_check(admin: Api, namespace: str, name: str, workload: str, **spec: Any) -> Object:
    ref = {"workloadRef": {"kind": "Deployment", "name": workload}}
    return make(admin, namespace, API, "TokenCheck", name, spec=ref | spec)


def write_status(admin: Api, check: Object, state: str, reason: str, **status: Any) -> None:
    """What the operator would have written."""
    meta = check["metadata"]
    ready = {
        "type": "Ready",
        "status": state,
        "reason": reason,
        "message": f"because of {reason} at 2026-01-01T00:00:00Z",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    body = {"observedGeneration": meta["generation"], "conditions": [ready]} | status
    admin.patch(
        "TokenCheck", meta["name"], {"status": body}, meta["namespace"], subresource="status"
    )


def test_get_shows_a_row_for_each_check(run: Run, admin: Api, namespace: str) -> None:
    good = make_check(admin, namespace, "good", "checkout")
    bad = make_check(admin, namespace, "bad", "billing")
    make_check(admin, namespace, "fresh", "orders")
    write_status(
        admin, good, "True", "AllChecksPassed", checks="9/9", expirationTime="2020-01-01T00:00:00Z"
    )
    write_status(admin, bad, "False", "TokenExpired", rollout={"revision": "7"})
    shown = run("get", "-n", namespace)
    assert shown.returncode == 0
    title, *rows = [line.split() for line in shown.stdout.splitlines()]
    assert title == ["NAMESPACE", "NAME", "READY", "REASON", "CHECKS", "EXPIRES", "AGE"]
    assert [row[1:4] for row in rows] == [
        ["bad", "False", "TokenExpired"],
        ["fresh", "Unknown", "Pending"],
        ["good", "True", "AllChecksPassed"],
    ]
    assert "ago (2020-01-01T00:00:00Z)" in shown.stdout
    wide = run("get", "bad", "-n", namespace, "-o", "wide").stdout
    assert "Deployment/billing" in wide
    assert "because of TokenExpired" in wide


def test_get_everywhere_and_as_json(run: Run, admin: Api, namespace: str) -> None:
    make_check(admin, namespace, "one", "checkout")
    everywhere = run("get", "-A", "-o", "json")
    assert everywhere.returncode == 0
    items = json.loads(everywhere.stdout)["items"]
    assert (namespace, "one") in {
        (i["metadata"]["namespace"], i["metadata"]["name"]) for i in items
    }
    one = json.loads(run("get", "one", "-n", namespace, "-o", "json").stdout)
    assert one["spec"]["workloadRef"]["name"] == "checkout"
    assert "managedFields" not in one["metadata"]


def test_yaml_is_the_same_document_as_json(run: Run, admin: Api, namespace: str) -> None:
    check = make_check(admin, namespace, "checkout", "checkout")
    write_status(admin, check, "False", "TokenExpired", verdict="Invalid", findings=[FINDING])
    for command in (("get",), ("get", "checkout"), ("explain", "checkout")):
        shown = {
            form: run(*command, "-n", namespace, "-o", form).stdout for form in ("json", "yaml")
        }
        assert yaml.safe_load(shown["yaml"]) == json.loads(shown["json"]), command


def test_get_of_nothing_says_so(run: Run, namespace: str) -> None:
    shown = run("get", "-n", namespace)
    assert (shown.returncode, shown.stdout) == (0, "")
    assert "tokencheck init" in shown.stderr
    missing = run("get", "nobody", "-n", namespace)
    assert missing.returncode == 2
    assert "There is no TokenCheck" in missing.stderr


def test_without_the_right_to_list_it_is_named(run: Run, namespace: str) -> None:
    shown = run("get", "-n", namespace, user="alice")
    assert shown.returncode == 3
    assert "You may not list tokenchecks" in shown.stderr


FINDING = {
    "token": "payments",
    "check": "Expiry",
    "result": "Fail",
    "reason": "TokenExpired",
    "message": 'Secret x/y key "token": expired at 2026-01-01T00:00:00Z',
    "action": "rotate it",
}
TOKEN = {
    "name": "payments",
    "source": 'Secret x/y key "token"',
    "sites": ["env TOKEN"],
    "verdict": "Invalid",
    "scopes": {"granted": ["a", "b"], "excess": ["b"]},
    "expirationTime": "2026-01-01T00:00:00Z",
    "baseline": {"kind": "JWT", "lifetimeSeconds": 60},
}


def test_explain_shows_findings_with_next_actions(run: Run, admin: Api, namespace: str) -> None:
    check = make_check(admin, namespace, "checkout", "checkout")
    write_status(
        admin,
        check,
        "False",
        "TokenExpired",
        verdict="Invalid",
        summary={"pass": 3, "fail": 1},
        tokens=[TOKEN],
        findings=[FINDING],
        rollout={"kind": "Deployment", "name": "checkout", "generation": 2, "state": "Settled"},
        omitted={"findings": 4},
    )
    shown = run("explain", "checkout", "-n", namespace)
    assert shown.returncode == 1
    for text in (
        "Ready=False, TokenExpired",
        "Rollout: Deployment checkout, generation 2, Settled, not verified yet",
        "env TOKEN",
        "excess scopes",
        "kind JWT",
        "rotate it",
        "expired at 2026-01-01T00:00:00Z (",
        "Checks: 3 pass, 1 fails.",
        "no room for 4 findings",
    ):
        assert text in shown.stdout
    as_json = run("explain", "checkout", "-n", namespace, "-o", "json")
    assert json.loads(as_json.stdout)["findings"] == [FINDING]


def test_explain_says_what_holds_a_rollout_while_the_tokens_are_good(
    run: Run, admin: Api, namespace: str
) -> None:
    check = make_check(admin, namespace, "checkout", "later")
    absent = {
        "type": "RolloutVerified",
        "status": "Unknown",
        "reason": "WorkloadNotFound",
        "message": "Deployment later does not exist",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    write_status(admin, check, "True", "AllChecksPassed", verdict="Valid")
    written = admin.get("TokenCheck", "checkout", namespace)["status"]["conditions"]
    conditions = {"status": {"conditions": [*written, absent]}}
    admin.patch("TokenCheck", "checkout", conditions, namespace, subresource="status")
    shown = run("explain", "checkout", "-n", namespace).stdout
    assert "  Rollout: Deployment later does not exist\n" in shown
    paused = {"kind": "Deployment", "name": "later", "generation": 2, "state": "Paused"}
    holds = absent | {"reason": "RolloutPaused", "message": "Deployment later: paused, resume it"}
    body = {"status": {"conditions": [*written, holds], "rollout": paused}}
    admin.patch("TokenCheck", "checkout", body, namespace, subresource="status")
    shown = run("explain", "checkout", "-n", namespace).stdout
    assert "not verified yet\n  Deployment later: paused, resume it\n" in shown


def test_explain_of_a_workload_and_of_its_pod(run: Run, admin: Api, namespace: str) -> None:
    make_secret(admin, namespace, "payments", "x")
    make_deployment(admin, namespace, "checkout", "payments")
    for name in ("first", "second"):
        check = make_check(admin, namespace, name, "checkout")
        write_status(admin, check, "True", "AllChecksPassed", verdict="Valid")
    pod = ""

    def has_pod(_: Object) -> bool:
        nonlocal pod
        pods = admin.list("Pod", namespace)
        pod = pods[0]["metadata"]["name"] if pods else ""
        return bool(pod)

    admin.wait("Deployment", "checkout", namespace, until=has_pod)
    for about in ("deploy/checkout", "deployments/checkout", f"pod/{pod}"):
        shown = run("explain", about, "-n", namespace)
        assert shown.returncode == 0, shown
        assert f"{namespace}/first" in shown.stdout
        assert f"{namespace}/second" in shown.stdout
    nothing = run("explain", "deploy/other", "-n", namespace)
    assert nothing.returncode == 2
    assert "tokencheck init" in nothing.stderr


def test_a_later_moment_is_judged_with_the_rights_of_the_caller(
    run: Run, admin: Api, namespace: str, provider: str, signer: Signer
) -> None:
    make_secret(admin, namespace, "payments", signer.token())
    make_deployment(admin, namespace, "checkout", "payments")
    token = {
        "name": "payments",
        "secretKeyRef": {"name": "payments", "key": "token"},
        "providerRef": {"name": provider},
        "audiences": ["payments-api"],
    }
    make_check(admin, namespace, "checkout", "checkout", tokens=[token])
    now = run("explain", "checkout", "-n", namespace, "--at", "+0s", "-o", "json")
    assert now.returncode == 0, now
    later = run("explain", "checkout", "-n", namespace, "--at", "+120d", "-o", "json")
    assert later.returncode == 1
    failed = [f for f in json.loads(later.stdout)["findings"] if f["result"] == "Fail"]
    assert [f["reason"] for f in failed] == ["TokenExpired"]
    (site,) = json.loads(later.stdout)["tokens"][0]["sites"]
    assert site.startswith("env TOKEN")


def test_a_secret_that_the_caller_may_not_read_is_unknown(
    run: Run, admin: Api, namespace: str, signer: Signer
) -> None:
    make_secret(admin, namespace, "payments", signer.token())
    shown = run("verify", "--secret", f"{namespace}/payments#token", user="alice")
    assert shown.returncode == 3
    assert "you may not read Secret" in shown.stdout
    assert "operator" not in shown.stdout


def test_a_secret_is_verified_in_place(
    run: Run, admin: Api, namespace: str, signer: Signer, tmp_path: Path
) -> None:
    text = signer.token()
    make_secret(admin, namespace, "payments", text)
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(jwks(signer)))
    where = f"{namespace}/payments"
    good = run("verify", "--secret", f"{where}#token", "--jwks", keys, "--audience", "payments-api")
    assert good.returncode == 0, good
    assert "signed by a trusted key" in good.stdout
    assert text[20:60] not in good.stdout
    other_key = run("verify", "--secret", f"{where}#other")
    assert other_key.returncode == 1
    assert "SecretKeyNotFound" in other_key.stdout
    other_secret = run("verify", "--secret", f"{namespace}/other#token")
    assert other_secret.returncode == 1
    assert "SecretNotFound" in other_secret.stdout
