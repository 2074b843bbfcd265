"""An audit finds every token of a cluster with the caller's rights, and names what it missed."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from cluster.cli import tokencheck
from cluster.shop import AUDIENCE, DAY_S, Shop, env, listed, pod_spec
from cluster.statuses import Statuses
from controlplane import Api, ControlPlane

GITHUB = f"ghp_{secrets.token_hex(20)}"
HARDCODED = f"ghp_{secrets.token_hex(20)}"
BROKEN = f"eyJhbGciOiJFUzI1NiJ9.{secrets.token_hex(20)}.{secrets.token_hex(8)}"
PASS, FINDINGS, USAGE, UNKNOWN = 0, 1, 2, 3
READ_ALL = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}


@dataclass(frozen=True)
class Stores:
    """Two namespaces: one that alice may read, and one that she may not."""

    plane: ControlPlane
    open: Shop
    closed: Shop
    texts: tuple[str, ...]

    def audit(self, *args: str, user: str = "admin") -> dict[str, Any]:
        done = tokencheck("audit", "-o", "json", *args, kubeconfig=self.plane.kubeconfig(user))
        assert done.stdout, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document | {"exit": done.returncode}


def _namespace(admin: Api, name: str) -> str:
    unique = f"{name}-{secrets.token_hex(3)}"
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": unique}})
    admin.wait("ServiceAccount", "default", unique, until=bool)
    return unique


def _grant(admin: Api, user: str, namespace: str, *rules: dict[str, Any]) -> None:
    """The user has a Role of these rules; a ClusterRole when the namespace is ""."""
    name = f"{user}-{secrets.token_hex(3)}"
    group, kind = "rbac.authorization.k8s.io", "Role" if namespace else "ClusterRole"
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    role = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": meta, "rules": list(rules)}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": f"{kind}Binding",
        "metadata": meta,
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        "roleRef": {"apiGroup": group, "kind": kind, "name": name},
    }
    admin.create(role)
    admin.create(binding)


def _fill(shop: Shop) -> list[str]:
    """Every kind of workload and of verdict; returns the texts that must never be seen."""
    signer, now = shop.signer, int(time.time())
    good, old = signer.token(), signer.expired()
    immortal = signer.token(exp=None)
    shop.secret("good", good)
    shop.secret("old", old)
    shop.secret("immortal", immortal)
    shop.secret("newline", signer.token() + "\n")
    shop.secret("broken", BROKEN)
    shop.secret("opaque", GITHUB)
    shop.secret("forgotten", signer.token(iat=now - DAY_S, exp=now - 60))
    shop.secret("not-a-token", data={"password": "hunter2-hunter2", "ca.crt": "-----BEGIN"})
    shop.workload("good", pod_spec(env("good")))
    shop.workload("old", pod_spec(env("old")), kind="StatefulSet", serviceName="old")
    shop.workload("immortal", pod_spec(env("immortal")), kind="CronJob")
    shop.workload("newline", pod_spec(env("newline")), kind="DaemonSet")
    shop.workload("broken", pod_spec(env("broken")), kind="Job")
    shop.workload("opaque", pod_spec(env("opaque")), kind="ReplicaSet")
    shop.workload("missing", pod_spec(env("nowhere")))
    shop.workload("literal", pod_spec({"env": [{"name": "TOKEN", "value": HARDCODED}]}))
    shop.workload("nothing", pod_spec())
    csi = {"driver": "secrets-store.csi.k8s.io", "readOnly": True}
    volume = {"volumes": [{"name": "vault", "csi": csi}]}
    mounts = {"volumeMounts": [{"name": "vault", "mountPath": "/vault"}]}
    shop.workload("vault", pod_spec(mounts, **volume))
    shop.pod("bare", pod_spec(env("good")))
    shop.settled("Deployment", "good")
    return [good, old, immortal, BROKEN, GITHUB, HARDCODED, "hunter2-hunter2"]


@pytest.fixture(scope="module")
def stores(controlplane: ControlPlane, admin: Api, sound_statuses: Statuses) -> Iterator[Stores]:
    spaces = [_namespace(admin, "audit-open"), _namespace(admin, "audit-closed")]
    opened, closed = (Shop(admin, name, sound_statuses) for name in spaces)
    texts = _fill(opened)
    closed.secret("behind", closed.signer.expired())
    closed.workload("behind", pod_spec(env("behind")))
    _grant(admin, "alice", opened.namespace, READ_ALL)
    _grant(
        admin,
        "alice",
        "",
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list"]},
    )
    yield Stores(controlplane, opened, closed, tuple(texts))
    for name in spaces:
        admin.delete("Namespace", name)


def rows_of(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows by workload and token."""
    return {(row.get("workload", ""), row.get("token", "")): row for row in document["tokens"]}


