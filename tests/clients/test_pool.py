"""Kept connections: when one is used again, and when it never is."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import time
import weakref
from asyncio.sslproto import SSLProtocol
from pathlib import Path

import pytest

from rawserver import ASK, Peer, RawServer, answer, certificate, pool_to, whole
from tokencheck.clients.kube.connection import BrokenError, Connection
from tokencheck.clients.kube.pool import Address, Pool, UnreachableError


async def polite(peer: Peer) -> None:
    """Answer every request."""
    while await peer.request():
        await peer.say(answer())


async def once(peer: Peer) -> None:
    """Answer one request, then close."""
    await peer.request()
    await peer.say(answer())


async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with RawServer(polite) as server:
        pool = pool_to(server)
        for _ in range(5):
            assert await whole(pool) == (200, b"{}")
        assert server.connections == 1
        await pool.close()


async def test_no_two_requests_are_ever_on_one_connection() -> None:
    busy = overlaps = 0

    async def script(peer: Peer) -> None:
        nonlocal busy, overlaps
        while await peer.request():
            ahead = asyncio.ensure_future(peer.request())
            await asyncio.sleep(0.01)
            overlaps += ahead.done()
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)
            await peer.say(answer())

    async with RawServer(script) as server:
        pool = pool_to(server, size=3)
        found = await asyncio.gather(*(whole(pool) for _ in range(12)))
        assert found == [(200, b"{}")] * 12
        assert not overlaps
        assert server.connections == 3
        await pool.close()


async def test_a_closed_connection_is_gone_without_a_collection(tmp_path: Path) -> None:
    """One of TLS holds 256 KiB, and a collection of what has lived for long may be hours away."""
    made = certificate(tmp_path, "api.test")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made)
    tls = ssl.create_default_context(cafile=str(made))
    async with RawServer(polite, tls=serving) as server:
        at = Address(host="127.0.0.1", port=server.port, tls=tls, server_name="api.test")
        pool = Pool(at, size=1)
        gc.collect()
        gc.disable()
        try:
            assert await whole(pool) == (200, b"{}")
            ours = [_tls_of(one) for one in gc.get_objects() if isinstance(one, Connection)]
            assert len(ours) == 1
            await pool.close()
            await asyncio.sleep(0.1)
            assert not [one for one in gc.get_objects() if isinstance(one, Connection)]
            assert ours[0]() is None
        finally:
            gc.enable()


def _tls_of(connection: Connection) -> weakref.ref[SSLProtocol]:
    """The loop's own half of a connection over TLS, which has the buffers."""
    about = gc.get_referents(*gc.get_referents(connection.__dict__), connection.__dict__)
    found = [one for one in gc.get_referents(*about) if isinstance(one, SSLProtocol)]
    return weakref.ref(found[0])


async def test_connections_that_a_peak_has_opened_are_closed_once_they_have_rested() -> None:
    """Also while another one is always at work: each keeps a quarter of a megabyte."""
    ended = 0
    together = asyncio.Barrier(4)

    async def script(peer: Peer) -> None:
        nonlocal ended
        await peer.request()
        await together.wait()  # so that each of the first four has a connection of its own
        await peer.say(answer())
        await polite(peer)
        ended += 1

    async with RawServer(script) as server:
        pool = Pool(Address(host="127.0.0.1", port=server.port), size=4, rest_s=0.3)
        await asyncio.gather(*(whole(pool) for _ in range(4)))
        assert server.connections == 4
        async with asyncio.timeout(10):
            while ended < 3:
                assert await whole(pool) == (200, b"{}")
                await asyncio.sleep(0.02)
        assert (server.connections, ended) == (4, 3)
        await pool.close()


async def test_a_kept_connection_that_the_server_closed_is_not_used_again() -> None:
    async with RawServer(once) as server:
        pool = pool_to(server)
        for _ in range(3):
            assert await whole(pool) == (200, b"{}")
            await asyncio.sleep(0.05)  # the end arrives
        assert server.connections == 3
        await pool.close()


async def deaf(peer: Peer) -> None:
    """Answer one request, read the next and break without a byte."""
    await peer.request()
    await peer.say(answer())
    await peer.request()
    peer.reset()


async def test_a_read_is_sent_again_when_its_kept_connection_was_dead() -> None:
    async with RawServer(deaf, polite) as server:
        pool = pool_to(server)
        await whole(pool)
        assert await whole(pool, repeatable=True) == (200, b"{}")
        assert server.connections == 2
        await pool.close()


async def test_a_write_is_never_sent_twice() -> None:
    async with RawServer(deaf, polite) as server:
        pool = pool_to(server)
        await whole(pool)
        with pytest.raises(BrokenError):
            await whole(pool, repeatable=False)
        assert server.connections == 1
        await pool.close()


async def test_a_read_on_a_new_connection_is_not_sent_again() -> None:
    async def rude(peer: Peer) -> None:
        await peer.request()
        peer.reset()

    async with RawServer(rude) as server:
        with pytest.raises(BrokenError):
            await whole(pool_to(server), repeatable=True)
        assert server.connections == 1


