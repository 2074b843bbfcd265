"""Every token that a workload takes is found, whatever way it takes it and whatever it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.kinds import rights, served
from cluster.shop import Shop, condition, env, findings, listed, pod_spec, ready, states, token_of
from cluster.ways import SITES, every_way, fill, mount, sites
from controlplane import Api, ControlPlane
from controlplane.launch import grant_operator

pytestmark = pytest.mark.usefixtures("operator")

LOCAL = ("True", "PassedWithWarnings")  # nobody vouches for what is only found


def test_every_way_into_a_container_is_found_and_named(shop: Shop) -> None:
    fill(shop)
    shop.workload("checkout", every_way())
    shop.check("checkout", workload="Deployment/checkout")
    found = shop.reads("checkout", *LOCAL)
    assert sites(found) == SITES
    assert {one["verdict"] for one in found["status"]["tokens"]} == {"Valid"}


def test_an_ephemeral_container_brings_its_token_into_the_check(shop: Shop) -> None:
    shop.secret("payments", shop.signer.token())
    shop.secret("debugging", shop.signer.expired())
    shop.pod("checkout", pod_spec(env("payments")))
    shop.check("checkout", workload="Pod/checkout")
    shop.reads("checkout", *LOCAL)
    debug = {"name": "debug", "image": "example.com/debug:1"} | env("debugging")
    body = {"spec": {"ephemeralContainers": [debug]}}
    where = {"subresource": "ephemeralcontainers", "how": "strategic"}
    shop.admin.patch("Pod", "checkout", body, shop.namespace, **where)
    found = shop.reads("checkout", "False", "TokenExpired")
    assert sites(found)["debugging/token"] == ["env TOKEN of debug"]


def test_an_optional_secret_may_be_absent_and_a_required_one_may_not(shop: Shop) -> None:
    shop.secret("payments", shop.signer.token())
    both = {"env": env("payments")["env"] + env("extra", name="EXTRA", optional=True)["env"]}
    shop.workload("optional", pod_spec(both))
    shop.workload("required", pod_spec(env("extra")), replicas=0)
    shop.check("optional", workload="Deployment/optional")
    shop.check("required", workload="Deployment/required")
    found = shop.reads("optional", *LOCAL)
    assert ("Present", "Skip", "SecretNotFound") in findings(found)
    assert token_of(found, "payments/token")["verdict"] == "Valid"
    missing = shop.reads("required", "False", "SecretNotFound")
    assert f"create Secret {shop.namespace}/extra" in condition(missing, "Ready")["message"]
    # Once it is there it is judged like any other.
    shop.secret("extra", shop.signer.expired())
    shop.reads("optional", "False", "TokenExpired")
    shop.reads("required", "False", "TokenExpired")


KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")


def test_every_kind_of_workload_is_looked_into(shop: Shop) -> None:
    shop.secret("payments", shop.signer.token())
    for kind in KINDS:
        shop.workload(kind.lower(), pod_spec(env("payments")), kind=kind)
        shop.check(kind.lower(), workload=f"{kind}/{kind.lower()}")
    shop.pod("pod", pod_spec(env("payments")))
    shop.check("pod", workload="Pod/pod")
    for kind in (*KINDS, "Pod"):
        found = shop.reads(kind.lower(), *LOCAL)
        assert sites(found) == {"payments/token": ["env TOKEN of app"]}, kind
        assert found["status"]["rollout"]["kind"] == kind
        verified = condition(found, "RolloutVerified")
        assert verified["status"] == ("Unknown" if kind == "CronJob" else "True"), kind
    shop.secret("payments", shop.signer.expired())
    for kind in (*KINDS, "Pod"):
        shop.reads(kind.lower(), "False", "TokenExpired")


@pytest.fixture
def rollouts(controlplane: ControlPlane, admin: Api) -> Iterator[dict[str, Any]]:
    """The chart values with which the operator may read Argo Rollouts, whose CRD is installed."""
    with served(admin, "rollouts"):
        yield rights("rollouts")
    grant_operator(controlplane)


def test_an_argo_rollout_is_looked_into_as_soon_as_the_operator_may_read_it(
    shop: Shop, controlplane: ControlPlane, rollouts: dict[str, Any]
) -> None:
    shop.secret("payments", shop.signer.token())
    made = shop.workload("checkout", pod_spec(env("payments")), kind="Rollout")
    shop.check("checkout", workload="Rollout/checkout")
    denied = shop.reads("checkout", "Unknown", "AccessDenied")
    assert "Rollout" in condition(denied, "Ready")["message"]

    grant_operator(controlplane, rollouts)
    shop.reads("checkout", "Unknown", "RolloutInProgress", timeout_s=60)
    status = {
        "observedGeneration": str(made["metadata"]["generation"]),
        "stableRS": "abc",
        "currentPodHash": "abc",
        "replicas": 1,
        "updatedReplicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
    }
    shop.admin.patch(
        "Rollout", "checkout", {"status": status}, shop.namespace, subresource="status"
    )
    found = shop.reads("checkout", *LOCAL)
    assert found["status"]["rollout"]["state"] == "Settled"
    assert sites(found) == {"payments/token": ["env TOKEN of app"]}


def test_a_workload_without_tokens_fails_and_a_missing_one_is_unknown(shop: Shop) -> None:
    shop.secret("settings", data={"LOG_LEVEL": "debug"})
    settings = {"envFrom": [{"secretRef": {"name": "settings"}}]}
    shop.workload("plain", pod_spec(settings))
    shop.check("plain", workload="Deployment/plain")
    shop.check("later", workload="Deployment/later")
    found = shop.reads("plain", "False", "NoTokensFound")
    assert states(found)["Stalled"] == "True"
    assert 'looks like one: Secret "settings"' in condition(found, "Ready")["message"]
    missing = shop.reads("later", "Unknown", "WorkloadNotFound")
    assert f"Deployment {shop.namespace}/later" in condition(missing, "Ready")["message"]
    assert not {"Stalled", "Reconciling"} & set(states(missing))

    shop.secret("settings", data={"LOG_LEVEL": "debug", "API_TOKEN": shop.signer.token()})
    shop.reads("plain", *LOCAL)
    shop.workload("later", pod_spec(settings))
    shop.reads("later", *LOCAL)


CSI = {"name": "vault", "csi": {"driver": "secrets-store.csi.k8s.io", "readOnly": True}}


def test_what_no_secret_holds_is_listed_as_not_readable_and_never_called_nothing(
    shop: Shop,
) -> None:
    shop.secret("payments", shop.signer.token())
    mounted = {"volumeMounts": [mount("vault", "/vault")]}
    shop.workload("only", pod_spec(mounted, volumes=[CSI]))
    shop.workload("beside", pod_spec(mounted | env("payments"), volumes=[CSI]))
    for name in ("only", "beside"):
        shop.check(name, workload=f"Deployment/{name}")

    def not_readable(found: dict[str, Any]) -> list[str]:
        told = found["status"]["findings"]
        return [one["message"] for one in told if one["reason"] == "NotReadable"]

    only = shop.wait("only", lambda it: ready(it)[1] == "NotReadable")
    assert ready(only)[0] == "Unknown"
    beside = shop.reads("beside", *LOCAL)
    assert beside["status"]["summary"]["skip"] >= 1
    for found in (only, beside):
        assert not_readable(found) == [
            'csi "/vault" of container app: no Secret holds it, so it is not checked'
        ]
        assert "NoTokensFound" not in str(found["status"])


def test_a_site_that_only_the_running_pods_have_is_listed_too(shop: Shop) -> None:
    """As a webhook leaves it: the template says nothing, the Pods have a volume more."""
    shop.secret("payments", shop.signer.token())
    injected = pod_spec(env("payments") | {"volumeMounts": [mount("vault", "/v")]}, volumes=[CSI])
    body = {"metadata": {"name": "checkout-0", "labels": {"app": "checkout"}}, "spec": injected}
    body["metadata"]["namespace"] = shop.namespace
    shop.admin.create({"apiVersion": "v1", "kind": "Pod"} | body)
    shop.workload("checkout", pod_spec(env("payments")), kind="ReplicaSet")
    shop.check("checkout", workload="ReplicaSet/checkout")
    found = shop.wait("checkout", lambda it: ("Present", "Skip", "NotReadable") in findings(it))
    assert ready(shop.reads("checkout", *LOCAL)) == LOCAL
    assert token_of(found, "payments/token")


def test_a_projected_service_account_token_is_judged_by_its_spec(shop: Shop) -> None:
    token = {"audience": "vault", "expirationSeconds": 3600, "path": "vault"}
    volume = {"name": "p", "projected": {"sources": [{"serviceAccountToken": token}]}}
    mounted = pod_spec({"volumeMounts": [mount("p", "/p")]}, volumes=[volume])
    shop.workload("checkout", mounted)

    def asked(audience: str, longest: str) -> dict[str, Any]:
        source = {"audience": audience, "maxExpiration": longest}
        return {"name": "vault", "serviceAccountToken": source}

    shop.check("found", workload="Deployment/checkout")
    shop.check("good", asked("vault", "24h"), workload="Deployment/checkout")
    shop.check("long", asked("vault", "30m"), workload="Deployment/checkout")
    shop.check("other", asked("bank", "24h"), workload="Deployment/checkout", discover="None")
    found = shop.reads("found", "True", "AllChecksPassed")
    assert sites(found) == {"serviceaccount/vault": ["serviceAccountToken /p/vault of app"]}
    good = shop.reads("good", "True", "AllChecksPassed")
    assert [one["name"] for one in good["status"]["tokens"]] == ["vault"]
    assert token_of(good, "vault")["kind"] == "ServiceAccountToken"
    long = shop.reads("long", *LOCAL)
    assert ("Lifetime", "Warn", "LifetimeTooLong") in findings(long)
    other = shop.reads("other", "False", "NotMounted")
    assert states(other)["Stalled"] == "True"


def test_listing_one_token_never_ends_the_discovery_of_the_others(shop: Shop) -> None:
    shop.secret("payments", data={"token": shop.signer.token(), "refresh-token": "r" * 40})
    shop.secret("refunds", shop.signer.expired())
    taken = {
        "envFrom": [{"secretRef": {"name": "payments"}}],
        "env": env("refunds", name="REFUNDS_TOKEN")["env"],
    }
    shop.workload("checkout", pod_spec(taken))
    one = listed("payments", providerRef={"name": shop.provider()})
    shop.check("all", one, workload="Deployment/checkout")
    shop.check("none", one, workload="Deployment/checkout", discover="None")
    found = shop.reads("all", "False", "TokenExpired")
    assert set(sites(found)) == {"payments", "payments/refresh-token", "refunds/token"}
    alone = shop.reads("none", "True", "AllChecksPassed")
    assert set(sites(alone)) == {"payments"}
    assert sites(alone)["payments"] == ["envFrom * of app"]