def results(document: dict[str, Any]) -> dict[tuple[str, str], tuple[str, str]]:
    return {place: (row["result"], row["reason"]) for place, row in rows_of(document).items()}


def test_every_kind_of_workload_and_every_verdict_has_its_row(stores: Stores) -> None:
    document = stores.audit("-n", stores.open.namespace)
    assert results(document) == {
        ("Deployment/good", "good/token"): ("Pass", "LocalChecksOnly"),
        ("Pod/bare", "good/token"): ("Pass", "LocalChecksOnly"),
        ("StatefulSet/old", "old/token"): ("Fail", "TokenExpired"),
        ("CronJob/immortal", "immortal/token"): ("Warn", "NoExpiry"),
        ("DaemonSet/newline", "newline/token"): ("Warn", "TrailingWhitespace"),
        ("Job/broken", "broken/token"): ("Fail", "MalformedToken"),
        ("ReplicaSet/opaque", "opaque/token"): ("Skip", "NotVerifiable"),
        ("Deployment/missing", "nowhere/token"): ("Fail", "SecretNotFound"),
        ("Deployment/literal", "env TOKEN of container app"): ("Fail", "InsecureSource"),
        ("Deployment/vault", ""): ("Skip", "NotReadable"),
        ("", "forgotten/token"): ("Fail", "TokenExpired"),
    }
    assert document["exit"] == FINDINGS
    assert document["verdict"] == "Invalid"
    assert document["summary"] == {"fail": 5, "unknown": 0, "warn": 2, "pass": 2, "skip": 2}
    covered = document["coverage"]
    assert covered["secrets"] == 8
    assert covered["secretsWithoutToken"] == 1
    assert covered["notRead"] == []
    assert covered["workloads"] == 11


def test_a_row_says_where_the_token_is_what_is_wrong_and_what_to_do(stores: Stores) -> None:
    row = rows_of(stores.audit("-n", stores.open.namespace))["StatefulSet/old", "old/token"]
    assert row["secret"] == "old"
    assert row["key"] == "token"
    assert row["kind"] == "JWT"
    assert row["sites"] == ["env TOKEN of app"]
    assert row["expirationTime"]
    assert f'Secret {stores.open.namespace}/old key "token"' in row["message"]
    assert row["action"]


def test_a_secret_that_nobody_mounts_is_told_as_unused(stores: Stores) -> None:
    rows = stores.audit("-n", stores.open.namespace)["tokens"]
    assert [row["secret"] for row in rows if row["unused"]] == ["forgotten"]


def test_what_the_caller_may_not_read_is_named_and_never_fine(stores: Stores) -> None:
    document = stores.audit("-n", stores.closed.namespace, user="alice")
    assert document["exit"] == UNKNOWN
    assert document["verdict"] == "Unknown"
    gaps = {gap["what"]: gap for gap in document["coverage"]["notRead"]}
    missed = gaps[f"Secrets in namespace {stores.closed.namespace}"]
    assert missed["reason"] == "AccessDenied"
    assert "kubectl auth can-i list secrets" in missed["action"]
    assert f"Deployments in namespace {stores.closed.namespace}" in gaps
    assert f"Rollouts in namespace {stores.closed.namespace}" not in gaps, "not installed"


def test_a_whole_cluster_is_read_as_far_as_the_rights_reach(stores: Stores) -> None:
    document = stores.audit("-A", user="alice")
    namespaces = {row["namespace"] for row in document["tokens"]}
    assert namespaces == {stores.open.namespace}
    missed = {gap["what"] for gap in document["coverage"]["notRead"]}
    assert f"Secrets in namespace {stores.closed.namespace}" in missed
    assert f"Secrets in namespace {stores.open.namespace}" not in missed
    assert document["exit"] == FINDINGS


