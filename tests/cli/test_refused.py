"""Whoever the API server does not know is told so, and not to ask for a right that he may have."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from loopthread import LoopThread
from rawserver import Peer, RawServer, answer, kubeconfig
from tokencheck.cli.main import root
from tokencheck.cli.watching import versions_of
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError

TOLD = "does not accept these credentials. Log in again, or name another --context."
COMMANDS = (
    "get",
    "explain checkout",
    "wait deploy/checkout --timeout 1m",
    "check checkout",
    "due",
    "providers",
    "init deploy/checkout",
    "hosts",
    "rbac",
    "audit",
    "doctor",
    "verify --secret shop/payments#token",
)


async def refuse(peer: Peer) -> None:
    while await peer.request():
        await peer.say(answer(b"{}", "401 Unauthorized"))


@pytest.mark.parametrize("typed", COMMANDS)
def test_each_command_says_that_the_credentials_are_not_accepted(
    tmp_path: Path, typed: str
) -> None:
    with LoopThread(RawServer(refuse)) as server:
        where = ["--kubeconfig", str(kubeconfig(tmp_path, server.inner.url))]
        result = CliRunner().invoke(root, [*typed.split(), *where])
    assert isinstance(result.exception, ClusterError), result.output
    assert str(result.exception) == f"{server.inner.url} {TOLD}"


async def test_who_waits_is_told_when_his_credentials_end_and_does_not_wait_on(
    tmp_path: Path,
) -> None:
    taken = True

    async def script(peer: Peer) -> None:
        nonlocal taken
        while request := await peer.request():
            check = {"metadata": {"name": "checkout", "resourceVersion": "5"}}
            watch = b"watch=1" in request
            said = answer(b"" if watch else json.dumps(check).encode())
            said = said if taken else answer(b"{}", "401 Unauthorized")
            taken = not watch and taken  # they end while nothing happens
            await peer.say(said)

    async with RawServer(script) as server, asyncio.timeout(20):
        transport = await Transport.connect(kubeconfig=kubeconfig(tmp_path, server.url))
        with pytest.raises(ClusterError):
            async for _ in versions_of(transport, "shop", "checkout"):
                pass
        await transport.close()
