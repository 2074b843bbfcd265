"""The operator writes the status of its own kinds, Events and its Lease: read from the API
server's audit log, from every object's field managers, and from its rights."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.shop import Object, Shop, env, eventually, listed, pod_spec, ready
from controlplane import Api, ApiError, ControlPlane
from tokencheck.model.admission import PROBE_NAME

OPERATOR = "system:serviceaccount:tokencheck-system:tokencheck"
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
Place = tuple[str, str, str]  # API group, resource, subresource
ALLOWED: dict[Place, frozenset[str]] = {
    ("tokencheck.dev", "tokenchecks", "status"): frozenset({"patch"}),
    ("tokencheck.dev", "tokenproviders", "status"): frozenset({"patch"}),
    ("events.k8s.io", "events", ""): frozenset({"create", "patch"}),
    ("coordination.k8s.io", "leases", ""): frozenset({"create", "patch"}),
}
# Everybody who is authenticated may ask about himself.
SELF_REVIEWS = ("authentication.k8s.io", "authorization.k8s.io")
# Managers of what people, these tests and the control plane write.
OTHERS = {"kubectl", "tokencheck-tools", "kube-controller-manager", "kube-scheduler", "kwok"}
OTHERS |= {"kube-apiserver"}
WATCHED = ("Secret", "Deployment", "ReplicaSet", "Pod", "ConfigMap", "Namespace")
GOOD = ("True", "AllChecksPassed")

pytestmark = pytest.mark.usefixtures("operator")
# Modules before this one run operators with more rights, as the same user, on the same cluster.
BEGAN: list[datetime] = []


@pytest.fixture(scope="module", autouse=True)
def _begins() -> None:
    BEGAN.append(datetime.now(UTC))


def live_through_much(shop: Shop) -> None:
    """Everything that makes the operator write, and much that must not."""
    shop.provider()
    provider = {"providerRef": {"name": shop.namespace}}
    shop.secret("payments", shop.signer.token())
    shop.workload("checkout", pod_spec(env("payments")))
    shop.check("checkout", listed("payments", **provider), workload="Deployment/checkout")
    shop.reads("checkout", *GOOD)
    shop.wait_event("checkout", "TokenVerified")
    for token in (shop.signer.expired(), shop.signer.token(scope="a b")) * 2:
        version = shop.secret("payments", token)["metadata"]["resourceVersion"]
        shop.seen("checkout", lambda it, new=version: version_of_token(it) == new)
    shop.secret("payments", shop.signer.expired())
    shop.reads("checkout", "False", "TokenExpired")
    shop.wait_event("checkout", "TokenExpired")
    again = {"metadata": {"annotations": {"example.com/roll": "1"}}}
    body = {"spec": {"template": again}}
    shop.admin.patch("Deployment", "checkout", body, shop.namespace)
    shop.annotate("TokenCheck", "checkout", check_now="1", owner="alice")
    shop.wait("checkout", lambda it: it["status"].get("lastHandledCheckNow") == "1")
    shop.change("checkout", suspend=True)
    shop.wait("checkout", lambda it: not ready(it)[0])
    shop.change("checkout", suspend=False)
    shop.check("gone", listed("nothing"))
    shop.reads("gone", "False", "SecretNotFound")
    shop.delete("TokenCheck", "gone")
    shop.delete("Secret", "payments")
    shop.reads("checkout", "False", "SecretNotFound")


def version_of_token(found: Object) -> str:
    tokens = found.get("status", {}).get("tokens") or [{}]
    return str(tokens[0].get("resourceVersion"))


def written(plane: ControlPlane, user: str = OPERATOR) -> list[Object]:
    """Every write of a user in the audit log, refused ones too; a dry run or question is none."""
    return [
        entry
        for entry in sent(plane, user)
        if "dryRun=All" not in entry["requestURI"] and place_of(entry)[1] != "subjectaccessreviews"
    ]


def sent(plane: ControlPlane, user: str) -> list[Object]:
    return [
        entry
        for entry in plane.audit_events()
        if entry["user"].get("username") == user
        and entry["verb"] in WRITES
        and datetime.fromisoformat(entry["requestReceivedTimestamp"]) >= BEGAN[-1]
    ]


def place_of(entry: Object) -> Place:
    target = entry["objectRef"]
    return target.get("apiGroup", ""), target["resource"], target.get("subresource", "")


def strays(entries: list[Object]) -> list[str]:
    """The writes that nobody allowed."""
    return [
        f"{entry['verb']} {entry['requestURI']}"
        for entry in entries
        if entry["verb"] not in ALLOWED.get(place_of(entry), ())
    ]


def test_every_write_is_a_status_of_ours_or_an_event(
    shop: Shop, controlplane: ControlPlane
) -> None:
    live_through_much(shop)
    entries = written(controlplane)
    assert strays(entries) == []
    # The log does show what it is asked about.
    assert {place_of(entry) for entry in entries} == set(ALLOWED)
    assert len(entries) > 10


def test_the_one_dry_run_is_that_which_admission_must_refuse(
    shop: Shop, controlplane: ControlPlane
) -> None:
    shop.check("checkout", listed("payments"))
    shop.reads("checkout", "False", "SecretNotFound")

    def dry() -> set[tuple[str, str, int]]:
        return {
            (entry["verb"], entry["objectRef"]["name"], entry["responseStatus"]["code"])
            for entry in sent(controlplane, OPERATOR)
            if "dryRun=All" in entry["requestURI"]
            and entry["objectRef"]["namespace"] == shop.namespace
        }

    eventually(dry)
    assert dry() == {("patch", PROBE_NAME, 403)}
    assert not shop.admin.find("TokenCheck", PROBE_NAME, shop.namespace)


def test_a_write_of_anything_else_would_be_seen_in_the_log(
    shop: Shop, controlplane: ControlPlane, nobody: str
) -> None:
    token = controlplane.token_for_service_account(shop.namespace, nobody.rpartition(":")[2])
    meta = {"name": "planted", "namespace": shop.namespace}
    with pytest.raises(ApiError, match="403"):
        controlplane.api_for_token(token).create(
            {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
        )
    uri = f"/api/v1/namespaces/{shop.namespace}/secrets"
    assert strays(written(controlplane, nobody)) == [f"create {uri}"]


def test_a_status_write_carries_its_fence_and_no_spec(
    shop: Shop, controlplane: ControlPlane
) -> None:
    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", providerRef={"name": shop.provider()}))
    shop.reads("checkout", *GOOD)
    uri = f"/apis/tokencheck.dev/v1alpha1/namespaces/{shop.namespace}/"
    bodies = [
        entry["requestObject"]
        for entry in written(controlplane)
        if entry["requestURI"].startswith(uri) and "requestObject" in entry
    ]
    assert bodies
    for body in bodies:
        assert set(body) == {"metadata", "status"}
        assert set(body["metadata"]) == {"uid", "resourceVersion"}
        assert all(body["metadata"].values())


def test_no_object_that_is_watched_was_ever_written_by_the_operator(shop: Shop, admin: Api) -> None:
    live_through_much(shop)
    for kind in WATCHED:
        for found in admin.list(kind, None if kind == "Namespace" else shop.namespace):
            managers = {one["manager"] for one in found["metadata"].get("managedFields", ())}
            assert managers <= OTHERS, kind
            assert not [
                name for name in found["metadata"].get("annotations", {}) if "kopf" in name
            ], kind


def test_nothing_of_ours_has_a_finalizer_and_our_field_manager_owns_the_status_alone(
    shop: Shop, admin: Api
) -> None:
    live_through_much(shop)
    for kind in ("TokenCheck", "TokenProvider"):
        for found in admin.list(kind):
            assert "finalizers" not in found["metadata"]
            assert not [n for n in found["metadata"].get("annotations", {}) if "kopf" in n]
            for one in found["metadata"]["managedFields"]:
                if one["manager"] == "tokencheck":
                    assert one["subresource"] == "status"
                    assert set(one["fieldsV1"]) == {"f:status"}
    namespaced = (*WATCHED[:-1], "TokenCheck")
    ours = [
        (kind, found["metadata"]["name"])
        for kind in namespaced
        for found in admin.list(kind, shop.namespace)
        if any("tokencheck" in one for one in found["metadata"].get("finalizers", ()))
    ]
    assert ours == []


def test_a_check_and_its_namespace_vanish_at_once_without_the_operator_s_help(
    shop: Shop, admin: Api
) -> None:
    shop.check("checkout", listed("payments"))
    shop.reads("checkout", "False", "SecretNotFound")
    shop.delete("TokenCheck", "checkout")
    assert admin.find("TokenCheck", "checkout", shop.namespace) is None


@pytest.fixture
def nobody(admin: Api, namespace: str) -> str:
    """A service account without any right of its own."""
    name = f"nobody-{secrets.token_hex(2)}"
    meta = {"name": name, "namespace": namespace}
    admin.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    return f"system:serviceaccount:{namespace}:{name}"


def rights(kubectl: Callable[..., Any], user: str, namespace: str) -> dict[str, set[str]]:
    """Resource -> verbs, as ``kubectl auth can-i --list`` says them."""
    shown = kubectl("auth", "can-i", "--list", f"--as={user}", "-n", namespace).stdout
    found: dict[str, set[str]] = {}
    for line in shown.splitlines()[1:]:
        verbs = line[line.rindex("[") + 1 : line.rindex("]")].split()
        # Lines without a resource are about URLs, such as /healthz.
        resource = "" if line[0] in " [/" else line.split()[0]
        found.setdefault(resource, set()).update(verbs)
    return found


def test_kubectl_says_that_the_operator_has_no_other_right_to_write(
    kubectl: Callable[..., Any], nobody: str, namespace: str
) -> None:
    everybody = rights(kubectl, nobody, namespace)
    own = rights(kubectl, OPERATOR, namespace)
    may_write = {
        resource: verbs - {"get", "list", "watch"} - everybody.get(resource, set())
        for resource, verbs in own.items()
    }
    assert {resource: verbs for resource, verbs in may_write.items() if verbs} == {
        "tokenchecks.tokencheck.dev/status": {"patch"},
        "tokenproviders.tokencheck.dev/status": {"patch"},
        "events.events.k8s.io": {"create", "patch"},
        # Of one name, for the dry run; and a question.
        "tokenchecks.tokencheck.dev": {"create", "patch"},
        "subjectaccessreviews.authorization.k8s.io": {"create"},
    }
    # What everybody may write is about himself.
    granted = {r for r, v in everybody.items() if v - {"get", "list", "watch"}}
    assert all(any(group in resource for group in SELF_REVIEWS) for resource in granted), granted
    assert "secrets" in own
    assert own["secrets"] == {"get", "list", "watch"}
