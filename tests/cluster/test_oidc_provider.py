"""A real operator, and an authorization server that we did not write: panva's oidc-provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest

from cluster.shop import Shop, condition, listed, ready, states, token_of
from cluster.test_introspection import HOME, secret
from controlplane import Api
from oidcprovider import ALGORITHMS, AUDIENCE, SCOPES, OidcProvider, running

# Makes a TokenProvider that asks in this way, under this name or one of its own, which it returns.
Trusted: TypeAlias = Callable[..., str]

GOOD = ("True", "AllChecksPassed")
WAYS = ("Basic", "Post", "PrivateKeyJWT")
KEYS_ALONE = "keys"
ANOTHER = dict(zip(WAYS, (*WAYS[1:], WAYS[0]), strict=True))
PATIENCE_S = 120.0
DAY_S = 86_400

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module")
def login() -> Iterator[OidcProvider]:
    with running() as server:
        yield server


@pytest.fixture
def trusted(login: OidcProvider, admin: Api, namespace: str) -> Iterator[Trusted]:
    with ExitStack() as made:

        def trust(way: str, name: str = "") -> str:
            name = name or f"{namespace}-{way.lower()}"
            asked = {}
            if way != KEYS_ALONE:
                admin.apply(secret(name, HOME, **login.credentials(way)))
                made.callback(admin.delete, "Secret", name, HOME)
                own = {"name": name}
                asked["introspection"] = login.introspection(way, clientCredentialsRef=own)
            admin.apply(login.provider(name, **asked))
            made.callback(admin.delete, "TokenProvider", name)
            return name

        yield trust


def checked(shop: Shop, name: str, token: str, provider: str, **expected: object) -> None:
    """A Secret and a TokenCheck of this name."""
    scopes = {"required": list(SCOPES)}
    asked = {"providerRef": {"name": provider}, "audiences": [AUDIENCE], "scopes": scopes}
    shop.secret(name, token)
    shop.check(name, listed(name, **asked | expected))


def test_a_jwt_of_each_algorithm_is_vouched_for_and_a_rotation_is_followed(
    shop: Shop, login: OidcProvider, trusted: Trusted
) -> None:
    provider = trusted(KEYS_ALONE)
    for algorithm in ALGORITHMS:
        token = login.token(algorithm, ttl_s=DAY_S)
        checked(shop, algorithm.lower(), token, provider)
    for algorithm in ALGORITHMS:
        shop.reads(algorithm.lower(), *GOOD, timeout_s=PATIENCE_S)
    login.rotate()
    shop.secret("es256", login.token("ES256", ttl_s=DAY_S))
    # A key that goes makes nothing bad; the token that it signed has nobody any more.
    shop.reads("rs256", "Unknown", "KeyNotFound", timeout_s=PATIENCE_S)
    shop.annotate("TokenCheck", "es256", check_now="1")
    shop.wait(
        "es256", lambda it: it["status"].get("lastHandledCheckNow") == "1", timeout_s=PATIENCE_S
    )
    shop.reads("es256", *GOOD, timeout_s=PATIENCE_S)
    told = [ready(seen.object) for seen in shop.history("es256")]
    assert set(told[told.index(GOOD) :]) == {GOOD}


def test_opaque_tokens_live_until_they_are_revoked_whichever_way_the_operator_asks(
    shop: Shop, login: OidcProvider, trusted: Trusted
) -> None:
    """An admin who has the provider ask in another way has all tokens asked about at once."""
    providers = {way: trusted(way) for way in WAYS}
    tokens = {way: login.token(ttl_s=DAY_S) for way in WAYS}
    for way in WAYS:
        checked(shop, way.lower(), tokens[way], providers[way])
    checked(shop, "narrow", login.token(scopes=SCOPES[:1], ttl_s=DAY_S), providers["Post"])
    checked(shop, "ended", login.token(ttl_s=1), providers["Post"])
    for way in WAYS:
        found = shop.reads(way.lower(), *GOOD, timeout_s=PATIENCE_S)
        assert states(found)["Active"] == "True"
        assert token_of(found)["scopes"]["granted"] == list(SCOPES)
        assert token_of(found)["expirationTime"] > found["metadata"]["creationTimestamp"]
    found = shop.reads("narrow", "False", "ScopeMissing", timeout_s=PATIENCE_S)
    assert token_of(found)["scopes"]["missing"] == [SCOPES[1]]
    # Asked about in its only second it lives, and ends then.
    ends = {("False", "Inactive"), ("False", "TokenExpired")}
    shop.wait("ended", lambda it: ready(it) in ends, timeout_s=PATIENCE_S)
    for token in tokens.values():
        login.revoke(token)
    for way in WAYS:
        trusted(ANOTHER[way], providers[way])
    for way in WAYS:
        found = shop.reads(way.lower(), "False", "Inactive", timeout_s=PATIENCE_S)
        assert states(found)["Active"] == "False"


def test_a_jwt_that_the_server_does_not_introspect_is_unknown_and_the_way_out_is_said(
    shop: Shop, login: OidcProvider, trusted: Trusted
) -> None:
    """Its signature is good; nobody says whether it lives. Opaque tokens beside it are judged."""
    provider = trusted("PrivateKeyJWT")
    token = login.token("ES256", ttl_s=DAY_S)
    checked(shop, "jwt", token, provider)
    found = shop.reads("jwt", "Unknown", "NotVerifiable", timeout_s=PATIENCE_S)
    assert states(found)["Active"] == "Unknown"
    assert "a TokenProvider without introspection" in condition(found, "Active")["message"]
    checked(shop, "opaque", login.token(ttl_s=DAY_S), provider)
    shop.reads("opaque", *GOOD, timeout_s=PATIENCE_S)
    checked(shop, "jwt", token, trusted(KEYS_ALONE))
    shop.reads("jwt", *GOOD, timeout_s=PATIENCE_S)
