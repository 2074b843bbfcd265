"""`tokencheck rbac` grants what the operator needs and no more; `due` lists what ends when."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from cluster.cli import tokencheck
from cluster.shop import env, eventually, pod_spec, template
from controlplane import Api, ControlPlane
from controlplane.launch import render_chart

API = "tokencheck.dev/v1alpha1"
ACCOUNT = "system:serviceaccount:tokencheck-system:tokencheck"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(own_controlplane: ControlPlane) -> Run:
    return lambda *args, user="admin": tokencheck(
        *args, kubeconfig=own_controlplane.kubeconfig(user)
    )


@pytest.fixture
def api(own_controlplane: ControlPlane) -> Api:
    """Where no test before has granted the operator anything."""
    return own_controlplane.api()


@pytest.fixture
def shop(api: Api) -> Iterator[str]:
    """A namespace: Deployment checkout mounts payments and pull, TokenCheck names extra too."""
    name = "shop"
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    pod = pod_spec(env("payments"), imagePullSecrets=[{"name": "pull"}])
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "checkout"}},
        "template": template("checkout", pod),
    }
    at = {"name": "checkout", "namespace": name}
    api.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": at, "spec": spec})
    check(api, "checkout", "extra", workloadRef={"kind": "Deployment", "name": "checkout"})
    yield name
    for kind in ("TokenCheck", "Deployment"):
        for found in api.list(kind, name):
            api.delete(kind, found["metadata"]["name"], name)


def check(api: Api, name: str, secret: str, **spec: Any) -> dict[str, Any]:
    tokens = [{"name": "one", "secretKeyRef": {"name": secret, "key": "token"}}]
    body = {
        "apiVersion": API,
        "kind": "TokenCheck",
        "metadata": {"name": name, "namespace": "shop"},
    }
    return api.apply(body | {"spec": {"tokens": tokens} | spec})


def may(api: Api, verb: str, secret: str, user: str = ACCOUNT) -> bool:
    attributes = {"verb": verb, "resource": "secrets", "namespace": "shop", "name": secret}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
    spec = {"user": user, "resourceAttributes": attributes}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(api.request("POST", path, body | {"spec": spec})["status"]["allowed"])


@pytest.mark.usefixtures("shop")
def test_the_roles_grant_what_is_named_or_mounted_and_nothing_else(
    run: Run, api: Api, own_controlplane: ControlPlane
) -> None:
    printed = run("rbac")
    assert (printed.returncode, printed.stderr) == (0, "")
    own_controlplane.kubectl("apply", "-f", "-", stdin=printed.stdout)
    for secret in ("payments", "pull", "extra"):
        for verb in ("get", "list", "watch"):
            # The API server learns of a new Role by a watch.
            eventually(lambda verb=verb, secret=secret: may(api, verb, secret))
    assert not may(api, "get", "other")
    assert not may(api, "update", "payments")
    assert not may(api, "get", "payments", "system:serviceaccount:shop:default")


@pytest.mark.usefixtures("shop")
def test_the_values_are_taken_by_the_chart_and_grant_the_same(run: Run) -> None:
    values = yaml.safe_load(run("rbac", "-o", "values").stdout)
    assert values["secrets"]["named"] == {"shop": ["extra", "payments", "pull"]}
    by_chart = [
        m["rules"] for m in render_chart(values) if m["kind"] == "Role" and "shop" in str(m)
    ]
    by_us = [m["rules"] for m in yaml.safe_load_all(run("rbac").stdout) if m["kind"] == "Role"]
    assert by_chart == by_us


LOGIN = {"url": "https://login.example.com", "clientCredentialsRef": {"name": "client"}}
VAULT = {
    "type": "Vault",
    "url": "https://vault.example.com/v1",
    "credentialsRef": {"name": "client"},
}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("asked", [{"introspection": LOGIN}, {"vendor": VAULT}])
def test_the_credentials_of_providers_are_granted_by_name_in_the_operators_namespace(
    run: Run, api: Api, asked: dict[str, object]
) -> None:
    spec = {"allowedNamespaces": {"all": True}, **asked}
    api.apply(
        {"apiVersion": API, "kind": "TokenProvider", "metadata": {"name": "live"}, "spec": spec}
    )
    try:
        printed = list(yaml.safe_load_all(run("rbac", "--account", "ops:watcher").stdout))
        values = yaml.safe_load(run("rbac", "-o", "values").stdout)
    finally:
        api.delete("TokenProvider", "live")
    (role,) = [m for m in printed if m["kind"] == "Role" and m["metadata"]["namespace"] == "ops"]
    (rule,) = role["rules"]
    assert (rule["resourceNames"], rule["verbs"]) == (["client"], ["get"])
    by_chart = [m["rules"] for m in render_chart(values) if m["kind"] == "Role"]
    assert role["rules"] in by_chart


@pytest.mark.usefixtures("shop")
def test_a_provider_that_asks_the_api_server_needs_the_right_to(run: Run, api: Api) -> None:
    spec = {"allowedNamespaces": {"all": True}, "vendor": {"type": "Kubernetes"}}
    api.apply(
        {"apiVersion": API, "kind": "TokenProvider", "metadata": {"name": "own"}, "spec": spec}
    )
    try:
        printed = list(yaml.safe_load_all(run("rbac").stdout))
        values = yaml.safe_load(run("rbac", "-o", "values").stdout)
    finally:
        api.delete("TokenProvider", "own")
    (role,) = [m for m in printed if m["kind"] == "ClusterRole"]
    (binding,) = [m for m in printed if m["kind"] == "ClusterRoleBinding"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    by_chart = [m["rules"] for m in render_chart(values) if m["kind"] == "ClusterRole"]
    assert any(role["rules"][0] in rules for rules in by_chart)


@pytest.mark.usefixtures("shop")
def test_another_account_and_another_namespace_are_taken(run: Run) -> None:
    binding = list(yaml.safe_load_all(run("rbac", "--account", "ops:watcher").stdout))[1]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "namespace": "ops", "name": "watcher"}
    ]
    elsewhere = run("rbac", "-n", "default")
    assert (elsewhere.returncode, elsewhere.stdout) == (0, "")
    assert "nothing to grant" in elsewhere.stderr
    assert run("rbac", "--account", "ops").returncode == 2


@pytest.mark.usefixtures("shop")
def test_who_may_not_see_the_workloads_is_told_that_the_list_may_lack_some(
    run: Run, own_controlplane: ControlPlane
) -> None:
    grant = run("rbac", "author", "-n", "shop", "--user", "alice")
    own_controlplane.kubectl("apply", "-f", "-", stdin=grant.stdout)
    printed = run("rbac", "-n", "shop", user="alice")
    assert printed.returncode == 3
    assert "Deployment shop/checkout could not be read" in printed.stderr
    assert yaml.safe_load(printed.stdout.split("---")[1])["rules"][0]["resourceNames"] == ["extra"]


@pytest.mark.usefixtures("shop")
def test_an_author_writes_token_checks_and_no_verdict(
    run: Run, own_controlplane: ControlPlane
) -> None:
    def can(*what: str) -> bool:
        asked = own_controlplane.kubectl(
            "auth", "can-i", *what, "-n", "shop", user="bob", check=False
        )
        return asked.stdout.strip() == "yes"

    granted = run("rbac", "author", "-n", "shop", "--user", "bob")
    own_controlplane.kubectl("apply", "-f", "-", stdin=granted.stdout)
    assert all(can(verb, "tokenchecks") for verb in ("create", "update", "patch", "delete", "list"))
    assert not can("patch", "tokenchecks", "--subresource=status")
    assert not can("get", "secrets")
    assert run("rbac", "author", "-n", "shop").returncode == 2


@pytest.mark.usefixtures("shop")
def test_due_lists_by_owner_in_every_form(run: Run, api: Api) -> None:
    tokens = [
        {"name": "one", "source": "Secret extra", "expirationTime": "2031-01-01T00:00:00Z"},
        {"name": "two", "source": "Secret gone", "expirationTime": "2020-01-01T00:00:00Z"},
    ]
    api.patch("TokenCheck", "checkout", {"status": {"owner": "team-pay", "tokens": tokens}},
              "shop", subresource="status")  # fmt: skip
    items = json.loads(run("due", "-n", "shop", "-o", "json").stdout)["items"]
    assert [(i["owner"], i["source"]) for i in items] == [
        ("team-pay", "Secret gone"),
        ("team-pay", "Secret extra"),
    ]
    assert items[0]["workloads"] == ["Deployment/checkout"]
    soon = run("due", "-A", "--within", "30d").stdout
    assert "Secret gone" in soon
    assert "Secret extra" not in soon
    calendar = run("due", "-A", "-o", "ics").stdout
    assert calendar.count("BEGIN:VEVENT") == 2
    assert "## team-pay" in run("due", "-A", "-o", "markdown").stdout
    nobody = run("due", "-A", "--owner", "nobody")
    assert (nobody.returncode, nobody.stdout) == (0, "")
    assert "Nothing is due" in nobody.stderr
    assert run("due", "--within", "soon").returncode == 2
