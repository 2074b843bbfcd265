"""A token server that we did not write: what it says of logins, and what is made of that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from registryapi import PASSWORD
from tokencheck.api.tokenprovider import parse_tokenprovider
from tokencheck.clients.egress.client import Egress
from tokencheck.core.questions.replies import Faulted
from tokencheck.gather.ask_registry import Nobody, ask_registry
from tokencheck.model.activity import Answer
from tokencheck.model.sealed import Sealed
from tokenserver import TokenServer, running

NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[TokenServer]:
    with running() as started:
        yield started


async def said_of(
    server: TokenServer, user: str, repository: str, password: str = PASSWORD
) -> Answer | Faulted:
    provider = parse_tokenprovider(server.provider(f"repository:{repository}:pull,push"))
    assert provider.vendor is not None
    pair = Sealed(f"{user}:{password}".encode())
    nobody = Nobody(lambda: NOW)
    return await ask_registry(provider, provider.vendor, pair, Egress(), nobody)


@pytest.mark.parametrize(
    ("repository", "scopes"), [("team/app", ("pull", "push")), ("other/app", ())]
)
async def test_a_login_lives_and_what_its_token_grants_is_read(
    server: TokenServer, repository: str, scopes: tuple[str, ...]
) -> None:
    server.users("team")
    said = await said_of(server, "team", repository)
    assert isinstance(said, Answer)
    assert said.active
    # Where it grants nothing it leaves the repository out.
    assert said.claims.scopes == scopes


@pytest.mark.parametrize("password", [PASSWORD, "another"])
async def test_of_a_wrong_login_it_says_what_it_says_of_none(
    server: TokenServer, password: str
) -> None:
    server.users("others" if password == PASSWORD else "team")
    said = await said_of(server, "team", "team/app", password)
    assert isinstance(said, Faulted)
    assert said.of_token
    assert "says the same to nobody" in said.detail
