"""A right that the operator lacks makes a verdict Unknown, never good and never bad; one that is
given back is used within seconds, without a restart."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cluster.road import Road, operator_behind, watches
from cluster.shop import (
    Object,
    Shop,
    Signer,
    condition,
    env,
    findings,
    jwks,
    listed,
    pod_spec,
    ready,
    token_of,
)
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.launch import render_chart

GOOD = ("True", "AllChecksPassed")
DENIED = ("Unknown", "AccessDenied")
# Rights that are given back are asked for every three seconds at the latest, and RBAC itself
# reaches the API server's cache in less than one.
SOON_S = 8.0
OUTAGE_S = 30.0
OTHER = "secrets-of-others"
Launch = Callable[..., OperatorProcess]


# How far Secrets may be read: rights and command line as the chart has them


def chart_args(values: Object) -> list[str]:
    """What the chart's Deployment says about Secrets on the command line."""
    deployment = next(one for one in render_chart(values) if one["kind"] == "Deployment")
    args = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    return args[args.index("--secrets-scope") :]


@pytest.fixture
def elsewhere(admin: Api) -> Iterator[str]:
    """A namespace that no narrow scope includes."""
    name = f"{OTHER}-{time.monotonic_ns()}"
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    admin.delete("Namespace", name)


@pytest.mark.parametrize("scope", ["cluster", "namespaces", "named"])
def test_each_scope_of_the_chart_gives_verdicts_and_follows_secrets(
    shop: Shop, launch_operator: Launch, elsewhere: str, scope: str
) -> None:
    secret_names = {"named": {shop.namespace: ["payments"]}} if scope == "named" else {}
    spaces = {"namespaces": [shop.namespace]} if scope == "namespaces" else {}
    values = {"secrets": {"scope": scope} | spaces | secret_names}
    launch_operator(values=values, args=chart_args(values))

    provider = {"providerRef": {"name": shop.provider()}}
    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", **provider))
    shop.reads("checkout", *GOOD)
    shop.secret("payments", shop.signer.expired())
    shop.reads("checkout", "False", "TokenExpired")
    shop.delete("Secret", "payments")
    shop.reads("checkout", "False", "SecretNotFound")
    shop.secret("payments", shop.signer.token())
    shop.reads("checkout", *GOOD)

    there = Shop(shop.admin, elsewhere, shop.statuses)
    there.secret("payments", shop.signer.token())
    there.check("checkout", listed("payments", **provider))
    there.reads("checkout", *(GOOD if scope == "cluster" else DENIED))


def test_a_secret_outside_the_scope_is_denied_whether_it_exists_or_not(
    shop: Shop, launch_operator: Launch
) -> None:
    """Missing would be a statement about something that the operator cannot see."""
    values = {"secrets": {"scope": "named", "named": {shop.namespace: ["payments"]}}}
    launch_operator(values=values, args=chart_args(values))
    shop.secret("there", shop.signer.token())
    shop.secret("payments", shop.signer.token())
    shop.check("there", listed("there"))
    shop.check("gone", listed("gone"))
    shop.workload("checkout", pod_spec(env("there")))
    shop.check("found", workload="Deployment/checkout")
    for name in ("there", "gone", "found"):
        found = shop.reads(name, *DENIED)
        assert "secrets.scope" in condition(found, "Ready")["message"]
        assert not condition(found, "Stalled")
    told = [event["reason"] for name in ("there", "gone", "found") for event in shop.events(name)]
    assert "TokenMissing" not in told


# Rights that are taken away and given back while the operator runs


@pytest.fixture(scope="module")
def behind(
    controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Road, OperatorProcess]]:
    with operator_behind(controlplane, tmp_path_factory.mktemp("operator")) as both:
        yield both


@pytest.fixture
def road(behind: tuple[Road, OperatorProcess]) -> Road:
    return behind[0]


@pytest.fixture
def running(behind: tuple[Road, OperatorProcess]) -> OperatorProcess:
    """One operator for the tests below."""
    return behind[1]


@contextmanager
def without(admin: Api, road: Road, resource: str) -> Iterator[None]:
    """The operator has no right on a resource; its watches of it have ended."""
    name = "tokencheck-secrets" if resource == "secrets" else "tokencheck"
    rules = admin.get("ClusterRole", name)["rules"]
    kept = [
        {**rule, "resources": left}
        for rule in rules
        if (left := [one for one in rule["resources"] if one != resource])
    ]
    assert kept != rules, f"no rule of ClusterRole {name} is about {resource}"
    admin.patch("ClusterRole", name, {"rules": kept})
    try:
        _wait_allowed(admin, resource, allowed=False)
        road.do(lambda proxy: proxy.cut(watches(resource)))
        yield
    finally:
        admin.patch("ClusterRole", name, {"rules": rules})


