"""A real authorization server is asked about its tokens: panva's oidc-provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from gather.test_ask_token import credentials
from gather.test_keyring import MINUTES_10, Bench
from oidcprovider import ALGORITHMS, AUDIENCE, SCOPES, OidcProvider, running
from tokencheck.api.tokenprovider import parse_tokenprovider
from tokencheck.clients.egress.client import Egress
from tokencheck.core.questions.replies import Faulted
from tokencheck.gather.ask_token import ask_token
from tokencheck.model.activity import Answer
from tokencheck.model.facts import SignatureState
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

WAYS = ("Basic", "Post", "PrivateKeyJWT")
SLACK = timedelta(seconds=90)  # of a machine that is busy


@pytest.fixture(scope="module")
def server() -> Iterator[OidcProvider]:
    with running() as server:
        yield server


@pytest.fixture
async def bench(server: OidcProvider) -> AsyncIterator[Bench]:
    bench = Bench(server)  # type: ignore[arg-type] - of an issuer only the provider is used
    yield bench
    await bench.ring.close()


async def asked(
    server: OidcProvider,
    way: str,
    token: str,
    held: dict[str, str] | None = None,
    **spec: Any,
) -> Answer | Faulted:
    """What is learnt of the token; `held` are the operator's own credentials, `spec` the spec's."""
    manifest = server.provider(**{"introspection": server.introspection(way)} | spec)
    provider = parse_tokenprovider(manifest)
    assert not provider.invalid
    values = {k: Sealed(v.encode()) for k, v in (held or server.credentials(way)).items()}
    content = replace(credentials(), values=MappingProxyType(values))
    return await ask_token(provider, content, Sealed(token.encode()), Egress(), datetime.now(UTC))


async def lives(server: OidcProvider, way: str, token: str, **more: Any) -> Answer:
    said = await asked(server, way, token, **more)
    assert isinstance(said, Answer), said
    assert said.active
    return said


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_the_keys_that_are_discovered_verify_a_token_of_each_algorithm(
    server: OidcProvider, bench: Bench, algorithm: str
) -> None:
    await bench.asked()
    token = server.token(algorithm)
    assert bench.verified(token) is SignatureState.VERIFIED
    altered = f"{token[:-20]}{'A' if token[-20] != 'A' else 'B'}{token[-19:]}"
    assert bench.verified(altered) is SignatureState.INVALID


async def test_a_rotation_is_followed_and_the_old_key_vouches_no_more(
    server: OidcProvider, bench: Bench
) -> None:
    await bench.asked()
    old = server.token("RS256")
    server.rotate()
    new = server.token("RS256")
    assert bench.verified(new) is SignatureState.KEY_NOT_FOUND
    await bench.asked(after=MINUTES_10)
    assert bench.verified(new) is SignatureState.VERIFIED
    assert bench.verified(old) is SignatureState.KEY_NOT_FOUND


@pytest.mark.parametrize("way", WAYS)
async def test_an_opaque_token_lives_until_it_is_revoked(server: OidcProvider, way: str) -> None:
    token, other = server.token(ttl_s=3600), server.token(scopes=SCOPES[:1])
    said = await lives(server, way, token)
    assert said.claims.scopes == SCOPES
    assert said.claims.audiences == (AUDIENCE,)
    assert said.claims.issuer == server.url
    assert said.claims.expires_at is not None
    assert abs(said.claims.expires_at - datetime.now(UTC) - timedelta(hours=1)) < SLACK
    server.revoke(token)
    assert await asked(server, way, token) == Answer(active=False)
    assert (await lives(server, way, other)).claims.scopes == SCOPES[:1]


@pytest.mark.parametrize("key", ["RSA", "P-256", "P-384", "P-521", "Ed25519"])
async def test_each_type_of_key_proves_who_the_operator_is(server: OidcProvider, key: str) -> None:
    held = server.credentials("PrivateKeyJWT", key)
    await lives(server, "PrivateKeyJWT", server.token(), held=held)
    del held["key_id"]  # it finds the key by its type
    await lives(server, "PrivateKeyJWT", server.token(), held=held)


async def test_an_assertion_is_for_the_issuer_and_for_nothing_else(server: OidcProvider) -> None:
    """Without ``jwt.issuer`` it is for the address, which the strictest servers refuse."""
    token = server.token()
    said = await asked(server, "PrivateKeyJWT", token, jwt=None)
    assert isinstance(said, Faulted)
    assert said.reason is Reason.INTROSPECTION_UNAUTHORIZED
    named = server.introspection("PrivateKeyJWT", audience=server.url)
    await lives(server, "PrivateKeyJWT", token, jwt=None, introspection=named)


async def test_an_assertion_has_the_type_that_the_server_demands_and_no_other(
    server: OidcProvider,
) -> None:
    """What RFC 7523bis asks for is refused by servers that know RFC 7523 alone, and the reverse."""
    token, signs = server.token(), server.credentials("PrivateKeyJWT")
    typed = signs | {"client_id": "typed"}
    new = server.introspection("PrivateKeyJWT", assertionType="client-authentication+jwt")
    await lives(server, "PrivateKeyJWT", token, held=signs)
    await lives(server, "PrivateKeyJWT", token, held=typed, introspection=new)
    wrong = [
        await asked(server, "PrivateKeyJWT", token, typed),
        await asked(server, "PrivateKeyJWT", token, signs, introspection=new),
    ]
    for said in wrong:
        assert isinstance(said, Faulted)
        assert said.reason is Reason.INTROSPECTION_UNAUTHORIZED


async def test_a_client_that_is_not_known_says_nothing_of_the_token(server: OidcProvider) -> None:
    token = server.token()
    another = {"private_key": server.credentials("PrivateKeyJWT", "P-384")["private_key"]}
    wrong = [
        await asked(server, "Basic", token, server.credentials("Basic") | {"client_secret": "x"}),
        await asked(server, "Post", token, server.credentials("Post") | {"client_id": "nobody"}),
        await asked(server, "Basic", token, server.credentials("Basic") | {"client_id": "signs"}),
        await asked(server, "PrivateKeyJWT", token, server.credentials("PrivateKeyJWT") | another),
    ]
    for said in wrong:
        assert isinstance(said, Faulted)
        assert said.reason is Reason.INTROSPECTION_UNAUTHORIZED
        assert not said.of_token


async def test_a_jwt_is_not_introspected_which_says_nothing_of_it(server: OidcProvider) -> None:
    """oidc-provider refuses all of them, whether they live or not."""
    said = await asked(server, "Basic", server.token("ES256"))
    assert isinstance(said, Faulted)
    assert said.reason is Reason.NOT_VERIFIABLE
    assert said.of_token
    assert "a TokenProvider without introspection" in said.detail


async def test_a_token_past_its_end_and_one_that_was_never_issued_are_not_active(
    server: OidcProvider,
) -> None:
    token = server.token(ttl_s=2)
    assert await asked(server, "Basic", "opaque-token-of-nobody") == Answer(active=False)
    async with asyncio.timeout(60):
        while await asked(server, "Basic", token) != Answer(active=False):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
