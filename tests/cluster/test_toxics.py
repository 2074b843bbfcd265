"""A real operator asks real servers behind toxiproxy: what it cannot hear is Unknown, never bad.

The keys of oidc-provider, its introspection, and OpenBao's lookup, each on a road of its own for
each toxic.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import pytest

from cluster.shop import Object, Shop, condition, listed, ready, states
from cluster.test_introspection import HOME, secret
from controlplane import Api
from oidcprovider import AUDIENCE, OidcProvider
from oidcprovider import running as running_login
from toxics.test_answers import REASONS
from toxiproxy import TOXICS, Toxiproxy
from vaultserver import VaultServer
from vaultserver import running as running_vault

GOOD = ("True", "AllChecksPassed")
KEYS, ASKED, LOOKED_UP = "keys", "introspection", "lookup"
WAYS = (KEYS, ASKED, LOOKED_UP)
INTERVAL_S = 30
BUSY_S = 20.0  # a machine that does much else
PATIENCE_S = 180.0
DAY_S = 86_400

Servers: TypeAlias = tuple[OidcProvider, VaultServer]


@dataclass(frozen=True, kw_only=True)
class Road:
    """From `place` to what answers in this way, and what goes wrong on it at times."""

    way: str
    toxic: str
    place: str


pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def login() -> Iterator[OidcProvider]:
    with running_login() as server:
        yield server


@pytest.fixture
def vault() -> Iterator[VaultServer]:
    with running_vault("OpenBao") as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[Toxiproxy]:
    with Toxiproxy() as running:
        yield running


@pytest.fixture
def servers(login: OidcProvider, vault: VaultServer) -> Servers:
    return login, vault


@pytest.fixture
def roads(
    servers: Servers, proxy: Toxiproxy, admin: Api, namespace: str
) -> Iterator[dict[str, Road]]:
    """A road for each way and toxic, by the name of everything about it; nothing is wrong yet."""
    login, vault = servers
    ends = {KEYS: login.place, ASKED: login.place, LOOKED_UP: vault.place}
    laid = {}
    for way in WAYS:
        for toxic in TOXICS:
            name = f"{way}-{toxic.replace('_', '-')}-{namespace[-6:]}"
            laid[name] = Road(way=way, toxic=toxic, place=proxy.road(ends[way]))
    values = login.credentials("Basic") | {"token": vault.own()}
    admin.apply(secret(own(namespace), HOME, **values))
    yield laid
    for name in laid:
        admin.delete("TokenProvider", name)
    admin.delete("Secret", own(namespace), HOME)


def own(name: str) -> str:
    """The Secret of the operator's own credentials, by the namespace or anything of its name."""
    return f"toxic-{name[-6:]}"


def check(shop: Shop, name: str, road: Road, servers: Servers) -> None:
    """A provider whose server is at the end of this road, and a check of a good token of it."""
    shop.admin.apply(provider(road.way, name, road.place, servers))
    shop.secret(name, token(road.way, servers))
    expected = {} if road.way == LOOKED_UP else {"audiences": [AUDIENCE]}
    asked = listed(name, providerRef={"name": name}, **expected)
    shop.check(name, asked, interval=f"{INTERVAL_S}s")


def provider(way: str, name: str, road: str, servers: Servers) -> Object:
    login, vault = servers
    base, ref = f"https://{road}", {"name": own(name)}
    if way == KEYS:
        keys = {"type": "URL", "url": f"{base}/jwks", "refreshInterval": "1m"}
        return login.provider(name, jwt={"issuer": login.url, "keys": keys})
    if way == ASKED:
        url = f"{base}/token/introspection"
        asked = login.introspection("Basic", url=url, clientCredentialsRef=ref)
        return login.provider(name, jwt=None, introspection=asked)
    manifest = vault.provider(name, own(name))
    manifest["spec"]["vendor"]["url"] = f"{base}/v1"
    manifest["spec"].pop("match")
    return manifest


def token(way: str, servers: Servers) -> str:
    login, vault = servers
    if way == LOOKED_UP:
        return vault.token(ttl="24h")
    return login.token("ES256" if way == KEYS else "", ttl_s=DAY_S)


def test_a_spoilt_road_makes_nothing_bad_and_a_mended_one_is_noticed_within_an_interval(
    shop: Shop, proxy: Toxiproxy, roads: dict[str, Road], servers: Servers
) -> None:
    spoil(proxy, roads)
    for name, road in roads.items():
        check(shop, name, road, servers)
    for name, road in roads.items():
        shop.reads(name, "Unknown", REASONS[road.toxic], timeout_s=PATIENCE_S)
    for road in roads.values():
        proxy.spoil(road.place)
    began = time.monotonic()
    for name in roads:
        shop.reads(name, *GOOD, timeout_s=PATIENCE_S)
    assert time.monotonic() - began < INTERVAL_S + BUSY_S
    spoil(proxy, roads)
    for name, road in roads.items():
        if road.way == KEYS:
            counts_on(shop, name)
            continue
        found = shop.reads(name, "Unknown", REASONS[road.toxic], timeout_s=PATIENCE_S)
        assert "last known active at 20" in condition(found, "Active")["message"]
    for name in roads:
        told = {ready(seen.object)[0] for seen in shop.history(name)}
        assert told <= {"Unknown", "True"}


def spoil(proxy: Toxiproxy, roads: dict[str, Road]) -> None:
    for road in roads.values():
        proxy.spoil(road.place, TOXICS[road.toxic])


def counts_on(shop: Shop, name: str) -> None:
    """What the keys verified they verify still, although they cannot be had any more."""
    shop.admin.wait(
        "TokenProvider",
        name,
        until=lambda it: states(it).get("Reachable") == "False",
        timeout_s=PATIENCE_S,
    )
    shop.reads(name, *GOOD, timeout_s=PATIENCE_S)
