"""Credentials and authorities that are renewed are used at once, and told while they fail."""

from __future__ import annotations

import ssl
from pathlib import Path

import aiohttp
import pytest
import yaml

from rawserver import Peer, RawServer, answer, certificate, kubeconfig
from tokencheck.clients.kube.credentials import Trouble
from tokencheck.clients.kube.reach import reach_of
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError

PODS = "/api/v1/namespaces/default/pods"
NAME = "api.test"


class Server:
    """Takes one token alone; keeps what it was shown."""

    def __init__(self) -> None:
        self.taken = "t0k3n"
        self.shown: list[str] = []

    async def __call__(self, peer: Peer) -> None:
        request = (await peer.request()).decode()
        (line,) = [one for one in request.split("\r\n") if one.startswith("Authorization")]
        self.shown.append(line.rpartition(" ")[2])
        status = "200 OK" if self.shown[-1] == self.taken else "401 Unauthorized"
        await peer.say(answer(b"{}", status, "Connection: close"))


def failing(transport: Transport) -> set[str]:
    return {trouble for trouble, words in transport.credentials.troubles.items() if words}


def told_to(transport: Transport) -> list[tuple[str, bool]]:
    """What is told of troubles from now on: which, and whether it begins."""
    told: list[tuple[str, bool]] = []
    transport.credentials.on_trouble = lambda which, words: told.append((str(which), bool(words)))
    return told


def names(folder: Path, server: RawServer, authority: Path) -> Path:
    """The kubeconfig says by which authority the server is known."""
    more = {"certificate-authority": str(authority), "tls-server-name": NAME}
    return kubeconfig(folder, server.url, **more)


async def test_an_authority_that_is_renewed_is_read_within_the_request_that_fails(
    tmp_path: Path,
) -> None:
    (tmp_path / "new").mkdir()
    old, new = certificate(tmp_path, NAME), certificate(tmp_path / "new", NAME)
    authority = tmp_path / "ca.crt"
    authority.write_bytes(old.read_bytes())
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(old)
    async with RawServer(Server(), tls=serving) as server:
        transport = await Transport.connect(kubeconfig=names(tmp_path, server, authority))
        assert (await transport.get(PODS)).status == 200
        told = told_to(transport)
        serving.load_cert_chain(new)
        authority.write_bytes(new.read_bytes())
        assert (await transport.get(PODS)).status == 200
        assert told == [("Untrusted", True), ("Untrusted", False)]
        assert not failing(transport)
        await transport.close()


async def test_a_certificate_that_stays_a_strangers_is_told_until_an_answer_comes(
    tmp_path: Path,
) -> None:
    (tmp_path / "new").mkdir()
    old, new = certificate(tmp_path, NAME), certificate(tmp_path / "new", NAME)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(old)
    async with RawServer(Server(), tls=serving) as server:
        transport = await Transport.connect(kubeconfig=names(tmp_path, server, old))
        assert (await transport.get(PODS)).status == 200
        serving.load_cert_chain(new)
        for _ in range(2):
            with pytest.raises(ClusterError, match="not trusted"):
                await transport.get(PODS)
        assert failing(transport) == {Trouble.UNTRUSTED}
        assert f"kubeconfig {tmp_path}" in transport.credentials.troubles["Untrusted"]
        serving.load_cert_chain(old)
        assert (await transport.get(PODS)).status == 200
        assert not failing(transport)
        await transport.close()


async def test_a_session_knows_the_server_by_the_name_that_the_kubeconfig_gives_it(
    tmp_path: Path,
) -> None:
    """Else Kopf could open no watch where a tunnel or a proxy leads to the server."""
    own = certificate(tmp_path, NAME)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(own)
    async with RawServer(Server(), tls=serving) as server:
        transport = await Transport.connect(kubeconfig=names(tmp_path, server, own))
        async with transport.session() as session, session.get(f"{server.url}{PODS}") as response:
            assert response.status == 200
        await transport.close()


async def test_a_session_that_cannot_trust_is_closed_so_that_another_is_asked_for(
    tmp_path: Path,
) -> None:
    """Kopf does so; else it would try for ever with the authority of its start."""
    own, other = certificate(tmp_path, NAME), certificate(tmp_path, "other.test")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(own)
    async with RawServer(Server(), tls=serving) as server:
        transport = await Transport.connect(kubeconfig=names(tmp_path, server, other))
        session = transport.session()
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(f"{server.url}{PODS}")
        assert session.closed
        await transport.close()


@pytest.mark.parametrize("text", ["", "a: [b", "kind: Config\n", "\xff\x00"])
async def test_what_cannot_be_read_any_more_leaves_what_was_read_in_use(
    tmp_path: Path, text: str
) -> None:
    taker = Server()
    async with RawServer(taker) as server:
        path = kubeconfig(tmp_path, server.url)
        transport = await Transport.connect(kubeconfig=path)
        told = told_to(transport)
        good = path.read_text()
        path.write_text(text, encoding="latin-1")
        taker.taken = "another"
        assert (await transport.get(PODS)).status == 401
        assert failing(transport) == {Trouble.UNREADABLE, Trouble.REFUSED}
        taker.taken = "t0k3n"  # it was refused for a moment, and what was read last is good
        assert (await transport.get(PODS)).status == 200
        assert failing(transport) == {Trouble.UNREADABLE}
        assert set(taker.shown) == {"t0k3n"}
        path.write_text(good)
        await transport.close()
    assert told == [("Unreadable", True), ("Refused", True), ("Refused", False)]


