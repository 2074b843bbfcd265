"""A real operator asks a real issuer over TLS: rotation, outage, age, and one question for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
import yaml

from cluster.shop import Object, Shop, condition, eventually, listed, ready, states
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.launch import CHECKOUT
from issuer import Issuer
from loopthread import LoopThread
from pages import Page

Login: TypeAlias = LoopThread[Issuer]

GOOD = ("True", "AllChecksPassed")
DOCUMENT = "/realms/shop/.well-known/openid-configuration"


@pytest.fixture
def login() -> Iterator[Login]:
    with LoopThread(Issuer()) as running:
        running.do(lambda issuer: issuer.rotate("k1"))
        yield running


@pytest.fixture
def provider(login: Login, admin: Api, namespace: str) -> Iterator[str]:
    admin.apply(login.inner.provider(namespace))
    yield namespace
    admin.delete("TokenProvider", namespace)


def checked(shop: Shop, login: Login, provider: str, kid: str = "k1") -> None:
    shop.secret("payments", login.inner.token(kid))
    shop.check("checkout", listed("payments", providerRef={"name": provider}))


def standing(shop: Shop, provider: str, reachable: str) -> Object:
    return shop.admin.wait(
        "TokenProvider", provider, until=lambda it: states(it).get("Reachable") == reachable
    )


def test_an_operator_that_starts_while_the_issuer_is_away_says_so_and_goes_on(
    shop: Shop,
    login: Login,
    provider: str,
    launch_operator: Callable[..., OperatorProcess],
) -> None:
    """The first test here: the operator that the others share would judge beside it."""
    login.do(lambda issuer: issuer.stop())
    checked(shop, login, provider)
    launch_operator()
    found = shop.reads("checkout", "Unknown", "Unreachable")
    assert login.inner.place not in condition(found, "Verified")["message"]
    login.do(lambda issuer: issuer.start())
    shop.wait("checkout", lambda it: ready(it) == GOOD, timeout_s=90)


@pytest.mark.usefixtures("operator")
def test_a_discovered_issuer_vouches_and_never_sees_a_token(
    shop: Shop, login: Login, provider: str
) -> None:
    checked(shop, login, provider)
    shop.reads("checkout", *GOOD)
    found = standing(shop, provider, "True")
    assert ready(found) == ("True", "Valid")
    assert found["status"]["keys"] == [{"kid": "k1", "algorithm": "EC"}]
    assert found["status"]["lastReachableTime"] >= found["metadata"]["creationTimestamp"]
    assert b"eyJ" not in login.inner.said
    assert b"uthorization" not in login.inner.said


@pytest.mark.usefixtures("operator")
def test_the_provider_of_the_readme_vouches_for_the_tokens_of_its_issuer(
    shop: Shop, admin: Api, login: Login
) -> None:
    (manifest,) = (
        yaml.safe_load(block)
        for block in Page(CHECKOUT / "README.md").blocks("yaml")
        if "Discovery" in block
    )
    own = login.inner.provider(shop.namespace)
    assert set(manifest["spec"]["jwt"]) == set(own["spec"]["jwt"])
    manifest["metadata"]["name"] = shop.namespace
    manifest["spec"] = own["spec"] | manifest["spec"]  # its network and authority are the test's
    manifest["spec"]["jwt"]["issuer"] = login.inner.url
    admin.apply(manifest)
    try:
        checked(shop, login, shop.namespace)
        shop.reads("checkout", *GOOD)
    finally:
        admin.delete("TokenProvider", shop.namespace)


@pytest.mark.usefixtures("operator")
def test_many_checks_of_one_provider_cost_one_question(
    shop: Shop, login: Login, provider: str
) -> None:
    shop.secret("payments", login.inner.token("k1"))
    for number in range(40):
        shop.check(f"c{number}", listed("payments", providerRef={"name": provider}))
    for number in range(40):
        shop.reads(f"c{number}", *GOOD)
    assert dict(login.inner.asked) == {DOCUMENT: 1, "/realms/shop/keys": 1}


@pytest.mark.usefixtures("operator")
def test_a_rotation_without_overlap_is_followed_within_seconds_and_never_shown_as_unknown(
    shop: Shop, login: Login, provider: str
) -> None:
    """The new token's key is not known: the issuer is asked ahead of time, and the check waits."""
    checked(shop, login, provider)
    shop.reads("checkout", *GOOD)
    login.do(lambda issuer: issuer.rotate("k2", keep=False))
    shop.secret("payments", login.inner.token("k2"))
    eventually(lambda: login.inner.asked[DOCUMENT] == 2)
    shop.admin.wait(
        "TokenProvider",
        provider,
        until=lambda it: [k["kid"] for k in it["status"].get("keys", ())] == ["k2"],
    )
    shop.annotate("TokenCheck", "checkout", check_now="1")
    shop.wait("checkout", lambda it: it["status"].get("lastHandledCheckNow") == "1")
    shop.reads("checkout", *GOOD)
    settled = [ready(seen.object) for seen in shop.history("checkout")]
    assert set(settled[settled.index(GOOD) :]) == {GOOD}


