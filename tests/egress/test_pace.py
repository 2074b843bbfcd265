"""No host is asked faster than it bears, and what we hold back ourselves is nobody's fault."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from issuer import Issuer
from tlsserver import Asked, Said
from tokencheck.api.urls import Url, parse_url
from tokencheck.clients.egress.client import AT_ONCE, PER_HOST, PER_SECOND, Egress
from tokencheck.model.asking import Destination, NoReply, Question, Reply
from tokencheck.model.reasons import Reason

LATE_S = 0.3  # a request that waited its turn may come to the server so much later


class Timed(Issuer):
    """Notes when it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    def answer(self, asked: Asked) -> Said | None:
        self.at.append(time.monotonic())
        return super().answer(asked)


class Slow(Issuer):
    """Takes its time for each answer."""

    takes_s = 0.6

    async def _asked(self, reader: asyncio.StreamReader) -> Asked:
        asked = await super()._asked(reader)
        await asyncio.sleep(self.takes_s)
        return asked


@pytest.fixture
async def server() -> AsyncIterator[Timed]:
    async with Timed() as running:
        yield running


def question(server: Issuer) -> Question:
    url = parse_url(server.url)
    assert isinstance(url, Url)
    return Question(
        destination=Destination(
            provider="login",
            places=frozenset([url.place]),
            cidrs=("127.0.0.0/8",),
            ca_bundle=server.authority.pem,
        ),
        url=url,
    )


async def test_a_host_is_asked_twenty_times_at_once_and_then_ten_times_a_second(
    server: Timed,
) -> None:
    """However many ask, and whoever they are: here two providers, and keys beside tokens."""
    one = question(server)
    other = replace(one, destination=replace(one.destination, provider="other"))
    egress = Egress()
    answers = await asyncio.gather(*(egress.ask(ask) for ask in (one, other) * 20))
    assert all(isinstance(answer, Reply) for answer in answers)
    assert len(server.at) == 40
    for first, began in enumerate(server.at):
        for count, at in enumerate(server.at[first:], 1):
            assert count <= AT_ONCE + PER_SECOND * (at - began + LATE_S)


async def test_a_host_that_is_asked_at_once_waits_for_no_other(server: Timed) -> None:
    egress = Egress(per_second=0.1, at_once=1)
    await egress.ask(question(server))
    waiting = asyncio.create_task(egress.ask(question(server)))
    async with Timed() as other:
        assert isinstance(await egress.ask(question(other)), Reply)
    assert not waiting.done()
    waiting.cancel()
    assert len(server.at) == 1


async def test_what_we_wait_ourselves_is_not_taken_from_the_time_of_the_other_side(
    server: Timed,
) -> None:
    egress = Egress(per_second=0.5, at_once=1)
    ask = replace(question(server), deadline_s=1.5)
    answers = await asyncio.gather(egress.ask(ask), egress.ask(ask))
    assert all(isinstance(answer, Reply) for answer in answers)
    assert server.at[1] - server.at[0] > ask.deadline_s


async def test_what_others_take_to_be_answered_is_not_taken_from_one_s_own_time() -> None:
    """Four connections are for all that ask the host: the fifth waits for the first to end."""
    async with Slow() as server:
        ask = replace(question(server), deadline_s=Slow.takes_s * 1.5)
        egress = Egress()
        answers = await asyncio.gather(*(egress.ask(ask) for _ in range(3 * PER_HOST)))
    assert all(isinstance(answer, Reply) for answer in answers)


async def test_who_would_wait_for_too_long_is_told_so_at_once_and_nobody_is_blamed(
    server: Timed,
) -> None:
    egress = Egress(per_second=0.01, at_once=1)
    await egress.ask(question(server))
    answer = await egress.ask(question(server))
    assert isinstance(answer, NoReply)
    assert (answer.reason, answer.crowded) == (Reason.NOT_ASKED, True)
    assert server.connections == 1