@pytest.mark.parametrize("text", ["", "\n", " \n"])
async def test_an_empty_token_is_none_that_is_sent(tmp_path: Path, text: str) -> None:
    taker = Server()
    async with RawServer(taker) as server:
        path = kubeconfig(tmp_path, server.url)
        token = tmp_path / "token"
        token.write_text("t0k3n\n")
        path.write_text(path.read_text().replace("token: t0k3n", f"tokenFile: {token}"))
        transport = await Transport.connect(kubeconfig=path)
        assert (await transport.get(PODS)).status == 200
        token.write_text(text)
        taker.taken = "another"
        assert (await transport.get(PODS)).status == 401
        assert failing(transport) == {Trouble.UNREADABLE, Trouble.REFUSED}
        assert set(taker.shown) == {"t0k3n"}
        await transport.close()


async def test_a_refused_token_is_told_until_the_server_takes_one(tmp_path: Path) -> None:
    taker = Server()
    async with RawServer(taker) as server:
        transport = await Transport.connect(kubeconfig=kubeconfig(tmp_path, server.url))
        told = told_to(transport)
        taker.taken = "another"
        for _ in range(3):
            assert (await transport.get(PODS)).status == 401
        assert "401" in transport.credentials.troubles["Refused"]
        taker.taken = "t0k3n"
        assert (await transport.get(PODS)).status == 200
        await transport.close()
    assert told == [("Refused", True), ("Refused", False)]


async def test_a_server_that_takes_a_token_every_other_time_is_told_once_a_minute(
    tmp_path: Path,
) -> None:
    """Two API servers with two ideas of who signs tokens: two lines for each request else."""
    taker = Server()
    async with RawServer(taker) as server:
        transport = await Transport.connect(kubeconfig=kubeconfig(tmp_path, server.url))
        told = told_to(transport)
        for taken in ("another", "t0k3n") * 5:
            taker.taken = taken
            await transport.get(PODS)
            assert failing(transport) == ({Trouble.REFUSED} if taken == "another" else set())
        await transport.close()
    assert told == [("Refused", True), ("Refused", False)]


@pytest.mark.parametrize("namespaces", [(), ("shop",)])
async def test_a_command_says_that_nobody_knows_who_asks(
    tmp_path: Path, namespaces: tuple[str, ...]
) -> None:
    taker = Server()
    taker.taken = "another"
    async with RawServer(taker) as server:
        transport = await Transport.connect(kubeconfig=kubeconfig(tmp_path, server.url))
        with pytest.raises(ClusterError, match="does not accept these credentials"):
            await reach_of(transport, namespaces)
        await transport.close()


async def test_a_token_that_was_renewed_in_time_is_told_by_nobody(tmp_path: Path) -> None:
    taker = Server()
    async with RawServer(taker) as server:
        path = kubeconfig(tmp_path, server.url)
        transport = await Transport.connect(kubeconfig=path)
        told = told_to(transport)
        taker.taken = "another"
        path.write_text(path.read_text().replace("t0k3n", "another"))
        assert (await transport.get(PODS)).status == 200
        assert taker.shown == ["t0k3n", "another"]
        await transport.close()
    assert not told


@pytest.mark.parametrize("server", ["https://other.test", None])
async def test_credentials_of_another_context_or_server_are_shown_to_nobody(
    tmp_path: Path, server: str | None
) -> None:
    """Whoever switches contexts in another window would hand one cluster's token to the other."""
    taker = Server()
    async with RawServer(taker) as here:
        path = kubeconfig(tmp_path, here.url)
        transport = await Transport.connect(kubeconfig=path)
        config = yaml.safe_load(path.read_text())
        config["users"].append({"name": "other", "user": {"token": "foreign"}})
        if server is None:
            config["contexts"].append({"name": "d", "context": {"cluster": "c", "user": "other"}})
            config["current-context"] = "d"
        else:
            config["contexts"][0]["context"]["user"] = "other"
            config["clusters"][0]["cluster"]["server"] = server
        path.write_text(yaml.safe_dump(config))
        taker.taken = "another"
        assert (await transport.get(PODS)).status == 401
        assert set(taker.shown) == {"t0k3n"}
        assert (transport.server, transport.credentials.context) == (here.url, "c")
        assert (Trouble.UNREADABLE in failing(transport)) is (server is not None)
        await transport.close()


PLUGIN = """#!/bin/sh
echo run >> "$0.runs"
sleep "$(cat "$0.takes")"
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
       "status": {"token": "'"$(cat "$0.token")"'"}}'
"""


async def test_a_plugin_that_takes_longer_than_a_request_is_run_once_and_heard(
    tmp_path: Path,
) -> None:
    """It opens a browser, say: each request that gave up would have left one behind."""
    taker = Server()
    plugin = tmp_path / "plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o700)
    takes, token, runs = (tmp_path / f"plugin.{name}" for name in ("takes", "token", "runs"))
    takes.write_text("0")
    token.write_text("t0k3n")
    async with RawServer(taker) as server:
        path = kubeconfig(tmp_path, server.url)
        config = yaml.safe_load(path.read_text())
        version = "client.authentication.k8s.io/v1"
        config["users"][0]["user"] = {"exec": {"apiVersion": version, "command": str(plugin)}}
        path.write_text(yaml.safe_dump(config))
        transport = await Transport.connect(kubeconfig=path)
        assert (await transport.get(PODS)).status == 200
        taker.taken = "another"
        token.write_text(taker.taken)
        takes.write_text("2")
        for _ in range(2):
            with pytest.raises(ClusterError, match="no answer"):
                await transport.get(PODS, timeout_s=0.2)
        assert (await transport.get(PODS)).status == 200
        assert not failing(transport)
        await transport.close()
    assert runs.read_text().split() == ["run", "run"]
