"""What goes over the wire, straight and through a proxy, and how what comes back is told."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rawserver import Peer, RawServer, Script, answer, certificate, kubeconfig
from tokencheck.clients.kube.answers import MAX_LINE_BYTES, StalledError
from tokencheck.clients.kube.road import Request, encoded
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError

PATH = "/api/v1/namespaces/shop/secrets/payments"
STATUS = "/apis/tokencheck.dev/v1alpha1/namespaces/shop/tokenchecks/checkout/status"


class Told:
    """A polite server that keeps what it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.requests: list[bytes] = []
        self._answers = list(answers) or [answer()]

    async def __call__(self, peer: Peer) -> None:
        while request := await peer.request():
            self.requests.append(request)
            await peer.say(self._answers[0])
            del self._answers[: len(self._answers) > 1]


async def connect(folder: Path, url: str, **cluster: Any) -> Transport:
    return await Transport.connect(kubeconfig=kubeconfig(folder, url, **cluster))


async def test_a_read_is_one_short_request(tmp_path: Path) -> None:
    told = Told()
    async with RawServer(told) as server:
        transport = await connect(tmp_path, server.url)
        await transport.get(PATH, {"resourceVersion": "12", "limit": "5 0"})
        await transport.close()
    head = told.requests[0].decode().split("\r\n")
    assert head[0] == f"GET {PATH}?resourceVersion=12&limit=5+0 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in head
    assert "Authorization: Bearer t0k3n" in head
    assert "Accept-Encoding: identity" in head
    assert not any(line.lower().startswith("content-length") for line in head)


async def test_a_write_carries_its_body_with_its_length_and_type(tmp_path: Path) -> None:
    told = Told()
    async with RawServer(told) as server:
        transport = await connect(tmp_path, server.url)
        await transport.patch(STATUS, {"status": {"note": "geprüft"}})
        await transport.close()
    head, _, body = told.requests[0].partition(b"\r\n\r\n")
    assert body == '{"status":{"note":"geprüft"}}'.encode()
    assert b"\r\nContent-Length: %d" % len(body) in head
    assert b"\r\nContent-Type: application/merge-patch+json\r\n" in head


async def test_a_server_below_a_path_is_asked_there(tmp_path: Path) -> None:
    told = Told()
    async with RawServer(told) as server:
        transport = await connect(tmp_path, f"{server.url}/k8s/clusters/c-1/")
        await transport.get(PATH)
        await transport.close()
    assert told.requests[0].startswith(f"GET /k8s/clusters/c-1{PATH} HTTP".encode())


async def test_a_server_has_the_name_that_the_kubeconfig_gives_it(tmp_path: Path) -> None:
    made = certificate(tmp_path, "api.test")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made)
    told = Told()
    async with RawServer(told, tls=serving) as server:
        trusted: dict[str, Any] = {"certificate-authority": str(made)}
        good = await connect(tmp_path, server.url, **trusted, **{"tls-server-name": "api.test"})
        assert (await good.get(PATH)).status == 200
        await good.close()
        other = await connect(tmp_path, server.url, **trusted)
        with pytest.raises(ClusterError, match="certificate of the API server is not trusted"):
            await other.get(PATH)
        await other.close()
    assert len(told.requests) == 1


WIRE = re.compile(rb"[A-Z]+ [^ \r\n\0]+ HTTP/1\.1(\r\n[^\r\n\0:]+: [^\r\n\0]*)+\r\n\r\n", re.DOTALL)


@given(st.text(max_size=20), st.text(max_size=20))
def test_nothing_breaks_out_of_its_line(target: str, value: str) -> None:
    request = Request(method="GET", target=f"/{target}", headers={"Authorization": value})
    try:
        sent = encoded(request, host="api")
    except ValueError:
        return
    assert WIRE.fullmatch(sent)
    assert sent.count(b"\r\n") == 4


@pytest.mark.parametrize("token", ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "☃"])
async def test_credentials_that_no_header_can_hold_are_not_sent(tmp_path: Path, token: str) -> None:
    told = Told()
    async with RawServer(told) as server:
        transport = await connect(tmp_path, server.url)
        path = tmp_path / "kubeconfig"
        path.write_text(path.read_text().replace("t0k3n", yaml.safe_dump(token, width=999)[:-1]))
        config = yaml.safe_load(path.read_text())
        config["users"][0]["user"]["token"] = token
        path.write_text(yaml.safe_dump(config))
        await transport.close()
        transport = await Transport.connect(kubeconfig=path)
        with pytest.raises(ClusterError, match="credentials") as caught:
            await transport.get(PATH)
        assert token not in str(caught.value)
        await transport.close()
    assert not told.requests


