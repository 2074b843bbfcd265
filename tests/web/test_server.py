"""Over a real socket."""

import asyncio
import logging

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tokencheck.web.server import Server, make_app


@pytest.fixture
async def get(metrics, process):
    """Give a function that starts a server of these facts and asks it one path."""
    servers, session = [], aiohttp.ClientSession()

    async def do(path, method="GET", **facts):
        server = Server(make_app(metrics, process(**facts)))
        servers.append(server)
        port = await server.start("127.0.0.1", 0)
        async with session.request(method, f"http://127.0.0.1:{port}{path}") as answer:
            return answer, await answer.read()

    yield do
    await session.close()
    for server in servers:
        await server.stop()


async def test_metrics_are_served_as_prometheus_text(get, put):
    for number in range(1200):
        put(f"c{number}")
    answer, body = await get("/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {f.name: f for f in text_string_to_metric_families(body.decode())}
    assert len(families["tokencheck_info"].samples) == 1200


async def test_a_healthy_process_answers_200_with_facts(get):
    answer, _ = await get("/healthz")
    assert answer.status == 200
    answer, body = await get("/readyz")
    assert answer.status == 200
    assert b'"queueDepth": 4' in body


async def test_a_process_that_is_not_ready_answers_503_and_says_why(get, informer):
    answer, body = await get("/readyz", informers=lambda: (informer(synced=False),))
    assert answer.status == 503
    assert answer.headers["Content-Type"].startswith("application/json")
    assert b'"ok": false' in body
    assert b"the first list of secrets is not complete" in body
    answer, _ = await get("/healthz", informers=lambda: (informer(synced=False),))
    assert answer.status == 200


async def test_nothing_else_is_served_and_nothing_can_be_changed(get):
    for path, method, status in (("/", "GET", 404), ("/metrics", "POST", 405), ("/x", "GET", 404)):
        answer, _ = await get(path, method)
        assert answer.status == status


async def test_answers_are_not_cached_and_do_not_name_the_server_software(get):
    for path in ("/metrics", "/healthz"):
        answer, _ = await get(path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Server"] == "tokencheck"


async def test_an_error_while_answering_says_nothing_of_itself(get, caplog):
    def broken():
        raise ValueError("canary-token")

    with caplog.at_level(logging.DEBUG):
        answer, body = await get("/readyz", queue_depth=broken)
    assert answer.status == 500
    assert b"canary" not in body
    assert "ValueError" in caplog.text
    assert "canary" not in caplog.text


async def test_a_reader_that_leaves_in_the_middle_harms_nobody(metrics, process, put, caplog):
    for number in range(3000):
        put(f"c{number}")
    server = Server(make_app(metrics, process()))
    port = await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.read(1000)
    writer.close()
    await writer.wait_closed()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/healthz") as answer,
    ):
        assert answer.status == 200
    await server.stop()
    assert "ERROR" not in caplog.text


async def test_a_reader_that_is_too_slow_is_hung_up_on(metrics, process, put):
    for number in range(12_000):  # more than the buffers of a connection hold
        put(f"c{number}")
    server = Server(make_app(metrics, process(), scrape_timeout_s=0.3))
    port = await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await asyncio.sleep(1)
    body = await reader.read()
    assert b"Transfer-Encoding: chunked" in body
    assert not body.endswith(b"0\r\n\r\n"), "the answer looks whole"
    writer.close()
    await server.stop()
