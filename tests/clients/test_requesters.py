"""What a review of another user's right says, and for how long it is believed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from answering import transport_to
from tokencheck.api.tokencheck import Requester
from tokencheck.clients.kube.requesters import Requesters
from tokencheck.model.rights import Right

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ANN = Requester(name="ann", groups=("devs",))
READ = Right(verb="get", group="", resource="secrets", namespace="shop", name="one")


class Server:
    """An API server that answers reviews with what stands in `says`."""

    def __init__(self) -> None:
        self.says: dict[str, Any] = {}
        self.asked: list[dict[str, Any]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((await request.json())["spec"])
        return web.json_response({"status": self.says}, status=201)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[Server, Requesters]]:
    made = Server()
    route = web.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", made.answer)
    async with transport_to(route, tmp_path) as transport:
        yield made, Requesters(transport)


@pytest.mark.parametrize(
    ("says", "known"),
    [
        ({"allowed": True}, True),
        ({"allowed": False}, False),
        ({"allowed": False, "denied": True, "reason": "no"}, False),
        # One authorizer could not be asked, and the others had no opinion: nobody said no.
        ({"allowed": False, "evaluationError": "webhook: timeout"}, None),
        ({"allowed": True, "evaluationError": "webhook: timeout"}, True),
        ({}, None),
        ({"allowed": "yes"}, None),
    ],
)
async def test_a_no_counts_only_when_every_authorizer_was_asked(
    server: tuple[Server, Requesters], says: dict[str, Any], known: bool | None
) -> None:
    api, requesters = server
    api.says = says
    assert await requesters.allowed(ANN, READ, NOW) == (known, NOW)
    assert api.asked[0]["user"] == "ann"
    assert api.asked[0]["groups"] == ["devs"]


async def test_all_that_an_authenticator_told_of_a_user_is_asked_with(
    server: tuple[Server, Requesters],
) -> None:
    api, requesters = server
    api.says = {"allowed": True}
    app = Requester(name="app", groups=("a",), uid="u1", extra=(("example.com/scopes", ("x",)),))
    assert await requesters.allowed(app, READ, NOW) == (True, NOW)
    told = {key: api.asked[0][key] for key in ("user", "groups", "uid", "extra")}
    extra = {"example.com/scopes": ["x"]}
    assert told == {"user": "app", "groups": ["a"], "uid": "u1", "extra": extra}
    # Another token of the same user may be allowed less.
    api.says = {"allowed": False}
    other = Requester(name="app", groups=("a",), uid="u1")
    assert await requesters.allowed(other, READ, NOW) == (False, NOW)
    assert "extra" not in api.asked[1]


async def test_a_yes_is_believed_for_some_seconds_and_a_no_for_once(
    server: tuple[Server, Requesters],
) -> None:
    api, requesters = server
    api.says = {"allowed": False}
    assert await requesters.allowed(ANN, READ, NOW) == (False, NOW)
    api.says = {"allowed": True}
    later = NOW + timedelta(seconds=1)
    assert await requesters.allowed(ANN, READ, later) == (True, later)
    api.says = {"allowed": False}
    assert await requesters.allowed(ANN, READ, later + timedelta(seconds=19)) == (True, later)
    end = later + timedelta(seconds=21)
    assert await requesters.allowed(ANN, READ, end) == (False, end)
