"""The API server is asked whose a token is: in one body, as the operator, and by nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from answering import transport_to
from tokencheck.clients.kube.call import Call
from tokencheck.clients.kube.road import Request
from tokencheck.clients.kube.token_reviews import TokenReviewer
from tokencheck.core.questions.replies import Faulted
from tokencheck.gather.ask_api_server import ask_api_server
from tokencheck.model.activity import Answer, Looked
from tokencheck.model.asking import NoReply, Reply
from tokencheck.model.keys import Key
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

TOKEN = "canary.token-of_an.account"
PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
Answering = Callable[[web.Request], Any]


class Server:
    """An API server that answers every request with `status` and `says`, and keeps the requests."""

    def __init__(self) -> None:
        self.status = 201
        self.says: Any = {"status": {"authenticated": True, "user": {"username": "ann"}}}
        self.seen: list[tuple[str, str, str, bytes]] = []
        self.cut = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        head = json.dumps(dict(request.headers))
        self.seen.append((request.method, request.path_qs, head, body))
        if self.cut:
            assert request.transport is not None
            request.transport.close()
            await asyncio.sleep(0)
        return web.json_response(self.says, status=self.status)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[Server, TokenReviewer]]:
    made = Server()
    route = web.route("*", "/{tail:.*}", made.answer)
    async with transport_to(route, tmp_path) as transport:
        yield made, TokenReviewer(transport)


def looked(*audiences: str) -> Looked:
    return Looked(
        key=Key("TokenCheck", "shop", "checkout"),
        mark=b"m",
        text=Sealed(TOKEN.encode()),
        interval=timedelta(minutes=10),
        audiences=audiences,
    )


async def test_the_token_stands_in_one_body_and_nowhere_else(
    server: tuple[Server, TokenReviewer],
) -> None:
    api, reviews = server
    reply = await reviews.review(Sealed(TOKEN.encode()), ("vault",))
    assert isinstance(reply, Reply)
    ((method, path, head, body),) = api.seen
    assert (method, path) == ("POST", PATH)
    assert TOKEN not in head
    assert "t0k3n" in head
    assert json.loads(body)["spec"] == {"token": TOKEN, "audiences": ["vault"]}


async def test_without_an_audience_none_is_named(server: tuple[Server, TokenReviewer]) -> None:
    api, reviews = server
    found = await ask_api_server(looked(), reviews)
    assert isinstance(found, Answer)
    assert found.active
    assert json.loads(api.seen[0][3])["spec"] == {"token": TOKEN}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, Reason.ACCESS_DENIED),
        (500, Reason.PROVIDER_UNAVAILABLE),
        (503, Reason.PROVIDER_UNAVAILABLE),
        (307, Reason.UNEXPECTED_ANSWER),
        (200, Reason.UNEXPECTED_ANSWER),
    ],
)
async def test_what_is_no_review_says_nothing_of_the_token(
    server: tuple[Server, TokenReviewer], status: int, reason: Reason
) -> None:
    api, reviews = server
    api.status = status
    found = await ask_api_server(looked(), reviews)
    assert isinstance(found, Faulted)
    assert found.reason is reason
    assert TOKEN not in repr(found)


async def test_a_connection_that_breaks_says_nothing_of_the_token(
    server: tuple[Server, TokenReviewer],
) -> None:
    api, reviews = server
    api.cut = True
    found = await reviews.review(Sealed(TOKEN.encode()), ())
    assert found == NoReply(
        reason=Reason.UNREACHABLE, detail="it does not answer, or the connection broke"
    )


@pytest.mark.parametrize("body", [b"[", b'{"status": {"authenticated": true,', b"<html>", b""])
async def test_a_body_that_is_no_json_says_nothing_of_the_token(body: bytes) -> None:
    class Nonsense:
        async def review(self, token: Sealed, audiences: tuple[str, ...]) -> Reply:
            return Reply(status=201, media_type="application/json", body=body)

    found = await ask_api_server(looked(), Nonsense())
    assert isinstance(found, Faulted)
    assert found.reason is Reason.UNEXPECTED_ANSWER


def test_no_repr_of_a_request_shows_its_body() -> None:
    secret = b'{"spec": {"token": "canary"}}'
    call = Call(method="POST", path=PATH, params={}, headers={}, timeout_s=1, body=secret)
    request = Request(method="POST", target=PATH, headers={}, body=secret)
    assert "canary" not in repr(call) + repr(request)
