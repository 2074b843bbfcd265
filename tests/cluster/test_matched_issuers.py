"""JWTs that nobody listed are verified by the keys of their issuer, where an admin says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from cluster.shop import Object, Shop, Signer, condition, env, jwks, pod_spec, ready, states
from controlplane import Api
from issuer import Issuer
from loopthread import LoopThread

Login: TypeAlias = LoopThread[Issuer]
Matches: TypeAlias = Callable[..., None]

GOOD = ("True", "AllChecksPassed")
PATIENCE_S = 60.0

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def issuer(namespace: str) -> str:
    """Of this test alone: what an admin matches is matched in every namespace."""
    return f"https://{namespace}.example.com"


@pytest.fixture
def matches(shop: Shop, admin: Api, issuer: str) -> Iterator[Matches]:
    """Makes a TokenProvider that matches the issuer, with the shop's own key."""

    def made(**spec: Any) -> None:
        keys = {"type": "Inline", "jwks": jwks(shop.signer)}
        body: Object = {"allowedNamespaces": {"all": True}, "match": {"issuer": True}}
        body |= {"jwt": {"issuer": issuer, "keys": keys}} | spec
        manifest = {"apiVersion": "tokencheck.dev/v1alpha1", "kind": "TokenProvider"}
        admin.apply(manifest | {"metadata": {"name": shop.namespace}, "spec": body})

    yield made
    admin.delete("TokenProvider", shop.namespace)


def mounts(shop: Shop, token: str) -> None:
    """A Deployment takes the token, and a TokenCheck of five lines looks after it."""
    shop.secret("payments", token)
    shop.workload("checkout", pod_spec(env("payments")), replicas=0)
    shop.check("checkout", workload="Deployment/checkout")


def unverified(found: Object) -> bool:
    return states(found).get("Verified") == "Unknown"


def test_a_token_is_verified_once_an_admin_matches_its_issuer_and_no_longer_than_that(
    shop: Shop, admin: Api, issuer: str, matches: Matches
) -> None:
    mounts(shop, shop.signer.token(iss=issuer))
    shop.wait("checkout", unverified, timeout_s=PATIENCE_S)
    matches()
    shop.wait("checkout", lambda it: states(it).get("Verified") == "True", timeout_s=PATIENCE_S)
    shop.secret("payments", Signer().token(iss=issuer))
    found = shop.wait(
        "checkout", lambda it: ready(it) == ("False", "SignatureInvalid"), timeout_s=PATIENCE_S
    )
    assert "payments" in condition(found, "Verified")["message"]
    admin.delete("TokenProvider", shop.namespace)
    shop.wait("checkout", unverified, timeout_s=PATIENCE_S)


def test_a_token_of_another_issuer_and_a_namespace_that_is_not_allowed_are_left_alone(
    shop: Shop, issuer: str, matches: Matches
) -> None:
    matches(allowedNamespaces={"selector": {"matchLabels": {"team": "nobody"}}})
    mounts(shop, shop.signer.token(iss=issuer))
    shop.wait("checkout", unverified, timeout_s=PATIENCE_S)
    matches()
    shop.wait("checkout", lambda it: states(it).get("Verified") == "True", timeout_s=PATIENCE_S)
    shop.secret("payments", Signer().token(iss=f"{issuer}/other"))
    found = shop.wait("checkout", unverified, timeout_s=PATIENCE_S)
    assert ready(found)[0] != "False"


def test_a_provider_counts_the_checks_that_it_is_for_and_no_others(
    shop: Shop, admin: Api, issuer: str, matches: Matches
) -> None:
    mounts(shop, shop.signer.token(iss=issuer))
    shop.secret("other", shop.signer.token(iss=f"{issuer}/other"))
    shop.workload("other", pod_spec(env("other")), replicas=0)
    shop.check("other", workload="Deployment/other")
    matches()
    shop.wait("checkout", lambda it: states(it).get("Verified") == "True", timeout_s=PATIENCE_S)
    shop.wait("other", unverified, timeout_s=PATIENCE_S)
    admin.wait(
        "TokenProvider",
        shop.namespace,
        until=lambda it: it.get("status", {}).get("checks") == 1,
        timeout_s=PATIENCE_S,
    )


def test_a_provider_that_would_ask_about_listed_tokens_is_shown_none_of_these(
    shop: Shop, issuer: str, matches: Matches
) -> None:
    asks = {
        "url": "https://127.0.0.1:1/introspect",
        "clientCredentialsRef": {"name": "introspect-client"},
    }
    matches(introspection=asks)
    mounts(shop, shop.signer.token(iss=issuer))
    found = shop.wait(
        "checkout", lambda it: states(it).get("Verified") == "True", timeout_s=PATIENCE_S
    )
    assert "Active" not in states(found)


def test_new_keys_of_a_discovered_issuer_are_asked_for_and_no_token_is_sent(
    shop: Shop, admin: Api
) -> None:
    with LoopThread(Issuer()) as login:
        login.do(lambda it: it.rotate("k1"))
        manifest = login.inner.provider(shop.namespace)
        manifest["spec"]["match"] = {"issuer": True}
        admin.apply(manifest)
        try:
            mounts(shop, login.inner.token("k1"))
            verified = {"timeout_s": PATIENCE_S}
            shop.wait("checkout", lambda it: states(it).get("Verified") == "True", **verified)
            login.do(lambda it: it.rotate("k2"))
            shop.secret("payments", login.inner.token("k2"))
            found = shop.wait(
                "checkout",
                lambda it: states(it).get("Verified") == "True" and _holds(shop, it),
                **verified,
            )
            assert ready(found)[0] != "False"
            assert b"eyJ" not in login.inner.said
        finally:
            admin.delete("TokenProvider", shop.namespace)


def _holds(shop: Shop, found: Object) -> bool:
    """Whether the status speaks of the Secret as it is now."""
    secret = shop.admin.get("Secret", "payments", shop.namespace)
    versions = [one.get("resourceVersion") for one in found["status"].get("tokens") or ()]
    return secret["metadata"]["resourceVersion"] in versions
