"""A real OpenBao with a namespace: whose tokens the operator's own token looks up, and where.

Vault has namespaces with a licence alone, and could not be asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from gather.test_ask_vault import DEAD, HOUR, asked, lives, near, refused, unreached
from gather.test_ask_vendor import word
from tokencheck.core.tokens.recognise import kind_of
from vaultserver import OpenBaoServer, running

TEAM = "team/"


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBaoServer]:
    with running("OpenBao") as server:
        assert isinstance(server, OpenBaoServer)
        server.namespace("team")
        yield server


@pytest.mark.parametrize("below", ["", TEAM])
@pytest.mark.parametrize("kind", ["service", "batch"])
async def test_a_token_of_a_namespace_is_looked_up_by_one_of_it(
    bao: OpenBaoServer, kind: str, below: str
) -> None:
    token = bao.token(TEAM, ttl="1h", type=kind)
    assert kind_of(token.encode())[0] == "Vault"
    said = await lives(bao, bao.own(below=TEAM), token, below)
    assert said.claims.scopes == ("default",)
    assert near(said.claims.expires_at, datetime.now(UTC) + HOUR)


async def test_a_dead_token_of_a_namespace_is_dead_there(bao: OpenBaoServer) -> None:
    token = bao.token(TEAM, ttl="1h")
    bao.revoke(token)
    for below in ("", TEAM):
        assert word(await asked(bao, bao.own(below=TEAM), token, below)) in DEAD


async def test_an_own_token_of_the_root_needs_the_policy_of_the_namespace(
    bao: OpenBaoServer,
) -> None:
    token = bao.token(TEAM, ttl="1h")
    await unreached(bao, bao.own(), token)
    await unreached(bao, bao.own(), token, TEAM)
    bao.policy("lookup-team", 'path "team/auth/token/lookup" { capabilities = ["update"] }')
    await lives(bao, bao.token(policies=["lookup-team"]), token)
    await lives(bao, bao.token(policies=["lookup-team"]), token, TEAM)


async def test_the_end_of_a_token_of_the_root_is_unknown_when_it_is_looked_up_in_a_namespace(
    bao: OpenBaoServer,
) -> None:
    """OpenBao says then what it says of a token without an end."""
    own = bao.own(below=TEAM)
    for token in (bao.token(ttl="1h"), bao.token(period="1h")):
        said = await lives(bao, own, token, TEAM)
        assert said.claims.scopes == ("default",)
        assert said.claims.expires_at is None
        assert not said.claims.endless
        bao.revoke(token)
        assert word(await asked(bao, own, token, TEAM)) in DEAD
    assert (await lives(bao, own, bao.root, TEAM)).claims.endless


async def test_where_there_is_no_such_namespace_no_token_is_called_dead(
    bao: OpenBaoServer,
) -> None:
    await unreached(bao, bao.own(), bao.token(), "nowhere/")


async def test_an_own_token_of_a_namespace_that_is_gone_is_refused(bao: OpenBaoServer) -> None:
    below = bao.namespace("gone")
    own, token = bao.own(below=below), bao.token(below)
    await lives(bao, own, token)
    bao.drop(below)
    await refused(bao, own, bao.token())
    assert word(await asked(bao, bao.own(), token)) in DEAD
