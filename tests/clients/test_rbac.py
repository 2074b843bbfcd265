"""What RBAC grants, read from an API server and kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from answering import transport_to
from tokencheck.clients.kube.rbac import RbacReader
from tokencheck.model.rbac import Bound, Rule, Subject

NOW = datetime(2026, 7, 1, tzinfo=UTC)
MINUTES_10 = timedelta(minutes=10)
Object = dict[str, Any]


def named(name: str, namespace: str = "", **more: Any) -> Object:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"metadata": metadata, **more}


def binding(name: str, namespace: str, role: str, *subjects: Object) -> Object:
    kind, _, of = role.partition(" ")
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": of}
    return named(name, namespace, roleRef=ref, subjects=list(subjects))


def app(**more: str) -> Object:
    return {"kind": "ServiceAccount", "name": "app", **more}


class Server:
    """An API server that lists these objects, two a page."""

    def __init__(self) -> None:
        self.has: dict[str, list[Any]] = {
            "clusterroles": [],
            "clusterrolebindings": [],
            "roles": [],
            "rolebindings": [],
        }
        self.status = 200
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        kind = request.path.rpartition("/")[2]
        self.asked.append(kind)
        await asyncio.sleep(0.01)
        if self.status != 200:
            return web.json_response({}, status=self.status)
        start = int(request.query.get("continue", "0"))
        items = self.has[kind]
        more = {"continue": str(start + 2)} if start + 2 < len(items) else {}
        return web.json_response({"metadata": more, "items": items[start : start + 2]})


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[Server, RbacReader]]:
    made = Server()
    prefix = "/apis/rbac.authorization.k8s.io/v1"
    async with transport_to(web.get(prefix + "/{path:.*}", made.answer), tmp_path) as transport:
        yield made, RbacReader(transport, max_objects=10)


APP = Subject(kind="ServiceAccount", name="app", namespace="shop")


async def test_bindings_are_found_by_whom_they_name(
    server: tuple[Server, RbacReader],
) -> None:
    at, reader = server
    at.has["rolebindings"] = [
        binding("own", "shop", "Role edit", app()),
        binding("other", "billing", "ClusterRole edit", app(namespace="shop"), app()),
        binding("none", "billing", "ClusterRole edit"),
        binding("odd", "billing", "Else edit", app(namespace="shop")),
    ]
    at.has["clusterrolebindings"] = [
        binding("all", "", "ClusterRole view", {"kind": "Group", "name": "system:authenticated"}),
        binding("nowhere", "", "ClusterRole view", app()),
        binding("no-such", "", "Role edit", app(namespace="shop")),
    ]
    found = await reader.rbac(NOW, MINUTES_10)
    assert found is not None
    assert found.bound == {
        APP: (
            Bound(namespace="shop", role=("shop", "edit")),
            Bound(namespace="billing", role=("", "edit")),
        ),
        Subject(kind="ServiceAccount", name="app", namespace="billing"): (
            Bound(namespace="billing", role=("", "edit")),
        ),
        Subject(kind="Group", name="system:authenticated"): (
            Bound(namespace="", role=("", "view")),
        ),
    }


async def test_rules_are_those_about_resources(server: tuple[Server, RbacReader]) -> None:
    at, reader = server
    rules = [
        {"verbs": ["get", "get"], "apiGroups": [""], "resources": ["pods", "pods/log"]},
        {"verbs": ["get"], "nonResourceURLs": ["/metrics"]},
    ]
    by_name = {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["a"]}
    at.has["roles"] = [named("edit", "shop", rules=[by_name | {"verbs": ["*"]}])]
    at.has["clusterroles"] = [named("view", rules=rules), named("edit", rules=None)]
    found = await reader.rbac(NOW, MINUTES_10)
    assert found is not None
    assert found.rules == {
        ("shop", "edit"): (
            Rule(verbs=("*",), groups=("apps",), resources=("deployments",), names=("a",)),
        ),
        ("", "view"): (Rule(verbs=("get",), groups=("",), resources=("pods", "pods/log")),),
        ("", "edit"): (),
    }


async def test_many_share_a_read_that_is_good_for_an_interval(
    server: tuple[Server, RbacReader],
) -> None:
    at, reader = server
    every = await asyncio.gather(*(reader.rbac(NOW, MINUTES_10) for _ in range(20)))
    assert every[0] is not None
    assert all(one is every[0] for one in every)
    assert sorted(at.asked) == sorted(at.has)
    later = NOW + timedelta(minutes=9)
    assert await reader.rbac(later, MINUTES_10) is every[0]
    assert len(at.asked) == 4
    # A pass that began earlier and waited takes what the other one read.
    assert await reader.rbac(NOW - timedelta(seconds=20), MINUTES_10) is every[0]
    assert len(at.asked) == 4
    # Who is judged more often needs it newer, and a clock that was set back makes nothing newer.
    at.has["clusterroles"] = [named("view")]
    assert (await reader.rbac(later, timedelta(minutes=5))) != every[0]
    assert len(at.asked) == 8
    assert await reader.rbac(NOW, MINUTES_10) is not None
    assert len(at.asked) == 12


@pytest.mark.parametrize(
    ("status", "pause"), [(403, timedelta(minutes=5)), (500, timedelta(seconds=30))]
)
async def test_what_cannot_be_read_is_unknown_and_tried_again_after_a_pause(
    server: tuple[Server, RbacReader], status: int, pause: timedelta
) -> None:
    at, reader = server
    assert await reader.rbac(NOW, MINUTES_10) is not None
    at.status = status
    later = NOW + MINUTES_10
    assert await reader.rbac(later, MINUTES_10) is None
    tries = len(at.asked)
    at.status = 200
    assert await reader.rbac(later + pause - timedelta(seconds=1), MINUTES_10) is None
    assert len(at.asked) == tries
    assert await reader.rbac(later + pause, MINUTES_10) is not None


async def test_more_than_is_read_is_unknown(server: tuple[Server, RbacReader]) -> None:
    at, reader = server
    at.has["clusterroles"] = [named(f"r{number}") for number in range(10)]
    assert await reader.rbac(NOW, MINUTES_10) is not None
    at.has["rolebindings"] = [binding("one", "shop", "Role edit", app())]
    assert await reader.rbac(NOW + MINUTES_10, MINUTES_10) is None


async def test_an_answer_that_is_none_makes_nothing_known(
    server: tuple[Server, RbacReader],
) -> None:
    at, reader = server
    at.has["roles"] = [named("edit", "shop", rules="canary")]
    assert await reader.rbac(NOW, MINUTES_10) is None