def _wait_allowed(admin: Api, resource: str, *, allowed: bool) -> None:
    """The authorizer has taken notice of the role."""
    plural, _, part = resource.partition("/")
    groups = {
        "tokenchecks": "tokencheck.dev",
        "events": "events.k8s.io",
        "deployments": "apps",
    }
    asked = {
        "group": groups.get(plural, ""),
        "resource": plural,
        "subresource": part,
        "verb": "patch" if part or plural == "events" else "list",
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {
            "user": "system:serviceaccount:tokencheck-system:tokencheck",
            "resourceAttributes": asked,
        },
    }
    deadline = time.monotonic() + 10
    while admin.create(review)["status"]["allowed"] is not allowed:
        assert time.monotonic() < deadline, f"{resource}: still not {allowed=}"
        time.sleep(0.02)


def reads_soon(shop: Shop, name: str, *expected: str) -> Object:
    began = time.monotonic()
    found = shop.reads(name, *expected, timeout_s=30)
    took = time.monotonic() - began
    print(f"{name}: {expected} after {took:.1f} s")
    assert took < SOON_S
    return found


def stand(shop: Shop, **expected: Any) -> None:
    """A Deployment with a good token and a check of both."""
    provider = {"providerRef": {"name": shop.provider()}}
    shop.secret("payments", shop.signer.token())
    shop.workload("checkout", pod_spec(env("payments")))
    wanted = {name: what for name, what in (provider | expected).items() if what is not None}
    token = listed("payments", **wanted)
    shop.check("checkout", token, workload="Deployment/checkout")
    shop.reads("checkout", *GOOD)


def reasons_shown(shop: Shop, name: str = "checkout") -> set[str]:
    """Every reason that a finding of this check ever had on the watch."""
    return {
        reason
        for one in shop.history(name)
        if one.object.get("status", {}).get("findings")
        for _, _, reason in findings(one.object)
    }


def test_secrets_that_may_not_be_read_any_more_are_unknown_and_never_missing(
    shop: Shop, road: Road
) -> None:
    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", providerRef={"name": shop.provider()}))
    shop.reads("checkout", *GOOD)
    with without(shop.admin, road, "secrets"):
        shop.secret("payments", shop.signer.expired())
        shop.annotate("TokenCheck", "checkout", check_now="1")
        found = shop.reads("checkout", *DENIED)
        assert "may not read" in condition(found, "Ready")["message"]
        shop.delete("Secret", "payments")
        shop.annotate("TokenCheck", "checkout", check_now="2")
        shop.wait("checkout", lambda it: it["status"].get("lastHandledCheckNow") == "2")
        shop.reads("checkout", *DENIED)
        shop.secret("payments", shop.signer.expired())
    reads_soon(shop, "checkout", "False", "TokenExpired")
    shop.secret("payments", shop.signer.token())
    reads_soon(shop, "checkout", *GOOD)
    assert not {"SecretNotFound", "SecretKeyNotFound", "TokenMissing"} & reasons_shown(shop)


def test_a_workload_that_may_not_be_read_any_more_is_unknown_and_never_missing(
    shop: Shop, road: Road
) -> None:
    stand(shop)
    with without(shop.admin, road, "deployments"):
        found = shop.reads("checkout", *DENIED)
        said = condition(found, "RolloutVerified")
        assert (said["status"], said["reason"]) == DENIED
    reads_soon(shop, "checkout", *GOOD)
    shown = {
        condition(one.object, "RolloutVerified").get("reason") for one in shop.history("checkout")
    }
    assert "WorkloadNotFound" not in shown


def test_a_token_that_drifts_while_its_workload_may_not_be_read_is_told_when_it_may(
    shop: Shop, road: Road
) -> None:
    """Nobody listed it: without its workload nothing says that it is there."""
    shop.secret("payments", shop.signer.token())
    shop.workload("checkout", pod_spec(env("payments")))
    shop.check("checkout", workload="Deployment/checkout", policy={"unverified": "Ignore"})
    baseline = token_of(shop.reads("checkout", *GOOD), "payments/token")["baseline"]
    with without(shop.admin, road, "deployments"):
        found = shop.reads("checkout", *DENIED)
        assert token_of(found, "payments/token")["baseline"] == baseline
        shop.secret("payments", shop.signer.token(scope="payments:read everything"))
    found = shop.wait("checkout", lambda it: condition(it, "Drifted")["status"] == "True")
    assert "everything" in condition(found, "Drifted")["message"]


def test_pods_that_may_not_be_read_any_more_leave_open_what_they_hold(
    shop: Shop, road: Road
) -> None:
    stand(shop)
    with without(shop.admin, road, "pods"):
        found = shop.wait("checkout", lambda it: condition(it, "StaleInPods")["status"] != "False")
        said = condition(found, "StaleInPods")
        assert (said["status"], said["reason"]) == DENIED
    found = shop.wait("checkout", lambda it: condition(it, "StaleInPods")["status"] == "False")
    reads_soon(shop, "checkout", *GOOD)


def test_keys_that_may_not_be_read_any_more_leave_the_signature_open(
    shop: Shop, road: Road
) -> None:
    shop.config_map("issuer", jwks_json=json.dumps(jwks(shop.signer)))
    keys = {"configMapKeyRef": {"name": "issuer", "key": "jwks.json"}}
    stand(shop, providerRef=None, keys=keys)
    with without(shop.admin, road, "configmaps"):
        found = shop.reads("checkout", *DENIED)
        assert condition(found, "Verified")["status"] == "Unknown"
    reads_soon(shop, "checkout", *GOOD)


