"""The second walls: what they stop has got through the first ones already."""

from __future__ import annotations

import asyncio
import gc
import socket
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

import httpcore
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from issuer import Issuer
from tokencheck.api.urls import Url, parse_place, parse_url
from tokencheck.clients.egress.addresses import checked_address
from tokencheck.clients.egress.client import Egress
from tokencheck.clients.egress.dial import Dial
from tokencheck.clients.egress.names import MAX_LOOKUPS, Names
from tokencheck.clients.egress.refused import Refused
from tokencheck.clients.egress.stream import GuardedStream, Limits
from tokencheck.model.asking import Destination, NoReply, Question
from tokencheck.model.reasons import Reason


class Wire(httpcore.AsyncNetworkStream):
    """A connection that ends in memory."""

    def __init__(self, peer: str = "9.9.9.9", coming: bytes = b"") -> None:
        self.peer = peer
        self.coming = coming
        self.sent = b""
        self.closed = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return self.coming

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        self.sent += buffer

    async def aclose(self) -> None:
        self.closed = True

    def get_extra_info(self, info: str) -> Any:
        return (self.peer, 443) if info == "server_addr" else None


class Sockets(httpcore.AsyncNetworkBackend):
    """Sockets whose connections all lead to one peer."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    async def connect_tcp(self, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        return self.wire


HOST = b"Host: login.example.com\r\n"
GET = b"GET /keys HTTP/1.1\r\n" + HOST + b"Accept: x\r\n\r\n"
HEAD = b"POST /introspect HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n"
BODY = b"token=abc"


def guarded(wire: Wire, *, send: bytes = GET, tls: bool = True, receive: int = 10) -> GuardedStream:
    return GuardedStream(wire, Limits(send=send, receive=receive), tls=tls)


@pytest.mark.parametrize(
    "parts", [(GET,), (GET[:9], GET[9:], b""), (HEAD, BODY), (HEAD + BODY[:1], BODY[1:])]
)
async def test_a_request_is_sent_as_it_was_meant(parts: tuple[bytes, ...]) -> None:
    wire = Wire()
    stream = guarded(wire, send=b"".join(parts))
    for part in parts:
        await stream.write(part)
    assert wire.sent == b"".join(parts)


@pytest.mark.parametrize(
    ("meant", "written"),
    [
        (GET, GET.replace(b"keys", b"admin")),
        (GET, GET.replace(b"login", b"other")),
        (GET, GET.replace(b"GET", b"POST")),
        (GET, GET.replace(HOST, b"X: y\r\n" + HOST)),
        (GET, GET + b"GET /admin HTTP/1.1\r\n" + HOST),
        (GET, GET[1:]),
        (HEAD + BODY, HEAD.replace(b"POST", b"GET") + BODY),
        (HEAD + BODY, HEAD.replace(b"introspect", b"token") + BODY),
        (HEAD + BODY, HEAD.replace(b"Content-Length: 9", b"Content-Length: 19") + BODY),
        (HEAD + BODY, HEAD + BODY.replace(b"token", b"other")),
        (HEAD + BODY, HEAD + BODY + b"&b=c"),
        (HEAD + BODY, BODY),
    ],
)
async def test_a_request_that_is_another_than_meant_is_not_sent(
    meant: bytes, written: bytes
) -> None:
    wire = Wire()
    with pytest.raises(Refused) as refused:
        await guarded(wire, send=meant).write(written)
    assert refused.value.reason is Reason.NOT_ASKED
    assert wire.sent == b""


async def test_nothing_is_sent_in_place_of_the_body_or_after_it() -> None:
    wire = Wire()
    stream = guarded(wire, send=HEAD + BODY)
    await stream.write(HEAD)
    for other in (b"token=xyz", BODY + b"&more", HEAD):
        with pytest.raises(Refused):
            await stream.write(other)
    await stream.write(BODY)
    for more in (BODY, HEAD, b"\n"):
        with pytest.raises(Refused):
            await stream.write(more)
    assert wire.sent == HEAD + BODY


async def test_nothing_is_sent_before_tls() -> None:
    wire = Wire()
    with pytest.raises(Refused) as refused:
        await guarded(wire, tls=False).write(GET)
    assert refused.value.reason is Reason.TLS_FAILED
    assert wire.sent == b""


async def test_what_comes_is_counted_over_all_reads() -> None:
    stream = guarded(Wire(coming=b"123456"))
    assert await stream.read(6) == b"123456"
    with pytest.raises(Refused) as refused:
        await stream.read(6)
    assert refused.value.reason is Reason.ANSWER_TOO_LARGE


@pytest.mark.parametrize("peer", ["169.254.169.254", "9.9.9.8", "::ffff:9.9.9.8", "::1"])
async def test_a_connection_that_leads_elsewhere_is_closed(peer: str) -> None:
    """A kernel, a sidecar or a fault of ours may connect to something else than was checked."""
    wire = Wire(peer=peer)
    dial = Dial(Names(), (), Limits(send=GET, receive=0), Sockets(wire))
    with pytest.raises(Refused) as refused:
        await dial.connect_tcp("9.9.9.9", 443)
    assert refused.value.reason is Reason.ADDRESS_FORBIDDEN
    assert wire.closed


async def test_a_connection_to_the_checked_address_is_taken() -> None:
    dial = Dial(Names(), (), Limits(send=GET, receive=0), Sockets(Wire()))
    assert isinstance(await dial.connect_tcp("9.9.9.9", 443), GuardedStream)


async def test_no_more_names_are_looked_up_at_a_time_than_threads_may_hang() -> None:
    names = Names()
    asked = (names.addresses("127.0.0.1", port) for port in range(1, MAX_LOOKUPS + 2))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert found[:-1] == [("127.0.0.1",)] * MAX_LOOKUPS
    assert isinstance(found[-1], Refused)
    assert found[-1].reason is Reason.DNS_FAILED
    assert await names.addresses("127.0.0.1", 443) == ("127.0.0.1",)


async def test_look_ups_that_are_given_up_leave_the_next_one_alone() -> None:
    names = Names()
    for _ in range(200):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await names.addresses("127.0.0.1", 443)
    assert await names.addresses("127.0.0.1", 443) == ("127.0.0.1",)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
@example(IPv6Address("2001:4860:4860::8888"))
@example(IPv4Address("169.254.169.254"))
def test_only_addresses_that_the_standard_library_too_calls_global_are_taken(
    address: IPv4Address | IPv6Address,
) -> None:
    taken = checked_address(str(address), ())
    if not isinstance(taken, str):
        assert taken.is_global
        assert not taken.is_multicast


@pytest.mark.parametrize("address", ["2600::1%lo", "2600::1%1", "fe80::1%eth0"])
def test_an_address_that_means_another_one_on_each_link_is_refused(address: str) -> None:
    assert checked_address(address, ()) == "scoped"


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_and_dialled_as_what_it_carries(address: IPv4Address) -> None:
    listed = (ip_network("10.0.0.0/8"),)
    assert checked_address(f"::ffff:{address}", listed) == checked_address(str(address), listed)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_sentence(text: str) -> None:
    for url in (text, f"https://{text}", f"https://v.test/{text}"):
        parsed = parse_url(url)
        if isinstance(parsed, Url):
            assert str(parsed).isascii()
            assert parse_url(str(parsed)) == parsed
        else:
            assert parsed.startswith("must ")


@given(st.from_regex(r"[a-z0-9.:\[\]x-]{1,40}", fullmatch=True))
def test_any_place_is_read_in_one_way(text: str) -> None:
    place = parse_place(text)
    if isinstance(place, Url):
        assert parse_place(place.place) == place


async def test_a_host_that_hangs_holds_four_requests_and_the_others_wait_for_their_turn() -> None:
    issuer = Issuer()
    await issuer.start()
    issuer.mode = "silent"
    url = parse_url(issuer.url)
    assert isinstance(url, Url)
    question = Question(
        destination=Destination(
            provider="login",
            places=frozenset([url.place]),
            cidrs=("127.0.0.0/8",),
            ca_bundle=issuer.authority.pem,
        ),
        url=url,
        deadline_s=2.0,
    )
    egress = Egress()
    try:
        asking = [asyncio.create_task(egress.ask(question)) for _ in range(7)]
        await asyncio.sleep(question.deadline_s - 1)
        assert sum(issuer.asked.values()) == 4
        answers = await asyncio.gather(*asking)
    finally:
        await issuer.stop()
    assert {answer.reason for answer in answers if isinstance(answer, NoReply)} == {
        Reason.TIMED_OUT
    }
    assert sum(issuer.asked.values()) == 7


async def test_a_server_that_says_nothing_in_the_handshake_leaves_no_connection_open() -> None:
    """Nobody but the garbage collector would find it, and files are scarce."""
    silent = socket.create_server(("127.0.0.1", 0))
    place = f"127.0.0.1:{silent.getsockname()[1]}"
    url = parse_place(place)
    assert isinstance(url, Url)
    there = Destination(provider="login", places=frozenset({place}), cidrs=("127.0.0.0/8",))
    gc.disable()
    try:
        answer = await Egress().ask(Question(destination=there, url=url, deadline_s=0.5))
        accepted, _ = silent.accept()
        accepted.settimeout(30)
        while await asyncio.to_thread(accepted.recv, 4096):
            pass  # what it says until it goes
    finally:
        gc.enable()
    accepted.close()
    silent.close()
    assert isinstance(answer, NoReply)
    assert answer.reason is Reason.TIMED_OUT