def test_a_caller_without_any_right_learns_that_nothing_is_known(stores: Stores) -> None:
    document = stores.audit(user="bob")
    assert document["exit"] == UNKNOWN
    assert "Secrets in the whole cluster" in {
        gap["what"] for gap in document["coverage"]["notRead"]
    }
    assert document["tokens"] == []


def test_who_may_get_but_not_list_secrets_has_the_mounted_ones_judged(
    stores: Stores, admin: Api
) -> None:
    workloads = {
        "apiGroups": ["", "apps", "batch"],
        "resources": ["pods", "deployments", "replicasets"],
        "verbs": ["list"],
    }
    one = {
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": ["behind"],
        "verbs": ["get"],
    }
    _grant(admin, "bob", stores.closed.namespace, workloads, one)
    document = stores.audit("-n", stores.closed.namespace, user="bob")
    assert results(document) == {("Deployment/behind", "behind/token"): ("Fail", "TokenExpired")}
    missed = {gap["what"] for gap in document["coverage"]["notRead"]}
    assert f"Secrets in namespace {stores.closed.namespace}" in missed


def test_a_moment_in_the_future_is_judged_as_it_will_be(stores: Stores) -> None:
    document = stores.audit("-n", stores.open.namespace, "--at", "+100d")
    told = results(document)
    assert told["Deployment/good", "good/token"] == ("Fail", "TokenExpired")
    assert told["CronJob/immortal", "immortal/token"] == ("Warn", "NoExpiry")


def test_junit_is_read_by_an_xml_parser_and_counts_the_same(stores: Stores) -> None:
    config = stores.plane.kubeconfig()
    done = tokencheck("audit", "-n", stores.open.namespace, "-o", "junit", kubeconfig=config)
    assert done.returncode == FINDINGS
    root = ET.fromstring(done.stdout)  # noqa: S314  our own text
    assert root.tag == "testsuites"
    suite = next(s for s in root if s.get("name") == stores.open.namespace)
    cases = suite.findall("testcase")
    assert int(suite.get("tests", "")) == len(cases)
    failed = [case for case in cases if case.find("failure") is not None]
    assert int(suite.get("failures", "")) == len(failed) == 5
    assert {(c.get("classname"), c.get("name")) for c in failed} >= {
        ("StatefulSet.old", "old/token Expiry"),
        ("Secret.forgotten", "forgotten/token Expiry"),
    }
    warned = [c for c in cases if (out := c.find("system-out")) is not None and out.text]
    assert any("TrailingWhitespace" in (c.findtext("system-out") or "") for c in warned)


def test_no_form_of_the_report_shows_a_token(stores: Stores) -> None:
    config = stores.plane.kubeconfig()
    for form in ("table", "wide", "json", "yaml", "junit"):
        done = tokencheck("audit", "-n", stores.open.namespace, "-o", form, kubeconfig=config)
        said = done.stdout + done.stderr
        assert stores.open.namespace in said
        for text in stores.texts:
            parts = [text, base64.b64encode(text.encode()).decode(), *text.split(".")[-2:]]
            assert not [part for part in parts if len(part) > 8 and part in said], form


def test_json_and_yaml_are_the_same_document(stores: Stores) -> None:
    config = stores.plane.kubeconfig()
    args = ("audit", "-n", stores.open.namespace, "--at", "2030-01-01T00:00:00Z")
    as_json = tokencheck(*args, "-o", "json", kubeconfig=config).stdout
    as_yaml = tokencheck(*args, "-o", "yaml", kubeconfig=config).stdout
    assert json.loads(as_json) == yaml.safe_load(as_yaml)


def test_a_tokencheck_that_exists_is_what_its_workload_is_judged_by(
    shop: Shop, controlplane: ControlPlane
) -> None:
    shop.secret("payments", shop.signer.token())
    shop.workload("checkout", pod_spec(env("payments")))
    provider = shop.provider()
    token = listed(
        "payments",
        providerRef={"name": provider},
        audiences=[AUDIENCE],
        expiry={"warnBefore": "1d"},
    )
    shop.check("checkout", token, workload="Deployment/checkout")
    done = tokencheck(
        "audit", "-n", shop.namespace, "-o", "json", kubeconfig=controlplane.kubeconfig()
    )
    row = rows_of(json.loads(done.stdout))["Deployment/checkout", "payments"]
    assert (row["result"], row["reason"]) == ("Pass", "AllChecksPassed")
    assert row["tokenCheck"] == "checkout"
    assert {"Signature", "Audience", "Expiry"} <= set(row["passed"])
    assert done.returncode == PASS


