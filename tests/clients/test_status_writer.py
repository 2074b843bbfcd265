"""What the log says of statuses that the API server takes or does not take."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rawserver import Peer, RawServer, answer, kubeconfig
from tokencheck.clients.kube.status import StatusWriter
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.keys import Key
from tokencheck.model.ports import WriteResult

WRITTEN = json.dumps({"metadata": {"uid": "u", "resourceVersion": "2"}}).encode()


class Server:
    """Takes all statuses, or throttles who sends them; counts both."""

    def __init__(self) -> None:
        self.retry_after = ""
        self.throttled = 0

    async def __call__(self, peer: Peer) -> None:
        while await peer.request():
            if self.retry_after:
                self.throttled += 1
                again = f"Retry-After: {self.retry_after}"
                await peer.say(answer(b"{}", "429 Too Many Requests", again))
            else:
                await peer.say(answer(WRITTEN))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def transport(server: Server, tmp_path: Path) -> AsyncIterator[Transport]:
    async with RawServer(server) as raw:
        made = await Transport.connect(kubeconfig=kubeconfig(tmp_path, raw.url))
        yield made
        await made.close()


async def write(writer: StatusWriter, name: str) -> WriteResult:
    key = Key("TokenCheck", "shop", name)
    return (await writer.write(key, uid="u", resource_version="1", status={"a": "b"}))[0]


def told(caplog: pytest.LogCaptureFixture) -> list[int]:
    """The levels of what was told."""
    return [one.levelno for one in caplog.records if one.name.endswith("kube.status")]


async def test_that_statuses_are_throttled_is_told_when_it_begins_and_when_it_ends(
    server: Server, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    """Each of ten thousand checks tries again and again; metrics count them all."""
    caplog.set_level(logging.INFO)
    writer = StatusWriter(transport)
    server.retry_after = "0"
    for number in range(5):
        assert await write(writer, f"c{number}") is WriteResult.FAILED
    assert told(caplog) == [logging.WARNING]
    assert "shop/c0" in caplog.text
    counted = sum(n for (*_, code), n in transport.requests.items() if code == "429")
    assert counted == server.throttled > 5
    server.retry_after = ""
    for number in range(5):
        assert await write(writer, f"c{number}") is WriteResult.WRITTEN
    assert told(caplog) == [logging.WARNING, logging.INFO]


async def test_throttling_that_comes_and_goes_is_told_once_in_a_while(
    server: Server, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    writer = StatusWriter(transport)
    for _ in range(3):
        server.retry_after = "0"
        assert await write(writer, "c") is WriteResult.FAILED
        server.retry_after = ""
        assert await write(writer, "c") is WriteResult.WRITTEN
    assert told(caplog) == [logging.WARNING, logging.INFO]


async def test_a_server_that_wants_to_be_left_alone_for_long_is_told_of_once(
    server: Server, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is sent meanwhile: each write ends at once."""
    caplog.set_level(logging.INFO)
    writer = StatusWriter(transport)
    server.retry_after = "30"
    for number in range(5):
        assert await write(writer, f"c{number}") is WriteResult.FAILED
    assert server.throttled == 1
    assert told(caplog) == [logging.WARNING]
