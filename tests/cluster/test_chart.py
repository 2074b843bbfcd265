"""The chart, rendered by the real Helm: its rights, its Pod, its values, on a real API server."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster.rendered import SHAPES, one
from controlplane import Api, ApiError, ControlPlane, build
from controlplane.launch import CHART, NAMESPACE, render_chart
from tokencheck.cli.operator import command


def helm(*args: str) -> subprocess.CompletedProcess[str]:
    program = build(["helm"]) / "helm"
    return subprocess.run([str(program), *args], capture_output=True, text=True, check=False)


def refusal_of(values: dict, tmp_path: Path) -> str:
    """What Helm says about values that it refuses."""
    path = tmp_path / "values.yaml"
    path.write_text(json.dumps(values))
    done = helm("template", "tokencheck", str(CHART), "--values", str(path))
    assert done.returncode != 0
    return done.stderr


def test_helm_has_nothing_to_say_about_the_chart() -> None:
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_replicas_are_spread_and_not_drained_at_once() -> None:
    manifests = render_chart()
    spec = one(manifests, "Deployment")["spec"]
    assert spec["replicas"] == 2
    labels = spec["selector"]["matchLabels"]
    (spread,) = spec["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == labels
    budget = one(manifests, "PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], budget["selector"]["matchLabels"]) == (1, labels)
    alone = render_chart({"replicas": 1})
    assert not [one for one in alone if one["kind"] == "PodDisruptionBudget"]


POLICIES = {
    f"tokencheck-{what}"
    for what in ("requester", "status", "provider", "cluster", "bypass", "stamp")
}


def policies_of(manifests: list[dict]) -> dict[str, dict]:
    kind = "ValidatingAdmissionPolicy"
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def test_the_policies_are_on_by_default_and_each_is_bound_to_deny_everywhere() -> None:
    manifests = render_chart()
    policies = policies_of(manifests)
    assert policies.keys() == POLICIES
    assert {one["spec"]["failurePolicy"] for one in policies.values()} == {"Fail"}
    bound = [one for one in manifests if one["kind"] == "ValidatingAdmissionPolicyBinding"]
    assert {one["metadata"]["name"]: one["spec"] for one in bound} == {
        name: {"policyName": name, "validationActions": ["Deny"]} for name in POLICIES
    }
    assert policies_of(render_chart({"admission": {"enabled": False}})) == {}


def test_the_status_policy_names_the_operators_account_and_who_is_added() -> None:
    values = {"serviceAccount": {"name": "mine"}, "admission": {"statusWriters": ["ann"]}}
    policy = policies_of(render_chart(values, namespace="ops"))["tokencheck-status"]
    (rule,) = policy["spec"]["validations"]
    assert rule["expression"] == (
        'request.userInfo.username in ["system:serviceaccount:ops:mine","ann"]'
    )


@pytest.fixture
def named_operator(controlplane: ControlPlane, admin: Api, namespace: str) -> Iterator[Api]:
    """The API as the operator sees it that may read the Secret `mine` of the namespace by name."""
    values = {
        "secrets": {"scope": "named", "named": {namespace: ["mine"]}},
        "fullnameOverride": namespace[-20:].strip("-"),
    }
    admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    kinds = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
    rights = [manifest for manifest in render_chart(values) if manifest["kind"] in kinds]
    for manifest in rights:
        admin.apply(manifest)
    account = one(rights, "ServiceAccount")["metadata"]["name"]
    operator = controlplane.api_for_token(
        controlplane.token_for_service_account(NAMESPACE, account)
    )
    yield operator
    operator.close()
    for manifest in rights:
        at = manifest["metadata"]
        admin.delete(manifest["kind"], at["name"], at.get("namespace"))


def test_named_rights_read_that_secret_and_no_other(
    admin: Api, namespace: str, named_operator: Api
) -> None:
    for name in ("mine", "other"):
        at = {"name": name, "namespace": namespace}
        admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": at})
    assert named_operator.get("Secret", "mine", namespace)
    assert named_operator.list("Secret", namespace, fieldSelector="metadata.name=mine")
    for refused in (
        lambda: named_operator.get("Secret", "other", namespace),
        lambda: named_operator.list("Secret", namespace),
        lambda: named_operator.delete("Secret", "mine", namespace),
    ):
        with pytest.raises(ApiError) as error:
            refused()
        assert error.value.code == 403


def test_a_restricted_namespace_takes_the_pod(admin: Api, namespace: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    admin.patch("Namespace", namespace, {"metadata": {"labels": labels}})
    template = one(render_chart(), "Deployment")["spec"]["template"]
    template["spec"]["serviceAccountName"] = "default"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "operator"},
        "spec": template["spec"],
    }
    admin.request("POST", admin.path("Pod", namespace), pod, query={"dryRun": "All"})
    del template["spec"]["securityContext"]["runAsNonRoot"]
    with pytest.raises(ApiError, match="runAsNonRoot"):
        admin.request("POST", admin.path("Pod", namespace), pod, query={"dryRun": "All"})


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("cluster", ["--secrets-scope", "cluster"]),
        ("namespaces", ["--secrets-scope", "namespaces", "--namespaces", "shop,billing"]),
        (
            "named",
            [
                "--secrets-scope",
                "named",
                "--secrets",
                "billing/oidc,shop/payments-api,shop/payments-readonly",
            ],
        ),
    ],
)
def test_the_operator_is_told_what_it_may_read(shape: str, said: list[str]) -> None:
    (container,) = one(render_chart(SHAPES[shape]), "Deployment")["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["args"] == [
        "operator",
        "--listen",
        "0.0.0.0:8080",
        "--log-level",
        "INFO",
        "--own-namespace",
        "$(OWN_NAMESPACE)",
        *said,
        "--review-authors",  # of a cluster that stamps who asked
    ]
    with command.make_context("operator", container["args"][1:]) as given:
        assert given.params["secrets_scope"] == shape
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_the_service_leads_to_the_pods_of_the_deployment() -> None:
    manifests = render_chart()
    selector = one(manifests, "Service")["spec"]["selector"]
    deployment = one(manifests, "Deployment")["spec"]
    assert selector == deployment["selector"]["matchLabels"]
    assert selector.items() <= deployment["template"]["metadata"]["labels"].items()


def test_the_crds_stay_when_the_chart_goes() -> None:
    crds = [m for m in render_chart() if m["kind"] == "CustomResourceDefinition"]
    kinds = [crd["spec"]["names"]["kind"] for crd in crds]
    assert kinds == ["ClusterTokenCheck", "TokenCheck", "TokenProvider"]
    for crd in crds:
        assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_the_crds_of_the_chart_are_those_of_the_checkout(checkout: Path) -> None:
    rendered = [m["spec"] for m in render_chart() if m["kind"] == "CustomResourceDefinition"]
    sources = [
        yaml.safe_load(p.read_text())["spec"] for p in sorted((checkout / "crds").glob("*.yaml"))
    ]
    assert rendered == sources


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"secret": {"scope": "cluster"}}, "additional properties 'secret' not allowed"),
        (
            {"secrets": {"scope": "everything"}},
            "value must be one of 'cluster', 'namespaces', 'named'",
        ),
        ({"secrets": {"scope": "namespaces"}}, "at '/secrets/namespaces': minItems"),
        ({"secrets": {"scope": "named"}}, "at '/secrets/named': minProperties"),
        (
            {"secrets": {"scope": "cluster", "namespaces": ["shop"]}},
            "at '/secrets/namespaces': maxItems",
        ),
        (
            {"secrets": {"scope": "named", "named": {"shop": []}}},
            "at '/secrets/named/shop': minItems",
        ),
        (
            {"workloads": {"extra": [{"apiGroup": "*", "resources": ["*"]}]}},
            "does not match pattern",
        ),
        ({"port": 80}, "minimum"),
        ({"logLevel": "trace"}, "at '/logLevel'"),
        ({"shards": 0}, "at '/shards'"),
        ({"replicas": -1}, "at '/replicas'"),
        ({"admission": {"enabled": "yes"}}, "at '/admission/enabled'"),
        ({"admission": {"statusWriters": [""]}}, "at '/admission/statusWriters/0'"),
        ({"admission": {"audit": True}}, "additional properties 'audit' not allowed"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value),
)
def test_values_that_mean_nothing_are_refused(values: dict, said: str, tmp_path: Path) -> None:
    assert said in refusal_of(values, tmp_path)


def test_the_notes_say_what_to_type_next(controlplane: ControlPlane) -> None:
    done = helm(
        "install", "tokencheck", str(CHART), "--dry-run=client", "--namespace", NAMESPACE,
        "--kubeconfig", str(controlplane.kubeconfig()),
    )  # fmt: skip
    assert "kubectl explain tokencheck.spec" in done.stdout, done.stderr
    assert "rollout status deployment/tokencheck" in done.stdout
