"""What the owner of a service-account token may do beyond what its TokenCheck asks for."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from cluster.shop import Object, Shop, condition, findings, listed, ready, states
from cluster.test_token_reviews import (
    GOOD,
    INTERVAL_S,
    Trusts,
    account,
    allows,
    operating,
    token_of,
    trusts,
)
from controlplane import ControlPlane, OperatorProcess
from controlplane.launch import grant_operator

__all__ = ["trusts"]
PATIENCE_S = 120.0
READS = {"providers": {"tokenReviews": True, "rbac": True}}
WANTED = {"required": ["get:configmaps"], "allowed": ["get:pods/log"]}
UNKNOWN = ("ExcessScopes", "Skip", "ScopeUnknown")
EXCESS = ("ExcessScopes", "Warn", "ScopeExcess")

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module")
def operator(
    controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    folder = tmp_path_factory.mktemp("operator")
    with operating(controlplane, folder, READS, "--read-rbac-every", "1") as process:
        yield process


def lists(operator: OperatorProcess) -> float:
    """How many pages of Roles and bindings the operator has read."""
    return sum(
        value
        for series, value in operator.metrics().items()
        if series.startswith("tokencheck_api_requests_total") and '"clusterroles"' in series
    )


def told(found: Object) -> bool:
    """Whether it warns of excess and holds nothing up."""
    return EXCESS in findings(found) and ready(found)[0] == "True"


def excess(found: Object) -> list[str]:
    (token,) = found["status"]["tokens"]
    scopes: list[str] = token["scopes"].get("excess", [])
    return scopes


def checked(shop: Shop, name: str, provider: str, **more: object) -> None:
    token = listed("app", providerRef={"name": provider}, scopes=WANTED)
    shop.check(name, token, interval=f"{INTERVAL_S}s", **more)


def everywhere(shop: Shop) -> None:
    """A ClusterRoleBinding lets the ServiceAccount ``app`` see all Secrets and nodes."""
    name = shop.namespace
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name}}
    rule = {"apiGroups": [""], "resources": ["secrets", "nodes"], "verbs": ["list"]}
    to = {"kind": "ServiceAccount", "name": "app", "namespace": shop.namespace}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    shop.admin.apply(rbac | {"kind": "ClusterRole", "rules": [rule]})
    shop.admin.apply(rbac | {"kind": "ClusterRoleBinding", "roleRef": ref, "subjects": [to]})


def test_more_than_is_asked_for_is_found_named_and_gone_when_it_is_taken_away(
    shop: Shop, trusts: Trusts, operator: OperatorProcess
) -> None:
    began = time.monotonic()
    account(shop, "app")
    shop.secret("app", token_of(shop, "app"))
    allows(shop, ("get", "configmaps"), ("get", "pods/log"), ("create", "pods"))
    everywhere(shop)
    try:
        provider = trusts()
        for name in ("first", "second"):
            checked(shop, name, provider)
        checked(shop, "strict", provider, policy={"excessScopes": "Fail"})
        for name in ("first", "second"):
            found = shop.wait(name, told, timeout_s=PATIENCE_S)
            assert excess(found) == ["list:secrets@*", "create:pods", "list:nodes"]
        found = shop.reads("strict", "False", "ScopeExcess", timeout_s=PATIENCE_S)
        assert "RBAC grants 3 things more" in condition(found, "OverScoped")["message"]
        # Three checks that come every 30 s, and it is read once for all.
        assert 1 <= lists(operator) <= 2 + (time.monotonic() - began) / INTERVAL_S
    finally:
        for kind in ("ClusterRoleBinding", "ClusterRole"):
            shop.admin.delete(kind, shop.namespace)
    allows(shop, ("get", "configmaps"), ("get", "pods/log"))
    found = shop.reads("strict", *GOOD, timeout_s=PATIENCE_S)
    assert excess(found) == []
    assert states(found)["OverScoped"] == "False"


def test_where_roles_may_not_be_read_nothing_is_known_and_nothing_worse(
    shop: Shop, trusts: Trusts, controlplane: ControlPlane
) -> None:
    account(shop, "app")
    shop.secret("app", token_of(shop, "app"))
    allows(shop, ("get", "configmaps"), ("create", "pods"))
    checked(shop, "app", trusts())
    shop.wait("app", told, timeout_s=PATIENCE_S)
    try:
        grant_operator(controlplane, {"providers": {"tokenReviews": True}})
        found = shop.wait("app", lambda it: UNKNOWN in findings(it), timeout_s=PATIENCE_S)
        assert ready(found)[0] == "True"
        assert excess(found) == []
    finally:
        grant_operator(controlplane, READS)