async def test_a_read_whose_answer_had_begun_is_not_sent_again() -> None:
    async def half(peer: Peer) -> None:
        await peer.request()
        await peer.say(answer())
        await peer.request()
        await peer.say(b"HTTP/1.1 20")
        peer.reset()

    async with RawServer(half, polite) as server:
        pool = pool_to(server)
        await whole(pool)
        with pytest.raises(BrokenError):
            await whole(pool, repeatable=True)
        await pool.close()


async def test_a_request_that_is_given_up_drops_its_connection() -> None:
    gone = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.request()
        await peer.gone()
        gone.set()

    async with RawServer(slow, polite) as server:
        pool = pool_to(server, size=1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await whole(pool)
        async with asyncio.timeout(10):
            await gone.wait()
        assert await whole(pool) == (200, b"{}")  # its place is free again, nothing is left over
        await pool.close()


async def test_a_body_that_is_not_read_to_its_end_drops_its_connection() -> None:
    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
        await peer.gone()

    async with RawServer(endless, polite) as server:
        pool = pool_to(server)
        async with pool.exchange(ASK, repeatable=True) as connection:
            assert await connection.read() == b"{"
        assert await whole(pool) == (200, b"{}")
        assert server.connections == 2
        await pool.close()


@pytest.mark.parametrize(
    "said",
    [
        answer() + answer(b'{"not": "asked for"}'),
        answer() + b"rest",
        answer(b"{}", "200 OK", "Connection: close"),
        answer(b"{}", "200 OK", "Connection: close") + answer(b"evil"),
    ],
    ids=["a second answer", "rubbish", "the peer will close", "more after the end"],
)
async def test_what_follows_an_answer_is_never_taken_for_the_next(said: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(said)
        await peer.gone()

    async with RawServer(script, polite) as server:
        pool = pool_to(server)
        assert await whole(pool) == (200, b"{}")
        assert await whole(pool) == (200, b"{}")
        assert server.connections == 2
        await pool.close()


async def test_what_comes_unasked_ends_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(answer())
        await peer.say(answer(b'{"late": "answer"}'))
        await peer.gone()

    async with RawServer(script, polite) as server:
        pool = pool_to(server)
        assert await whole(pool) == (200, b"{}")
        await asyncio.sleep(0.05)
        assert await whole(pool) == (200, b"{}")
        assert server.connections == 2
        await pool.close()


async def test_nobody_listens_is_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        pool = Pool(Address(host="127.0.0.1", port=free.getsockname()[1]), size=1)
        with pytest.raises(UnreachableError):
            await whole(pool)


async def test_a_peer_that_never_finishes_its_handshake_is_unreachable() -> None:
    async def mute(peer: Peer) -> None:
        await peer.gone()

    async with RawServer(mute) as server:
        tls = ssl.create_default_context()
        pool = Pool(Address(host="127.0.0.1", port=server.port, tls=tls), size=1)
        started = time.monotonic()
        with pytest.raises(UnreachableError):
            async with pool.exchange(ASK, repeatable=True):
                pass
        assert time.monotonic() - started >= 4


async def test_closing_breaks_what_is_under_way() -> None:
    asked = asyncio.Event()

    async def mute(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await peer.gone()

    async with RawServer(mute) as server:
        pool = pool_to(server)
        asking = asyncio.create_task(whole(pool))
        await asked.wait()
        await pool.close()
        with pytest.raises(BrokenError):
            await asking


async def test_a_server_is_believed_by_its_certificate_alone(tmp_path: Path) -> None:
    ours, other = certificate(tmp_path, "api.test"), certificate(tmp_path, "other.test")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(ours)
    async with RawServer(polite, tls=serving) as server:

        def pool(ca: Path, name: str | None) -> Pool:
            tls = ssl.create_default_context(cafile=str(ca))
            at = Address(host="127.0.0.1", port=server.port, tls=tls, server_name=name)
            return Pool(at, size=1)

        good = pool(ours, "api.test")
        assert await whole(good) == (200, b"{}")
        await good.close()
        for ca, name in ((ours, None), (ours, "other.test"), (other, "api.test")):
            with pytest.raises(ssl.SSLCertVerificationError):
                await whole(pool(ca, name))


async def test_a_renewed_certificate_is_used_for_the_next_request(tmp_path: Path) -> None:
    first, second = certificate(tmp_path, "api.test"), certificate(tmp_path, "api2.test")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(first)
    async with RawServer(polite, tls=serving) as server:

        def address(ca: Path, name: str) -> Address:
            tls = ssl.create_default_context(cafile=str(ca))
            return Address(host="127.0.0.1", port=server.port, tls=tls, server_name=name)

        pool = Pool(address(first, "api.test"), size=1)
        await whole(pool)
        serving.load_cert_chain(second)
        pool.renew(address(second, "api2.test"))
        assert await whole(pool) == (200, b"{}")
        assert server.connections == 2
        await pool.close()


async def test_a_connection_that_was_in_use_when_certificates_were_renewed_is_not_used_again() -> (
    None
):
    """The server knows us by the old one on it for as long as it is open."""
    async with RawServer(polite) as server:
        pool = pool_to(server)
        async with pool.exchange(ASK, repeatable=False) as connection:
            pool.renew(Address(host="127.0.0.1", port=server.port))
            while await connection.read():
                pass
        assert await whole(pool) == (200, b"{}")
        assert server.connections == 2
        assert await whole(pool) == (200, b"{}")
        assert server.connections == 2
        await pool.close()
