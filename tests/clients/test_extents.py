"""Whether a resource is in namespaces, by the discovery of an API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from answering import transport_to
from tokencheck.clients.kube.extents import Extents


def resources(**namespaced: bool | None) -> dict[str, Any]:
    """An APIResourceList: plural -> whether in namespaces; None leaves that out."""
    lines = [
        {"name": name.replace("__", "/"), "kind": "K"} | ({} if it is None else {"namespaced": it})
        for name, it in namespaced.items()
    ]
    return {"kind": "APIResourceList", "resources": lines}


def group(*versions: str, preferred: str) -> dict[str, Any]:
    told = [{"version": version} for version in versions]
    return {"kind": "APIGroup", "versions": told, "preferredVersion": {"version": preferred}}


class Server:
    """An API server that serves these documents; other paths are not found."""

    def __init__(self) -> None:
        self.serves: dict[str, Any] = {
            "/api/v1": resources(pods=True, pods__log=True, nodes=False, nodes__proxy=True),
            "/apis/rbac": group("v1", preferred="v1"),
            "/apis/rbac/v1": resources(roles=True, clusterroles=False),
        }
        self.status = 404
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        await asyncio.sleep(0.01)
        if request.path not in self.serves:
            return web.json_response({}, status=self.status)
        return web.json_response(self.serves[request.path])


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[Server, Extents]]:
    made = Server()
    route = web.get("/{path:.*}", made.answer)
    async with transport_to(route, tmp_path) as transport:
        yield made, Extents(transport, absent_s=0.05)


@pytest.mark.parametrize(
    ("of", "resource", "namespaced"),
    [
        ("", "pods", True),
        ("", "nodes", False),
        ("rbac", "roles", True),
        ("rbac", "clusterroles", False),
        # Nobody says, so nobody knows.
        ("", "deployments", None),
        ("", "pods/log", None),
        ("rbac", "pods", None),
        ("elsewhere", "pods", None),
        ("../api/v1", "pods", None),
        ("..", "pods", None),
        # RBAC knows them, and no server lists them.
        ("", "users", False),
        ("authentication.k8s.io", "userextras", False),
    ],
)
async def test_a_resource_is_where_discovery_says_and_else_unknown(
    server: tuple[Server, Extents], of: str, resource: str, namespaced: bool | None
) -> None:
    api, extents = server
    assert await extents.namespaced(of, resource) is namespaced
    assert set(api.asked) <= {*api.serves, "/apis/elsewhere"}


async def test_a_resource_of_another_version_counts_and_the_preferred_one_wins(
    server: tuple[Server, Extents],
) -> None:
    api, extents = server
    api.serves |= {
        "/apis/many": group("v1", "v2", "v3/../x", preferred="v2"),
        "/apis/many/v1": resources(old=False, both=True),
        "/apis/many/v2": resources(both=False),
    }
    assert await extents.namespaced("many", "old") is False
    assert await extents.namespaced("many", "both") is False
    assert api.asked == ["/apis/many", "/apis/many/v2", "/apis/many/v1"]


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_refusal_or_fault_is_no_answer_and_soon_asked_again(
    server: tuple[Server, Extents], status: int
) -> None:
    api, extents = server
    api.status, served = status, api.serves
    api.serves = {}
    assert await extents.namespaced("rbac", "clusterroles") is None
    api.serves = served
    await asyncio.sleep(0.1)
    assert await extents.namespaced("rbac", "clusterroles") is False


@pytest.mark.parametrize(
    ("of", "known"),
    [
        ("", True),
        ("rbac", True),
        # There is no such group, and none of a name like that.
        ("elsewhere", True),
        ("../api/v1", True),
        # A version is not told, as where the server of an aggregated API is away.
        ("half", False),
        ("odd", False),
    ],
)
async def test_what_a_group_has_is_known_once_all_of_it_was_told(
    server: tuple[Server, Extents], of: str, known: bool
) -> None:
    api, extents = server
    api.serves |= {
        "/apis/half": group("v1", "v2", preferred="v1"),
        "/apis/half/v1": resources(things=True),
        "/apis/odd": group("v1", preferred="v1"),
        "/apis/odd/v1": resources(things=None),
    }
    assert await extents.lists(of) is known
    asked = len(api.asked)
    assert await extents.namespaced(of, "things") is (True if of == "half" else None)
    assert await extents.lists(of) is known
    assert len(api.asked) == asked


@pytest.mark.parametrize("status", [403, 500, 503])
async def test_who_does_not_answer_has_not_said_that_there_is_nothing(
    server: tuple[Server, Extents], status: int
) -> None:
    api, extents = server
    api.status, api.serves = status, {}
    assert await extents.namespaced("rbac", "things") is None
    assert await extents.lists("rbac") is False
    assert await extents.lists("") is False


@pytest.mark.parametrize("said", [[], {"resources": [{"name": 1}]}, resources(things=None), "no"])
async def test_an_answer_of_another_form_is_none(
    server: tuple[Server, Extents], said: object
) -> None:
    api, extents = server
    api.serves["/apis/rbac/v1"] = said
    assert await extents.namespaced("rbac", "things") is None


async def test_many_that_ask_at_once_cost_one_question_and_later_ones_none(
    server: tuple[Server, Extents],
) -> None:
    api, extents = server
    found = await asyncio.gather(*(extents.namespaced("", "pods") for _ in range(50)))
    assert set(found) == {True}
    assert await extents.namespaced("", "nodes") is False
    assert api.asked == ["/api/v1"]