def test_labels_that_may_not_be_read_any_more_leave_open_whether_a_provider_vouches(
    shop: Shop, road: Road
) -> None:
    labels = {"metadata": {"labels": {"payments": "yes"}}}
    shop.admin.patch("Namespace", shop.namespace, labels)
    shop.provider(allowed={"selector": {"matchLabels": {"payments": "yes"}}})
    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", providerRef={"name": shop.namespace}))
    shop.reads("checkout", *GOOD)
    with without(shop.admin, road, "namespaces"):
        shop.reads("checkout", *DENIED)
    reads_soon(shop, "checkout", *GOOD)


def test_labels_that_may_not_be_read_any_more_leave_open_whose_keys_a_found_token_has(
    shop: Shop, road: Road
) -> None:
    """A token that fails by them must not become good, as one that nobody vouches for is."""
    issuer = f"https://{shop.namespace}.example.com"
    allowed = {"selector": {"matchLabels": {"kubernetes.io/metadata.name": shop.namespace}}}
    shop.provider(issuer=issuer, allowed=allowed, match={"issuer": True})
    shop.secret("payments", Signer().token(iss=issuer))
    shop.workload("checkout", pod_spec(env("payments")), replicas=0)
    shop.check("checkout", workload="Deployment/checkout")
    reads_soon(shop, "checkout", "False", "SignatureInvalid")
    with without(shop.admin, road, "namespaces"):
        reads_soon(shop, "checkout", "Unknown", "AccessDenied")
        assert "True" not in {ready(one.object)[0] for one in shop.history("checkout")}
    reads_soon(shop, "checkout", "False", "SignatureInvalid")


def test_a_status_that_may_not_be_written_is_written_when_it_may(
    shop: Shop, running: OperatorProcess, road: Road
) -> None:
    stand(shop)
    refused = 'tokencheck_status_writes_total{result="Refused"}'
    before = running.metrics().get(refused, 0.0)
    with without(shop.admin, road, "tokenchecks/status"):
        shop.secret("payments", shop.signer.expired())
        deadline = time.monotonic() + 10
        while running.metrics().get(refused, 0.0) == before:
            assert time.monotonic() < deadline, sorted(running.metrics())
            time.sleep(0.05)
        assert ready(shop.admin.get("TokenCheck", "checkout", shop.namespace)) == GOOD
    reads_soon(shop, "checkout", "False", "TokenExpired")


def test_after_a_long_time_without_the_right_all_statuses_are_written_within_seconds(
    shop: Shop, running: OperatorProcess, road: Road
) -> None:
    """By then each check alone would try once in half a minute or more."""
    provider = {"providerRef": {"name": shop.provider()}}
    shop.secret("payments", shop.signer.token())
    names = [f"check-{number}" for number in range(10)]
    for name in names:
        shop.check(name, listed("payments", **provider))
    for name in names:
        shop.reads(name, *GOOD)
    with without(shop.admin, road, "tokenchecks/status"):
        before = road.proxy.count("patch", "/status")
        shop.secret("payments", shop.signer.expired())
        time.sleep(OUTAGE_S)
        tried = road.proxy.count("patch", "/status") - before
        print(f"{tried} writes were tried in {OUTAGE_S} s")
        # Eight for each by its own back-off, one each two seconds for all of them.
        assert tried < len(names) * 10 + OUTAGE_S
    began = time.monotonic()
    for name in names:
        shop.reads(name, "False", "TokenExpired", timeout_s=SOON_S * 2)
    print(f"all were written {time.monotonic() - began:.1f} s after the right was given back")
    running.server.require_alive()


def test_events_that_may_not_be_written_never_hold_a_status_up(shop: Shop, road: Road) -> None:
    stand(shop)
    with without(shop.admin, road, "events"):
        for token in (shop.signer.expired(), shop.signer.token()) * 2:
            version = shop.secret("payments", token)["metadata"]["resourceVersion"]
            began = time.monotonic()
            shop.wait(
                "checkout",
                lambda it, new=version: token_of(it).get("resourceVersion") == new,
            )
            assert time.monotonic() - began < 2.0
        assert not [one for one in shop.events("checkout") if one["reason"] == "TokenExpired"]
    _wait_allowed(shop.admin, "events", allowed=True)
    shop.secret("payments", shop.signer.expired())
    shop.wait_event("checkout", "TokenExpired")


def test_checks_that_may_not_be_watched_any_more_are_found_when_they_may(
    shop: Shop, running: OperatorProcess, road: Road
) -> None:
    stand(shop)
    before = running.metrics()["tokencheck_kopf_restarts_total"]
    with without(shop.admin, road, "tokenchecks"):
        shop.check("second", listed("payments"))
        # What is known goes on being judged.
        shop.secret("payments", shop.signer.expired())
        shop.reads("checkout", "False", "TokenExpired")
    reads_soon(shop, "second", "False", "TokenExpired")
    print("kopf restarts:", running.metrics()["tokencheck_kopf_restarts_total"] - before)
