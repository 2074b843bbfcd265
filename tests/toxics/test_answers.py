"""Real servers behind toxiproxy: what does not arrive whole is Unknown.

The keys of oidc-provider, its introspection, and OpenBao's lookup.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias

import pytest

from gather.test_ask_oidc_provider import asked
from gather.test_ask_vendor import known_by
from gather.test_keyring import Bench
from oidcprovider import AUDIENCE, SCOPES, OidcProvider
from oidcprovider import running as running_login
from tokencheck.api.tokenprovider import parse_tokenprovider
from tokencheck.clients.egress.client import Egress
from tokencheck.core.questions.replies import Faulted
from tokencheck.gather.ask_vendor import ask_vendor
from tokencheck.model.activity import Answer
from tokencheck.model.facts import SignatureState
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import TrustState
from toxiproxy import TOXICS, Toxic, Toxiproxy
from vaultserver import VaultServer
from vaultserver import running as running_vault

# What comes of a question that takes this road, in a word: Good, Bad, or the reason of Unknown.
Ask: TypeAlias = Callable[[str], Awaitable[str]]

GOOD, BAD = "Good", "Bad"
REASONS = {
    "latency": Reason.TIMED_OUT,
    "timeout": Reason.TIMED_OUT,
    "reset_peer": Reason.TLS_FAILED,  # it hits the handshake, as an old server would end it
    "limit_data": Reason.TLS_FAILED,
    "slicer": Reason.TIMED_OUT,
}
# So little is wrong with these that the answer is whole, and in time.
HARMLESS: dict[str, Toxic] = {
    "late": {"type": "latency", "attributes": {"latency": 200, "jitter": 100}},
    "in pieces": {"type": "slicer", "attributes": {"average_size": 1, "delay": 10}},
    "narrow": {"type": "bandwidth", "attributes": {"rate": 20}},
    "closed late": {"type": "slow_close", "attributes": {"delay": 1000}},
}
# Its handshake, its head and its body are within so many bytes.
CUTS = range(100, 6000, 90)


@pytest.fixture(scope="module")
def login() -> Iterator[OidcProvider]:
    with running_login() as server:
        yield server


@pytest.fixture(scope="module")
def vault() -> Iterator[VaultServer]:
    with running_vault("OpenBao") as server:
        yield server


@pytest.fixture(scope="module")
def proxy() -> Iterator[Toxiproxy]:
    with Toxiproxy() as running:
        yield running


def word(said: Answer | Faulted) -> str:
    if isinstance(said, Faulted):
        return said.reason
    return GOOD if said.active else BAD


@pytest.fixture(params=["keys", "introspection", "lookup"])
def way(request: pytest.FixtureRequest, login: OidcProvider, vault: VaultServer) -> tuple[str, Ask]:
    """The place of a server, and what is asked of it for a token that is good."""
    token = login.token(ttl_s=7200)
    jwt = login.token("ES256")
    own, looked_up = vault.own(), vault.token(ttl="2h")

    async def keys(road: str) -> str:
        bench = Bench(login)  # type: ignore[arg-type] - of an issuer only the provider is used
        url = f"https://{road}/jwks"
        bench.provider = bench.made(jwt={"issuer": login.url, "keys": {"type": "URL", "url": url}})
        trust = await bench.asked()
        await bench.ring.close()
        if trust.state is not TrustState.USABLE:
            return str(trust.reason)
        return GOOD if bench.verified(jwt) is SignatureState.VERIFIED else BAD

    async def introspection(road: str) -> str:
        there = login.introspection("Basic", url=f"https://{road}/token/introspection")
        said = await asked(login, "Basic", token, introspection=there)
        if isinstance(said, Answer):
            assert (said.claims.scopes, said.claims.audiences) == (SCOPES, (AUDIENCE,))
        return word(said)

    async def lookup(road: str) -> str:
        manifest = vault.provider()
        manifest["spec"]["vendor"]["url"] = f"https://{road}/v1"
        found = parse_tokenprovider(manifest)
        assert found.vendor is not None
        shown = Sealed(looked_up.encode())
        said = await ask_vendor(found, found.vendor, shown, Egress(), known_by(own))
        if isinstance(said, Answer):
            assert said.claims.scopes == ("default",)
        return word(said)

    ways: dict[str, tuple[str, Ask]] = {
        "keys": (login.place, keys),
        "introspection": (login.place, introspection),
        "lookup": (vault.place, lookup),
    }
    return ways[request.param]


async def test_what_is_spoilt_is_unknown_with_its_reason_and_known_when_the_road_is_mended(
    way: tuple[str, Ask], proxy: Toxiproxy
) -> None:
    place, ask = way
    roads = {name: proxy.road(place, toxic) for name, toxic in TOXICS.items()}
    found = await asyncio.gather(*(ask(road) for road in roads.values()))
    assert dict(zip(roads, found, strict=True)) == REASONS
    for road in roads.values():
        proxy.spoil(road)
    assert set(await asyncio.gather(*(ask(road) for road in roads.values()))) == {GOOD}


async def test_what_arrives_late_or_in_pieces_is_taken_whole(
    way: tuple[str, Ask], proxy: Toxiproxy
) -> None:
    place, ask = way
    roads = {name: proxy.road(place, toxic) for name, toxic in HARMLESS.items()}
    found = await asyncio.gather(*(ask(road) for road in roads.values()))
    assert dict(zip(roads, found, strict=True)) == dict.fromkeys(HARMLESS, GOOD)


async def test_an_answer_that_is_cut_off_anywhere_is_no_answer(
    way: tuple[str, Ask], proxy: Toxiproxy
) -> None:
    place, ask = way
    cut: list[Toxic] = [{"type": "limit_data", "attributes": {"bytes": size}} for size in CUTS]
    roads = [proxy.road(place, toxic) for toxic in cut]
    found = await asyncio.gather(*(ask(road) for road in roads))
    whole = found.index(GOOD)
    assert whole > 0
    assert set(found[whole:]) == {GOOD}
    assert set(found[:whole]) <= {Reason.TLS_FAILED, Reason.UNREACHABLE, Reason.UNEXPECTED_ANSWER}
    assert found[whole - 1] != Reason.TLS_FAILED