async def test_a_body_without_end_is_given_up(tmp_path: Path) -> None:
    async def slow(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
        await peer.gone()

    async with RawServer(slow) as server:
        transport = await connect(tmp_path, server.url)
        with pytest.raises(ClusterError, match=r"no answer within 0\.2 s"):
            await transport.get(PATH, timeout_s=0.2)
        await transport.close()


async def lines(transport: Transport, silent_s: float = 5.0) -> list[bytes]:
    stream = transport.stream("/api/v1/pods", {"watch": "1"}, accept="x/y", silent_s=silent_s)
    async with aclosing(stream):
        return [line async for line in stream]


async def test_lines_of_a_stream_are_whole_however_they_come(tmp_path: Path) -> None:
    parts = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
    parts += [b"%x\r\n%b\r\n" % (len(p), p) for p in (b"on", b"e\ntwo\n\nth", b"ree", b"\n")]

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(*parts, b"0\r\n\r\n")

    async with RawServer(script) as server:
        transport = await connect(tmp_path, server.url)
        assert await lines(transport) == [b"one", b"two", b"three"]
        await transport.close()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["before", "after"])
async def test_a_stream_that_falls_silent_is_stalled(tmp_path: Path, head: bytes) -> None:
    async def mute(peer: Peer) -> None:
        await peer.request()
        await peer.say(head)
        await peer.gone()

    async with RawServer(mute) as server:
        transport = await connect(tmp_path, server.url)
        with pytest.raises(StalledError):
            await lines(transport, silent_s=0.2)
        await transport.close()


async def test_a_stream_may_last_longer_than_it_may_be_silent(tmp_path: Path) -> None:
    async def steady(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(12):
            await peer.say(b"tick\n")
            await asyncio.sleep(0.1)

    async with RawServer(steady) as server:
        transport = await connect(tmp_path, server.url)
        assert await lines(transport, silent_s=1.0) == [b"tick"] * 12
        await transport.close()


async def test_a_line_without_end_is_given_up(tmp_path: Path) -> None:
    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await peer.say(b"x" * (1 << 20))

    async with RawServer(endless) as server:
        transport = await connect(tmp_path, server.url)
        with pytest.raises(ClusterError, match=str(MAX_LINE_BYTES)):
            await lines(transport)
        await transport.close()


async def test_a_stream_that_breaks_is_an_error_in_our_words(tmp_path: Path) -> None:
    async def cut(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n")
        peer.reset()

    async with RawServer(cut) as server:
        transport = await connect(tmp_path, server.url)
        with pytest.raises(ClusterError, match="the connection broke"):
            await lines(transport)
        await transport.close()


# Through a proxy


def tunnel(told: list[bytes]) -> Script:
    """A proxy that connects to whatever it is asked for."""

    async def script(peer: Peer) -> None:
        head = await peer.request()
        told.append(head)
        host, _, port = head.split()[1].decode().rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await peer.join(reader, writer)

    return script


@pytest.mark.parametrize("by", ["kubeconfig", "environment"])
async def test_a_proxy_is_used_where_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    made = certificate(tmp_path, "localhost")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made)
    asked: list[bytes] = []
    told = Told(
        answer(b"{}", "429 Too Many Requests", "Retry-After: 0"),
        answer(b'{"a": 1}', "200 OK", "Date: Thu, 26 Nov 2026 12:00:00 GMT"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\none\ntwo\n\r\n0\r\n\r\n",
    )
    async with RawServer(told, tls=serving) as server, RawServer(tunnel(asked)) as proxy:
        cluster: dict[str, Any] = {"certificate-authority": str(made)}
        if by == "kubeconfig":
            cluster["proxy-url"] = proxy.url
        else:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        transport = await connect(tmp_path, f"https://localhost:{server.port}", **cluster)
        found = await transport.get(PATH)
        assert (found.status, found.body) == (200, b'{"a": 1}')
        assert found.server_time is not None
        assert await lines(transport) == [b"one", b"two"]
        before = len(asked)
        url = f"https://localhost:{server.port}{PATH}"
        async with transport.session() as session, session.get(url) as response:
            assert response.status == 200
        assert len(asked) == before + 1, "what Kopf asks goes the same way"
        await transport.close()
    assert asked
    assert all(head.startswith(f"CONNECT localhost:{server.port} ".encode()) for head in asked)
    assert all(b"Authorization: Bearer t0k3n" in request for request in told.requests)


async def test_a_proxy_of_the_environment_is_passed_by_where_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    told = Told()
    async with RawServer(told) as server:
        transport = await connect(tmp_path, server.url)
        assert (await transport.get(PATH)).status == 200
        await transport.close()


async def test_a_proxy_that_refuses_is_an_error_in_our_words(tmp_path: Path) -> None:
    async def refuse(peer: Peer) -> None:
        await peer.request()
        await peer.say(answer(b"words of a stranger", "403 Forbidden"))

    async with RawServer(refuse) as proxy:
        cluster: dict[str, Any] = {"proxy-url": proxy.url, "insecure-skip-tls-verify": True}
        transport = await connect(tmp_path, "https://api.test:6443", **cluster)
        with pytest.raises(ClusterError) as caught:
            await transport.get(PATH)
        assert "stranger" not in str(caught.value)
        await transport.close()
