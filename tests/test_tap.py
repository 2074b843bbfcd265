"""What real servers are sent is searched for tokens too: another's token there is a leak."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import distribution
import mockoauth2
import oidcprovider
import tokenserver
import vaultserver
from cluster.test_whole_run import held
from cluster.wholerun import WholeRun
from distribution import Distribution
from gather.test_ask_basic import said_of as told_of
from gather.test_ask_oidc_provider import asked as introspected
from gather.test_ask_token_server import said_of
from gather.test_ask_vault import asked as vault_asked
from mockoauth2 import MockOAuth2
from oidcprovider import OidcProvider
from registryapi import PASSWORD
from tokencheck.api.tokenprovider import parse_tokenprovider
from tokenserver import TokenServer
from vaultserver import VaultServer


async def ask_vault(server: VaultServer, token: str) -> None:
    await vault_asked(server, server.own(), token)


async def introspect(server: OidcProvider, token: str) -> None:
    await introspected(server, "Basic", token)


async def log_in(server: TokenServer, token: str) -> None:
    server.users("team")
    await said_of(server, "team", "team/app", token)


async def log_in_itself(server: Distribution, token: str) -> None:
    server.users("team")
    await told_of(parse_tokenprovider(server.provider()), f"team:{token}".encode())


async def discover(server: MockOAuth2, token: str) -> None:
    """Keys are asked for without a token; the operator has no way to send one."""
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{server.provider()['spec']['jwt']['issuer']}/.well-known/openid-configuration"
    tls = ssl.create_default_context(cadata=server.authority.pem)
    question = urllib.request.Request(url, headers=headers)  # noqa: S310
    await asyncio.to_thread(urllib.request.urlopen, question, context=tls, timeout=30)


REAL: dict[str, tuple[Callable[[], Any], Callable[..., Awaitable[None]], Callable[..., str]]] = {
    "Vault": (lambda: vaultserver.running("Vault"), ask_vault, VaultServer.token),
    "OpenBao": (lambda: vaultserver.running("OpenBao"), ask_vault, VaultServer.token),
    "oidc-provider": (oidcprovider.running, introspect, OidcProvider.token),
    "token server": (tokenserver.running, log_in, lambda _: PASSWORD),
    "distribution": (distribution.running, log_in_itself, lambda _: PASSWORD),
    "mock-oauth2-server": (lambda: mockoauth2.running({}), discover, lambda _: ""),
}


@pytest.mark.parametrize("name", REAL)
async def test_a_real_server_that_is_shown_another_s_token_is_found_and_its_own_is_lawful(
    tmp_path: Path, name: str
) -> None:
    running, ask, own = REAL[name]
    run, another = WholeRun(tmp_path), f"hvs.{secrets.token_urlsafe(30)}"
    with running() as server:
        of_it = own(server)
        if of_it:
            run.take(held(of_it))
            await ask(server, of_it)
            run.search("test_some")
            assert run.swept["searched_bytes"], "it was heard"
            assert run.swept["found"] == []
        run.take(held(another))
        await ask(server, another)
    run.search("test_some")
    assert {hit.split(": ")[1] for hit in run.swept["found"]} == {"servers"}
