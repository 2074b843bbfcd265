"""What Kopf sees of lists and watches when what we know is left out."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rawserver import Peer, RawServer, kubeconfig
from tokencheck.clients.kube.decode import Identity
from tokencheck.clients.kube.echoes import Known
from tokencheck.clients.kube.transport import Transport

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHECKS = "/apis/tokencheck.dev/v1alpha1/tokenchecks"


def line(kind: str, version: int, name: str = "checkout") -> bytes:
    meta = {"name": name, "namespace": "shop", "uid": "u", "resourceVersion": str(version)}
    return json.dumps({"type": kind, "object": {"metadata": meta}}).encode() + b"\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def page(*versions: int, **metadata: str) -> dict[str, Any]:
    """A page of a list of TokenChecks."""
    items = [json.loads(line("", version))["object"] | {"spec": {}} for version in versions]
    head = {"kind": "TokenCheckList", "apiVersion": "tokencheck.dev/v1alpha1"}
    return head | {"metadata": {"resourceVersion": "9", **metadata}, "items": items}


async def listed(folder: Path, known: Known | None, body: bytes, path: str = CHECKS) -> bytes:
    """What a reader like Kopf gets of a list."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(HEAD, chunk(body), b"0\r\n\r\n")

    async with RawServer(script) as server:
        transport = await Transport.connect(kubeconfig=kubeconfig(folder, server.url))
        url = f"{server.url}{path}?limit=500"
        async with transport.session(known=known) as session, session.get(url) as response:
            found = await response.read()
        await transport.close()
        return found


async def test_of_a_list_only_what_is_not_known_comes_with_where_it_stands(tmp_path: Path) -> None:
    body = json.dumps(page(3, 8, 7, 9, **{"continue": "there"})).encode()
    found = json.loads(await listed(tmp_path, up_to_7, body))
    assert found == page(8, 9, **{"continue": "there"})


async def test_of_a_list_all_comes_that_is_being_written(tmp_path: Path) -> None:
    body = json.dumps(page(3, 8)).encode()
    assert json.loads(await listed(tmp_path, lambda _: None, body)) == page(3, 8)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"no JSON", CHECKS),
        (b'{"kind": "Status", "code": 410}', CHECKS),
        (json.dumps(page() | {"items": None}).encode(), CHECKS),
        (json.dumps(page(7)).encode(), "/apis/tokencheck.dev/v1alpha1/tokenproviders"),
    ],
    ids=["no JSON", "a status", "no items", "another kind"],
)
async def test_other_lists_come_as_they_were(tmp_path: Path, body: bytes, path: str) -> None:
    assert await listed(tmp_path, up_to_7, body, path) == body


async def read(folder: Path, known: Known | None, *parts: bytes, path: str = CHECKS) -> bytes:
    """All that a reader like Kopf gets of a stream of these parts."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(HEAD, *(chunk(part) for part in parts), b"0\r\n\r\n")

    async with RawServer(script) as server:
        transport = await Transport.connect(kubeconfig=kubeconfig(folder, server.url))
        url = f"{server.url}{path}?watch=true"
        async with transport.session(known=known) as session, session.get(url) as response:
            data = b""
            async for part in response.content.iter_chunked(1 << 20):
                data += part
        await transport.close()
        return data


def up_to_7(meta: Identity) -> bool:
    return meta.version <= 7


async def test_a_known_change_is_left_out_and_all_else_comes_as_it_was(tmp_path: Path) -> None:
    lines = [
        line("ADDED", 5),
        line("MODIFIED", 7),
        line("MODIFIED", 8),
        line("BOOKMARK", 6),
        line("DELETED", 7),
        b'{"type": "ERROR", "object": {"code": 410}}\n',
        b"no JSON\n",
    ]
    found = await read(tmp_path, up_to_7, *lines)
    assert found == b"".join(each for each in lines if each != line("MODIFIED", 7))


async def test_lines_are_found_however_they_are_cut(tmp_path: Path) -> None:
    sent = line("MODIFIED", 7) + line("MODIFIED", 8) + line("MODIFIED", 3) + line("MODIFIED", 9)
    parts = [sent[place : place + 50] for place in range(0, len(sent), 50)]
    assert await read(tmp_path, up_to_7, *parts) == line("MODIFIED", 8) + line("MODIFIED", 9)


async def test_what_is_left_at_the_end_is_not_lost(tmp_path: Path) -> None:
    assert await read(tmp_path, up_to_7, line("MODIFIED", 8), b"half a li") == (
        line("MODIFIED", 8) + b"half a li"
    )


async def test_a_change_waits_for_the_answer_to_our_write(tmp_path: Path) -> None:
    begun = time.monotonic()

    def answered(meta: Identity) -> bool | None:
        return None if time.monotonic() - begun < 0.3 else meta.version <= 7

    found = await read(tmp_path, answered, line("MODIFIED", 7), line("MODIFIED", 8))
    assert found == line("MODIFIED", 8)


async def test_a_write_without_answer_holds_nothing_up_for_long(tmp_path: Path) -> None:
    async with asyncio.timeout(30):
        found = await read(tmp_path, lambda _: None, line("MODIFIED", 7))
    assert found == line("MODIFIED", 7)


async def test_other_watches_are_left_alone(tmp_path: Path) -> None:
    path = "/apis/tokencheck.dev/v1alpha1/tokenproviders"
    found = await read(tmp_path, lambda _: True, line("MODIFIED", 7), path=path)
    assert found == line("MODIFIED", 7)


async def test_a_stream_that_breaks_still_says_so(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(HEAD, chunk(line("MODIFIED", 8)))
        peer.reset()

    async with RawServer(script) as server:
        transport = await Transport.connect(kubeconfig=kubeconfig(tmp_path, server.url))
        url = f"{server.url}{CHECKS}?watch=true"
        seen, broke = b"", False
        async with transport.session(known=up_to_7) as session, session.get(url) as response:
            try:
                async for part in response.content.iter_chunked(1 << 20):
                    seen += part
            except aiohttp.ClientError:
                broke = True
        assert (seen, broke) == (line("MODIFIED", 8), True)
        await transport.close()