@pytest.mark.usefixtures("operator")
def test_a_key_that_the_issuer_does_not_have_is_unknown_and_not_a_failure(
    shop: Shop, login: Login, provider: str
) -> None:
    checked(shop, login, provider)
    shop.reads("checkout", *GOOD)
    token = login.do(lambda issuer: _never_published(issuer))
    shop.secret("payments", token)
    shop.reads("checkout", "Unknown", "KeyNotFound")
    assert login.inner.asked[DOCUMENT] == 2


def _never_published(issuer: Issuer) -> str:
    published = issuer.published
    issuer.rotate("hidden")
    issuer.published = published
    return issuer.token("hidden")


@pytest.mark.usefixtures("operator")
def test_while_the_issuer_is_away_its_keys_count_their_age_is_shown_and_they_end(
    shop: Shop, login: Login, admin: Api, provider: str
) -> None:
    keys = {"type": "Discovery", "refreshInterval": "1m", "maxStale": "1m"}
    admin.apply(login.inner.provider(provider, keys=keys))
    checked(shop, login, provider)
    shop.reads("checkout", *GOOD)
    login.do(lambda issuer: issuer.stop())
    # Another token with an unknown key makes the operator notice before the interval is over.
    token = login.do(lambda issuer: _never_published(issuer))
    shop.secret("other", token)
    shop.check("other", listed("other", providerRef={"name": provider}))
    unreachable = standing(shop, provider, "False")
    assert ready(unreachable) == ("True", "Valid")
    assert "since then the host does not accept" in condition(unreachable, "Ready")["message"]
    assert ready(shop.wait("checkout", bool)) == GOOD
    shop.reads("other", "Unknown", "KeyNotFound")

    stale = shop.wait("checkout", lambda it: ready(it)[0] == "Unknown", timeout_s=120)
    assert ready(stale)[1] == "KeysStale"
    assert unreachable["status"]["lastReachableTime"] in condition(stale, "Verified")["message"]

    login.do(lambda issuer: issuer.start())
    shop.wait("checkout", lambda it: ready(it) == GOOD, timeout_s=120)
    standing(shop, provider, "True")
    eventually(lambda: {"ProviderUnreachable", "ProviderReachable"} <= told(admin, provider))


def told(admin: Api, provider: str) -> set[str]:
    path = "/apis/events.k8s.io/v1/namespaces/default/events"
    items = admin.request("GET", path)["items"]
    return {event["reason"] for event in items if event["regarding"]["name"] == provider}


@pytest.mark.usefixtures("operator")
def test_the_api_server_itself_vouches_for_service_account_tokens(
    shop: Shop, admin: Api, controlplane: ControlPlane
) -> None:
    """Its keys are public to whom the cluster role for discovery is bound."""
    role = "system:service-account-issuer-discovery"
    group = {"kind": "Group", "name": "system:unauthenticated"}
    rbac = "rbac.authorization.k8s.io"
    name = f"{shop.namespace}-discovery"[:63]
    admin.apply(
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": role},
            "subjects": [group | {"apiGroup": rbac}],
        }
    )
    admin.apply(_of_the_api_server(controlplane, shop.namespace))
    try:
        path = f"/api/v1/namespaces/{shop.namespace}/serviceaccounts/default/token"
        request = {"spec": {"audiences": ["payments-api"]}}
        token = admin.request("POST", path, request)["status"]["token"]
        shop.secret("payments", token)
        shop.check(
            "checkout",
            listed("payments", providerRef={"name": shop.namespace}, audiences=["payments-api"]),
        )
        # The right to read the keys may reach the API server's authorizer after our first question.
        shop.wait("checkout", lambda it: states(it)["Verified"] == "True", timeout_s=90)
    finally:
        admin.delete("TokenProvider", shop.namespace)
        admin.delete("ClusterRoleBinding", name)


def _of_the_api_server(plane: ControlPlane, name: str) -> Object:
    keys = {"type": "URL", "url": f"{plane.at.server}/openid/v1/jwks"}
    return {
        "apiVersion": "tokencheck.dev/v1alpha1",
        "kind": "TokenProvider",
        "metadata": {"name": name},
        "spec": {
            "allowedNamespaces": {"all": True},
            "jwt": {"issuer": "https://kubernetes.default.svc", "keys": keys},
            "tls": {"caBundle": plane.at.ca_file.read_text()},
            "network": {"cidrs": ["127.0.0.0/8"]},
        },
    }
