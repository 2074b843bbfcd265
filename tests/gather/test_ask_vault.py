"""A real Vault and a real OpenBao are asked about tokens of every form, and spend no use of them.

What is Vault's here is OpenBao's too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from gather.test_ask_vendor import known_by, word
from tokencheck.api.tokenprovider import parse_tokenprovider
from tokencheck.clients.egress.client import Egress
from tokencheck.core.questions.replies import Faulted
from tokencheck.core.tokens.recognise import kind_of
from tokencheck.gather.ask_vendor import ask_vendor
from tokencheck.model.activity import Answer
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed
from vaultserver import SERVERS, VaultServer, running

# Vault knows a token that has ended until its revocation is done, and from then on no more.
DEAD = ("inactive", "stranger")
HOUR = timedelta(hours=1)
SLACK = timedelta(seconds=90)  # of a machine that is busy


@pytest.fixture(scope="module", params=SERVERS)
def vault(request: pytest.FixtureRequest) -> Iterator[VaultServer]:
    with running(request.param) as server:
        yield server


@pytest.fixture(scope="module")
def own(vault: VaultServer) -> str:
    """The operator's own token."""
    return vault.own()


async def asked(vault: VaultServer, own: str, token: str, below: str = "") -> Answer | Faulted:
    found = parse_tokenprovider(vault.provider(below=below))
    assert not found.invalid
    assert found.vendor is not None
    return await ask_vendor(found, found.vendor, Sealed(token.encode()), Egress(), known_by(own))


async def lives(vault: VaultServer, own: str, token: str, below: str = "") -> Answer:
    said = await asked(vault, own, token, below)
    assert isinstance(said, Answer), said
    assert said.active
    return said


def near(found: datetime | None, wanted: datetime) -> bool:
    return found is not None and abs(found - wanted) < SLACK


async def test_asking_uses_nothing_up(vault: VaultServer, own: str) -> None:
    token = vault.token(num_uses=2, ttl="1h")
    for _ in range(5):
        await lives(vault, own, token)
    uses = vault.call("POST", "auth/token/lookup", token=token)["data"]["num_uses"]
    assert uses == 2
    for _ in range(2):
        vault.call("GET", "auth/token/lookup-self", as_=token)
    assert word(await asked(vault, own, token)) in DEAD


async def test_policies_are_scopes_and_the_end_is_vault_s(vault: VaultServer, own: str) -> None:
    now = datetime.now(UTC)
    said = await lives(vault, own, vault.token(policies=["shop", "billing"], ttl="1h"))
    assert said.claims.scopes == ("billing", "default", "shop")
    assert near(said.claims.expires_at, now + HOUR)
    assert near(said.claims.issued_at, now)
    assert said.until == said.claims.expires_at
    assert not said.claims.endless


async def test_a_renewed_token_ends_later(vault: VaultServer, own: str) -> None:
    token = vault.token(period="1h")
    before = await lives(vault, own, token)
    assert before.claims.renewed_at is None
    await asyncio.sleep(1.1)
    vault.call("POST", "auth/token/renew", token=token)
    after = await lives(vault, own, token)
    assert after.claims.renewed_at is not None
    assert after.claims.expires_at is not None
    assert before.claims.expires_at is not None
    assert after.claims.expires_at > before.claims.expires_at


async def test_a_token_that_nobody_may_renew_is_said_to_end_for_good(
    vault: VaultServer, own: str
) -> None:
    said = await lives(vault, own, vault.token(ttl="1h", renewable=False))
    assert said.claims.expires_at is not None
    assert said.until is None


async def test_a_root_token_never_ends(vault: VaultServer, own: str) -> None:
    said = await lives(vault, own, vault.root)
    assert said.claims.endless
    assert said.claims.expires_at is None
    assert said.claims.scopes == ("root",)


async def test_a_batch_token_is_looked_up_alike(vault: VaultServer, own: str) -> None:
    token = vault.token(type="batch", ttl="1h", policies=["shop"])
    assert token.startswith(vault.batch)
    said = await lives(vault, own, token)
    assert said.claims.scopes == ("default", "shop")
    assert near(said.claims.expires_at, datetime.now(UTC) + HOUR)
    assert said.until is None


@pytest.mark.parametrize("asked_for", [{}, {"type": "batch"}, {"no_parent": True}])
def test_what_vault_issues_is_recognised_as_its_own(
    vault: VaultServer, asked_for: dict[str, object]
) -> None:
    for token in (vault.token(**asked_for), vault.root):
        assert kind_of(token.encode())[0] == "Vault"


