"""`tokencheck init` writes a TokenCheck that applies, from what a workload really mounts."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.cli import tokencheck
from cluster.shop import AUDIENCE, ISSUER, SCOPES, Shop, env, pod_spec
from controlplane import Api, ControlPlane

GITHUB = f"ghp_{secrets.token_hex(20)}"
REGISTRY = secrets.token_hex(12)
USAGE, UNKNOWN = 2, 3


def everything(shop: Shop) -> str:
    """A Deployment that takes tokens in every way; returns the text of its JWT."""
    token = shop.signer.token()
    auth = base64.b64encode(f"robot:{REGISTRY}".encode()).decode()
    document = json.dumps({"auths": {"r.example.com": {"auth": auth}}})
    shop.secret("payments", token)
    shop.secret("files", data={"github": GITHUB, "docker.json": document})
    sources = [
        {"secret": {"name": "files"}},
        {"serviceAccountToken": {"audience": "vault", "expirationSeconds": 5400, "path": "vault"}},
    ]
    container = env("payments") | {"volumeMounts": [{"name": "all", "mountPath": "/tokens"}]}
    volumes = [{"name": "all", "projected": {"sources": sources}}]
    shop.workload("checkout", pod_spec(container, volumes=volumes))
    return token


def init(*args: str, plane: ControlPlane, shop: Shop, user: str = "admin") -> Any:
    return tokencheck("init", *args, "-n", shop.namespace, kubeconfig=plane.kubeconfig(user))


@pytest.fixture
def plane(controlplane: ControlPlane) -> ControlPlane:
    return controlplane


def tokens_of(text: str) -> dict[str, dict[str, Any]]:
    return {token["name"]: token for token in yaml.safe_load(text)["spec"]["tokens"]}


def test_it_applies_as_it_stands_and_names_every_token(shop: Shop, plane: ControlPlane) -> None:
    text = everything(shop)
    done = init("deploy/checkout", plane=plane, shop=shop)
    assert done.returncode == 0, done.stderr
    plane.kubectl("apply", "-f", "-", stdin=done.stdout)
    written = shop.admin.get("TokenCheck", "checkout", shop.namespace)
    assert written["spec"]["workloadRef"]["name"] == "checkout"
    found = tokens_of(done.stdout)
    assert found["payments-token"]["secretKeyRef"] == {"name": "payments", "key": "token"}
    assert found["files-github"]["secretKeyRef"] == {"name": "files", "key": "github"}
    assert found["files-docker-json"]["field"] == 'auths["r.example.com"].auth'
    assert found["serviceaccount-vault"]["serviceAccountToken"] == {
        "audience": "vault",
        "maxExpiration": "1h30m",
    }
    for secret in (text, text.split(".")[2], GITHUB, REGISTRY):
        assert secret not in done.stdout


def test_without_a_provider_it_says_which_one_an_admin_must_make(
    shop: Shop, plane: ControlPlane
) -> None:
    everything(shop)
    text = init("deploy/checkout", plane=plane, shop=shop).stdout
    assert "issuer" not in tokens_of(text)["payments-token"]
    assert f'# - No TokenProvider vouches here for issuer "{ISSUER}"' in text
    assert f"kubernetes.io/metadata.name: {shop.namespace}" in text
    assert f'    # audiences: ["{AUDIENCE}"]' in text


def test_with_a_provider_the_claims_become_what_is_expected(
    shop: Shop, plane: ControlPlane
) -> None:
    everything(shop)
    provider = shop.provider()
    text = init("deployment/checkout", plane=plane, shop=shop).stdout
    token = tokens_of(text)["payments-token"]
    assert token["providerRef"] == {"name": provider}
    assert token["issuer"] == ISSUER
    assert token["audiences"] == [AUDIENCE]
    assert token["scopes"] == {"required": SCOPES}
    assert "No TokenProvider" not in text


def test_a_provider_for_other_namespaces_is_not_named(shop: Shop, plane: ControlPlane) -> None:
    everything(shop)
    shop.provider(allowed={"selector": {"matchLabels": {"team": "somebody-else"}}})
    assert (
        "providerRef"
        not in tokens_of(init("deploy/checkout", plane=plane, shop=shop).stdout)["payments-token"]
    )


def test_who_may_not_read_the_secrets_gets_what_the_workload_says(
    shop: Shop, plane: ControlPlane, admin: Api
) -> None:
    everything(shop)
    group = "rbac.authorization.k8s.io"
    meta = {"name": "reader", "namespace": shop.namespace}
    rule = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}
    admin.create({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": [rule]})
    admin.create(
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "subjects": [{"apiGroup": group, "kind": "User", "name": "alice"}],
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"},
        }
    )
    done = init("deploy/checkout", plane=plane, shop=shop, user="alice")
    assert done.returncode == 0, done.stderr
    assert f"# You may not read Secret {shop.namespace}/payments" in done.stdout
    assert set(tokens_of(done.stdout)) == {"payments-token", "serviceaccount-vault"}
    plane.kubectl("apply", "-f", "-", stdin=done.stdout)


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("sts", "StatefulSet"),
        ("ds", "DaemonSet"),
        ("cronjob", "CronJob"),
        ("job", "Job"),
        ("rs", "ReplicaSet"),
    ],
)
def test_every_kind_is_known_by_its_short_name(
    shop: Shop, plane: ControlPlane, typed: str, kind: str
) -> None:
    shop.secret("payments", shop.signer.token())
    shop.workload("it", pod_spec(env("payments")), kind=kind)
    done = init(f"{typed}/it", plane=plane, shop=shop)
    assert yaml.safe_load(done.stdout)["spec"]["workloadRef"]["kind"] == kind
    assert set(tokens_of(done.stdout)) == {"payments-token"}


def test_a_file_is_written_and_never_replaced(
    shop: Shop, plane: ControlPlane, tmp_path: Path
) -> None:
    shop.secret("payments", shop.signer.token())
    shop.pod("it", pod_spec(env("payments")))
    file = tmp_path / "check.yaml"
    done = init("pod/it", "-o", str(file), plane=plane, shop=shop)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"kubectl apply -f {file}" in done.stderr
    plane.kubectl("apply", "-f", str(file))
    again = init("pod/it", "-o", str(file), plane=plane, shop=shop)
    assert again.returncode == USAGE
    assert "exists" in again.stderr


def test_what_does_not_exist_or_may_not_be_read_is_said_so(shop: Shop, plane: ControlPlane) -> None:
    missing = init("deploy/nothing", plane=plane, shop=shop)
    assert missing.returncode == USAGE
    assert f"Deployment {shop.namespace}/nothing does not exist" in missing.stderr
    denied = init("deploy/nothing", plane=plane, shop=shop, user="bob")
    assert denied.returncode == UNKNOWN
    assert "You may not read Deployment" in denied.stderr


def test_what_is_no_workload_is_refused_with_the_kinds_that_are(
    shop: Shop, plane: ControlPlane
) -> None:
    done = init("service/web", plane=plane, shop=shop)
    assert done.returncode == USAGE
    assert "cronjob" in done.stderr