def test_pods_that_hold_an_older_token_are_told_at_their_workload(
    shop: Shop, controlplane: ControlPlane
) -> None:
    shop.secret("payments", shop.signer.token())
    shop.workload("checkout", pod_spec(env("payments")))
    shop.settled("Deployment", "checkout")
    # Pods and managedFields tell whole seconds.
    time.sleep(2.1)
    shop.secret("payments", shop.signer.token())
    done = tokencheck(
        "audit", "-n", shop.namespace, "-o", "json", kubeconfig=controlplane.kubeconfig()
    )
    (row,) = json.loads(done.stdout)["tokens"]
    stale = next(f for f in row["findings"] if f["check"] == "StaleInPods")
    # An audit did not see the change itself, so it never claims to know.
    assert (stale["result"], stale["reason"]) == ("Skip", "StaleInPods")
    assert "1 of 1 Pods may hold an older value" in row["message"]
    assert done.returncode == PASS


def test_pods_of_a_controller_of_a_foreign_kind_are_its_workload(
    shop: Shop, admin: Api, controlplane: ControlPlane
) -> None:
    shop.secret("payments", shop.signer.expired())
    owner = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "name": "press",
        "uid": "00000000-0000-0000-0000-000000000001",
        "controller": True,
    }
    meta = {"name": "press-0", "namespace": shop.namespace, "ownerReferences": [owner]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod_spec(env("payments"))}
    admin.create(pod)
    done = tokencheck(
        "audit", "-n", shop.namespace, "-o", "json", kubeconfig=controlplane.kubeconfig()
    )
    told = results(json.loads(done.stdout))
    assert told == {("Widget/press", "payments/token"): ("Fail", "TokenExpired")}


def test_a_list_of_several_pages_is_read_to_its_end(
    admin: Api, namespace: str, controlplane: ControlPlane
) -> None:
    text = base64.b64encode(b"no token at all").decode()
    for number in range(510):
        meta = {"name": f"s-{number:04d}", "namespace": namespace}
        admin.create(
            {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"text": text}}
        )
    done = tokencheck("audit", "-n", namespace, "-o", "json", kubeconfig=controlplane.kubeconfig())
    document = json.loads(done.stdout)
    assert document["coverage"]["secrets"] == 510
    assert document["tokens"] == []
    assert done.returncode == PASS


def test_no_operator_and_no_crds_are_needed() -> None:
    with ControlPlane(parts=(), tenants=()) as plane:
        meta = {"name": "ci", "namespace": "default"}
        text = base64.b64encode(GITHUB.encode()).decode()
        plane.api().create(
            {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"token": text}}
        )
        done = tokencheck("audit", "-o", "json", kubeconfig=plane.kubeconfig())
    document = json.loads(done.stdout)
    assert [row["kind"] for row in document["tokens"]] == ["GitHub"]
    assert document["coverage"]["notRead"] == []
    assert done.returncode == PASS


def test_a_namespace_that_does_not_exist_is_a_mistake_of_the_command(
    controlplane: ControlPlane,
) -> None:
    done = tokencheck("audit", "-n", "no-such", kubeconfig=controlplane.kubeconfig())
    assert done.returncode == USAGE
    assert "no namespace 'no-such'" in done.stderr


def test_a_cluster_that_does_not_answer_is_unknown_and_says_what_to_look_at(
    tmp_path: Path,
) -> None:
    config = tmp_path / "config"
    config.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "gone",
                "clusters": [{"name": "gone", "cluster": {"server": "http://127.0.0.1:9"}}],
                "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "gone"}}],
                "users": [{"name": "gone", "user": {}}],
            }
        )
    )
    done = tokencheck("audit", kubeconfig=config)
    assert done.returncode == UNKNOWN
    assert "http://127.0.0.1:9 does not answer" in done.stderr
    assert "Traceback" not in done.stderr
