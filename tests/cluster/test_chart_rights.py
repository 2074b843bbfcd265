"""What the chart lets the operator and people do, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cluster.rendered import SHAPES, one, rights_of
from controlplane.launch import NAMESPACE, render_chart
from tokencheck.model.lease import REPLICAS, lease_names

GOLDEN = yaml.safe_load((Path(__file__).parent / "chart" / "rights.yaml").read_text())


@pytest.mark.parametrize("shape", SHAPES)
def test_the_operator_has_exactly_these_rights(shape: str) -> None:
    manifests = render_chart(SHAPES[shape])
    account = one(manifests, "ServiceAccount")["metadata"]["name"]
    assert rights_of(manifests, account) == sorted(GOLDEN[shape])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_operator_writes_only_the_status_of_its_kinds_and_events(shape: str) -> None:
    manifests = render_chart(SHAPES[shape])
    account = one(manifests, "ServiceAccount")["metadata"]["name"]
    writes = {
        right.split(": ")[1]
        for right in rights_of(manifests, account)
        if right.split()[1] not in ("get,list,watch", "get")
    }
    assert writes == {
        "patch tokencheck.dev/tokenchecks/status",
        "patch tokencheck.dev/tokenproviders/status",
        "create,patch events.k8s.io/events",
        # A question, which changes nothing.
        "create authorization.k8s.io/subjectaccessreviews",
        # A dry run, which nothing stores: clients/kube/guard.py.
        "create,patch tokencheck.dev/tokenchecks ['tokencheck-enforcement-probe']",
        "create,get,list,watch coordination.k8s.io/leases",
        "patch coordination.k8s.io/leases ['tokencheck']",
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_what_providers_need_adds_the_right_to_it_and_no_other(shape: str) -> None:
    listed = {"providers": {"credentials": ["client", "other"]}}
    manifests = render_chart(SHAPES[shape] | listed)
    account = one(manifests, "ServiceAccount")["metadata"]["name"]
    more = set(rights_of(manifests, account)) - set(GOLDEN[shape])
    own = {f"{NAMESPACE}: get core/secrets ['client', 'other']"}
    assert more == (set() if shape == "cluster" else own)
    # Asking the API server about tokens is a right of its own.
    manifests = render_chart(SHAPES[shape] | {"providers": {"tokenReviews": True}})
    more = set(rights_of(manifests, account)) - set(GOLDEN[shape])
    assert more == {"everywhere: create authentication.k8s.io/tokenreviews"}
    # So is reading what the owners of tokens may do.
    manifests = render_chart(SHAPES[shape] | {"providers": {"rbac": True}})
    more = set(rights_of(manifests, account)) - set(GOLDEN[shape])
    kinds = ("clusterrolebindings", "clusterroles", "rolebindings", "roles")
    assert more == {f"everywhere: list rbac.authorization.k8s.io/{kind}" for kind in kinds}


@pytest.mark.parametrize("shape", SHAPES)
def test_only_with_cluster_token_checks_the_operator_may_write_token_checks(shape: str) -> None:
    manifests = render_chart(SHAPES[shape] | {"clusterTokenChecks": {"enabled": True}})
    account = one(manifests, "ServiceAccount")["metadata"]["name"]
    assert set(rights_of(manifests, account)) - set(GOLDEN[shape]) == {
        "everywhere: get,list,watch tokencheck.dev/clustertokenchecks",
        "everywhere: patch tokencheck.dev/clustertokenchecks/status",
        "everywhere: create,delete,patch tokencheck.dev/tokenchecks",
    }
    (container,) = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["args"][-1] == "--cluster-token-checks"


def test_only_the_operator_is_spared_the_stamp_and_only_where_it_makes_checks() -> None:
    def spared(values: dict) -> list[str]:
        return [
            condition["expression"]
            for found in render_chart(values)
            if found["metadata"]["name"] == "tokencheck-stamp"
            and "matchConditions" in found["spec"]
            for condition in found["spec"]["matchConditions"]
            if condition["name"] == "not-made-by-the-operator"
        ]

    who = f"system:serviceaccount:{NAMESPACE}:tokencheck"
    only = f"request.resource.resource != 'tokenchecks' || request.userInfo.username != '{who}'"
    assert spared({}) == []
    assert spared({"clusterTokenChecks": {"enabled": True}}) == [only, only]


def test_with_shards_the_operator_is_told_and_may_write_their_leases() -> None:
    manifests = render_chart({"shards": 3})
    (container,) = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    args = container["args"]
    assert args[args.index("--shards") + 1] == "3"
    account = one(manifests, "ServiceAccount")["metadata"]["name"]
    (patch,) = [r for r in rights_of(manifests, account) if "patch coordination" in r]
    names = sorted((*lease_names(3), REPLICAS))
    assert patch == f"{NAMESPACE}: patch coordination.k8s.io/leases {names}"


@pytest.mark.parametrize("shape", SHAPES)
def test_no_rule_has_a_wildcard(shape: str) -> None:
    for manifest in render_chart(SHAPES[shape]):
        assert "*" not in str(manifest.get("rules", []))


def test_users_see_and_write_token_checks_but_never_their_status() -> None:
    roles = {
        m["metadata"]["name"]: m
        for m in render_chart()
        if m["kind"] == "ClusterRole"
        and any("aggregate-to" in label for label in m["metadata"]["labels"])
    }
    assert {name: role["rules"] for name, role in roles.items()} == {
        "tokencheck-view": [
            {
                "apiGroups": ["tokencheck.dev"],
                "resources": ["tokenchecks", "clustertokenchecks", "tokenproviders"],
                "verbs": ["get", "list", "watch"],
            }
        ],
        "tokencheck-edit": [
            {
                "apiGroups": ["tokencheck.dev"],
                "resources": ["tokenchecks"],
                "verbs": ["create", "update", "patch", "delete", "deletecollection"],
            }
        ],
        "tokencheck-admin": [
            {
                "apiGroups": ["tokencheck.dev"],
                "resources": ["tokenchecks/bypass"],
                "verbs": ["update"],
            }
        ],
    }
    prefix = "rbac.authorization.k8s.io/aggregate-to"
    assert f"{prefix}-view" in roles["tokencheck-view"]["metadata"]["labels"]
    assert f"{prefix}-view" not in roles["tokencheck-edit"]["metadata"]["labels"]
    assert f"{prefix}-edit" not in roles["tokencheck-admin"]["metadata"]["labels"]
