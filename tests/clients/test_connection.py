"""One connection against a peer that speaks byte for byte what the test says."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawserver import ASK, Peer, RawServer, answer, pool_to, whole
from tokencheck.clients.kube.connection import BrokenError

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def answers_of(*parts: bytes, close: bool = False, times: int = 1) -> list[tuple[int, bytes]]:
    """What comes of `times` requests to a peer that answers each with `parts`."""

    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.say(*parts)
            if close:
                return

    async with RawServer(script) as server:
        pool = pool_to(server)
        try:
            return [await whole(pool) for _ in range(times)]
        finally:
            await pool.close()


@pytest.mark.parametrize(
    ("parts", "close", "body"),
    [
        ([answer(b"{}")], False, b"{}"),
        ([answer(b"")], False, b""),
        ([CHUNKED, b"2\r\n{}\r\n0\r\n\r\n"], False, b"{}"),
        ([CHUNKED, b"1\r\n{\r\n1\r\n}\r\n0\r\nDate: later\r\n\r\n"], False, b"{}"),
        ([CHUNKED, b"1;why=not\r\n{\r\n1\r\n}\r\n0\r\n\r\n"], False, b"{}"),
        ([b"HTTP/1.1 200 OK\r\n\r\n", b"{", b"}"], True, b"{}"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", answer(b"{}")], False, b"{}"),
        ([b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(b"{}")], False, b"{}"),
        ([b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"], True, b"{}"),
    ],
    ids=[
        "length",
        "no body",
        "chunks",
        "chunks and trailers",
        "chunk extensions",
        "until the end",
        "after 100",
        "after 103 at once",
        "HTTP/1.0",
    ],
)
async def test_a_body_is_whole_however_it_is_framed(
    parts: list[bytes], close: bool, body: bytes
) -> None:
    assert await answers_of(*parts, close=close) == [(200, body)]


async def test_no_content_has_no_body_and_the_connection_goes_on() -> None:
    found = await answers_of(b"HTTP/1.1 204 No Content\r\n\r\n", times=2)
    assert found == [(204, b"")] * 2


@settings(max_examples=25)
@given(st.lists(st.integers(1, 200), max_size=12), st.booleans())
def test_an_answer_may_be_split_anywhere(cuts: list[int], chunked: bool) -> None:
    body = bytes(range(65, 91)) * 4
    sent = answer(body, "200 OK", "Date: now")
    if chunked:
        pieces = (body[start : start + 13] for start in range(0, len(body), 13))
        sent = CHUNKED + b"".join(b"d\r\n%b\r\n" % piece for piece in pieces) + b"0\r\n\r\n"
    places = sorted({0, *(cut for cut in cuts if cut < len(sent)), len(sent)})
    parts = [sent[a:b] for a, b in pairwise(places)]
    assert asyncio.run(answers_of(*parts, times=2)) == [(200, body)] * 2


@pytest.mark.parametrize(
    "said",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent Length: 2\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        CHUNKED + b"zz\r\n{}\r\n",
        CHUNKED + b"ffffffffffffffffff\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 12_000,
    ],
    ids=[
        "no HTTP",
        "TLS",
        "two lengths",
        "length and chunks",
        "negative length",
        "space in a name",
        "upgrade",
        "bad chunk",
        "huge chunk",
        "endless header",
        "endless head",
    ],
)
async def test_what_is_no_answer_breaks_the_connection(said: bytes) -> None:
    with pytest.raises(BrokenError):
        await answers_of(said)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
        CHUNKED + b"2\r\n{}\r\n",
    ],
    ids=["nothing", "part of the head", "part of the length", "no last chunk"],
)
async def test_an_answer_that_is_cut_is_never_taken_for_a_whole_one(said: bytes) -> None:
    with pytest.raises(BrokenError):
        await answers_of(said, close=True)


async def test_what_came_before_a_cut_can_be_read() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(CHUNKED, b"6\r\nfirst\n\r\n")
        peer.reset()

    async with RawServer(script) as server:
        pool = pool_to(server)
        async with pool.exchange(ASK, repeatable=True) as connection:
            await asyncio.sleep(0.05)  # so that the cut is known before anything is read
            assert await connection.read() == b"first\n"
            with pytest.raises(BrokenError):
                await connection.read()


async def test_a_reader_that_is_slow_makes_the_peer_wait() -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(40):
            await peer.say(b"x" * (1 << 20))
            sent += 1

    async with RawServer(script) as server:
        pool = pool_to(server)
        async with pool.exchange(ASK, repeatable=True) as connection:
            await asyncio.sleep(0.5)
            assert sent < 30  # the buffers of the kernel hold some of it
            got = 0
            while part := await connection.read():
                got += len(part)
        assert got == 40 << 20