async def test_a_revoked_token_is_dead_and_so_are_its_children(
    vault: VaultServer, own: str
) -> None:
    parent = vault.token(policies=["root"])
    made = vault.call("POST", "auth/token/create", as_=parent, ttl="1h")
    orphan = vault.call("POST", "auth/token/create-orphan", as_=parent, ttl="1h")
    child, free = (str(one["auth"]["client_token"]) for one in (made, orphan))
    vault.revoke(parent)
    for token in (parent, child):
        assert word(await asked(vault, own, token)) in DEAD
    await lives(vault, own, free)


@pytest.mark.parametrize("kind", ["service", "batch"])
async def test_a_token_past_its_end_is_dead(vault: VaultServer, own: str, kind: str) -> None:
    token = vault.token(ttl="2s", type=kind)
    end = (await lives(vault, own, token)).claims.expires_at
    assert end is not None
    async with asyncio.timeout(60):
        while word(await asked(vault, own, token)) == "active":
            assert datetime.now(UTC) < end + timedelta(seconds=30)
            await asyncio.sleep(0.2)
    assert datetime.now(UTC) >= end - timedelta(seconds=1)
    assert word(await asked(vault, own, token)) in DEAD


@pytest.mark.parametrize(
    "token", ["hvs.canaryNobody0123456789abcdef", "s.canaryNobody0123456789ab", f"hvs.{'C' * 95}"]
)
async def test_a_token_that_vault_never_issued_is_dead(
    vault: VaultServer, own: str, token: str
) -> None:
    assert word(await asked(vault, own, token)) == "stranger"


async def refused(vault: VaultServer, own: str, token: str, below: str = "") -> None:
    """The operator's own token is not accepted, which says nothing of any other."""
    said = await asked(vault, own, token, below)
    assert isinstance(said, Faulted)
    assert said.reason is Reason.INTROSPECTION_UNAUTHORIZED
    assert "renew the one in the Secret of vendor.credentialsRef" in said.detail
    assert not said.of_token


async def unreached(vault: VaultServer, own: str, token: str, below: str = "") -> None:
    """The policy of the operator's own token does not reach this one; it may reach others."""
    said = await asked(vault, own, token, below)
    assert isinstance(said, Faulted)
    assert said.reason is Reason.INTROSPECTION_UNAUTHORIZED
    assert 'path "auth/token/lookup" { capabilities = ["update"] }' in said.detail
    assert said.of_token


async def test_while_the_operator_s_own_token_is_dead_nothing_is_known(
    vault: VaultServer, own: str
) -> None:
    token, dead = vault.token(), vault.token(policies=["lookup"])
    vault.revoke(dead)
    for ended in (dead, "hvs.canaryNobody0123456789abcdef", f"hvs.{'C' * 95}", f"b.{'C' * 95}"):
        await refused(vault, ended, token)
    await lives(vault, own, token)


@pytest.mark.parametrize("kind", ["service", "batch"])
async def test_an_own_token_past_its_end_is_told_from_one_without_the_policy(
    vault: VaultServer, kind: str
) -> None:
    token, own = vault.token(), vault.token(policies=["lookup"], ttl="1s", type=kind)
    async with asyncio.timeout(60):
        while isinstance(said := await asked(vault, own, token), Answer):
            assert said.active
            await asyncio.sleep(0.2)
    await refused(vault, own, token)


async def test_an_own_token_of_one_use_answers_once(vault: VaultServer) -> None:
    token, own = vault.token(), vault.token(policies=["lookup"], num_uses=1)
    await lives(vault, own, token)
    await refused(vault, own, token)


async def test_an_own_token_that_is_bound_to_other_addresses_is_refused(
    vault: VaultServer,
) -> None:
    bound = {"token_bound_cidrs": ["10.9.8.0/24"], "allowed_policies": ["lookup", "default"]}
    vault.call("POST", "auth/token/roles/bound", **bound)
    made = vault.call("POST", "auth/token/create/bound", policies=["lookup"])
    await refused(vault, str(made["auth"]["client_token"]), vault.token())


async def test_an_own_token_without_the_policy_is_told_which_it_needs(vault: VaultServer) -> None:
    dead = vault.token()
    vault.revoke(dead)
    for token in (vault.token(), dead):
        await unreached(vault, vault.token(policies=["default"]), token)


async def test_while_vault_is_sealed_nothing_is_known(vault: VaultServer, own: str) -> None:
    token, dead = vault.token(), vault.token()
    vault.revoke(dead)
    vault.seal()
    try:
        for one in (token, dead):
            said = await asked(vault, own, one)
            assert isinstance(said, Faulted)
            assert said.reason is Reason.PROVIDER_UNAVAILABLE
    finally:
        vault.unseal()
    await lives(vault, own, token)
