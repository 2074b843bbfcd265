"""What RBAC grants, read from an API server and kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from answering import transport_to
from tokencheck.clients.kube.policies import Most
from tokencheck.clients.kube.rbac import RbacReader
from tokencheck.model.rbac import Bound, Rbac, Rule, Subject, Unseen

NOW = datetime(2026, 7, 1, tzinfo=UTC)
MINUTES_10 = timedelta(minutes=10)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
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
        self.limits: set[str] = set()
        self.slow_s = 0.01

    async def answer(self, request: web.Request) -> web.Response:
        kind = request.path.rpartition("/")[2]
        self.asked.append(kind)
        self.limits.add(request.query["limit"])
        await asyncio.sleep(self.slow_s)
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
        yield made, RbacReader(transport, most=Most(objects=10, entries=20, words=50))


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
    assert isinstance(found, Rbac)
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
    assert isinstance(found, Rbac)
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
    assert isinstance(every[0], Rbac)
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
    assert isinstance(await reader.rbac(NOW, MINUTES_10), Rbac)
    assert len(at.asked) == 12
    # A page of the largest objects that there are fits into an answer.
    assert at.limits == {"100"}


async def test_it_is_not_read_again_within_five_minutes_however_short_an_interval_is(
    server: tuple[Server, RbacReader],
) -> None:
    at, reader = server
    short, minutes_5 = timedelta(seconds=30), timedelta(minutes=5)
    known = await reader.rbac(NOW, short)
    assert await reader.rbac(NOW + minutes_5 - timedelta(seconds=1), short) is known
    assert len(at.asked) == 4
    assert await reader.rbac(NOW + minutes_5, short) is not known
    assert len(at.asked) == 8


@pytest.mark.parametrize(
    ("status", "pause", "why"),
    [
        (403, timedelta(minutes=5), Unseen.DENIED),
        (401, timedelta(seconds=30), Unseen.UNANSWERED),
        (500, timedelta(seconds=30), Unseen.UNANSWERED),
    ],
)
async def test_what_cannot_be_read_is_unknown_and_tried_again_after_a_pause(
    server: tuple[Server, RbacReader], status: int, pause: timedelta, why: Unseen
) -> None:
    at, reader = server
    at.status = status
    assert await reader.rbac(NOW, MINUTES_10) is why
    tries = len(at.asked)
    at.status = 200
    assert await reader.rbac(NOW + pause - timedelta(seconds=1), MINUTES_10) is why
    assert len(at.asked) == tries
    assert isinstance(await reader.rbac(NOW + pause + SECOND, MINUTES_10), Rbac)


async def test_a_pause_begins_when_a_try_has_ended(server: tuple[Server, RbacReader]) -> None:
    at, reader = server
    at.status, at.slow_s = 500, 1.0
    await reader.rbac(NOW, MINUTES_10)
    tries = len(at.asked)
    at.slow_s = 0.0
    await reader.rbac(NOW + timedelta(seconds=30.5), MINUTES_10)
    assert len(at.asked) == tries
    await reader.rbac(NOW + timedelta(seconds=33), MINUTES_10)
    assert len(at.asked) > tries


async def test_what_was_read_counts_for_an_hour_more_while_no_answer_comes_and_says_its_age(
    server: tuple[Server, RbacReader],
) -> None:
    at, reader = server
    at.has["clusterroles"] = [named("view")]
    known = await reader.rbac(NOW, MINUTES_10)
    assert isinstance(known, Rbac)
    assert known.as_of is None
    at.status = 500
    for later in (MINUTES_10, MINUTES_10 + SECOND, MINUTES_10 + HOUR - SECOND):
        assert await reader.rbac(NOW + later, MINUTES_10) == replace(known, as_of=NOW)
    assert await reader.rbac(NOW + MINUTES_10 + HOUR, MINUTES_10) is Unseen.UNANSWERED
    # Who needs it less often is content with it.
    assert await reader.rbac(NOW + MINUTES_10 + HOUR, 2 * HOUR) is known
    at.status = 200
    later = NOW + MINUTES_10 + HOUR + timedelta(minutes=1)
    assert await reader.rbac(later, MINUTES_10) == known


async def test_nothing_is_kept_once_it_may_not_be_read(server: tuple[Server, RbacReader]) -> None:
    at, reader = server
    assert isinstance(await reader.rbac(NOW, MINUTES_10), Rbac)
    at.status = 403
    assert await reader.rbac(NOW + MINUTES_10, MINUTES_10) is Unseen.DENIED


async def test_a_pass_that_ends_before_the_answer_leaves_what_was_known(
    server: tuple[Server, RbacReader],
) -> None:
    at, reader = server
    known = await reader.rbac(NOW, MINUTES_10)
    assert isinstance(known, Rbac)
    at.slow_s = 5.0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await reader.rbac(NOW + MINUTES_10, MINUTES_10)
    tries = len(at.asked)
    assert await reader.rbac(NOW + MINUTES_10, MINUTES_10) == replace(known, as_of=NOW)
    assert len(at.asked) == tries


RULE = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}


@pytest.mark.parametrize(
    ("kind", "within", "more"),
    [
        (
            "roles",
            [named(f"r{number}", "shop") for number in range(10)],
            [named(f"r{number}", "shop") for number in range(11)],
        ),
        (
            "rolebindings",
            [binding("one", "shop", "Role edit", *(app() for _ in range(20)))],
            [binding("one", "shop", "Role edit", *(app() for _ in range(21)))],
        ),
        (
            "clusterroles",
            [named("many", rules=[RULE | {"verbs": [f"v{n}"]} for n in range(16)])],
            [named("many", rules=[RULE | {"verbs": [f"v{n}"]} for n in range(17)])],
        ),
        (
            "roles",
            # One and the same rule is one, in a Role and for the words in all of them.
            [named(f"r{number}", "shop", rules=[RULE] * 50) for number in range(10)],
            [named("one", "shop", rules=[RULE | {"verbs": [f"v{n}" for n in range(49)]}])],
        ),
    ],
    ids=["objects", "subjects", "different rules", "words"],
)
async def test_more_than_is_read_is_unknown(
    server: tuple[Server, RbacReader], kind: str, within: list[Object], more: list[Object]
) -> None:
    at, reader = server
    at.has[kind] = within
    assert isinstance(await reader.rbac(NOW, MINUTES_10), Rbac)
    at.has[kind] = more
    assert await reader.rbac(NOW + MINUTES_10, MINUTES_10) is Unseen.TOO_MUCH


async def test_a_rule_is_kept_once_however_many_roles_have_it(
    server: tuple[Server, RbacReader],
) -> None:
    at, reader = server
    at.has["roles"] = [named(f"r{number}", "shop", rules=[RULE, RULE]) for number in range(5)]
    found = await reader.rbac(NOW, MINUTES_10)
    assert isinstance(found, Rbac)
    assert [len(rules) for rules in found.rules.values()] == [1] * 5
    assert len({id(rules[0]) for rules in found.rules.values()}) == 1


class Turns:
    """Awaits something, and counts how often that gave its turn to others without waiting."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self.work = work
        self.turns = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self.work.__await__()
        while True:
            try:
                waits_for = next(steps)
            except StopIteration as end:
                return end.value
            self.turns += waits_for is None
            yield waits_for


@pytest.mark.parametrize(("size", "turns"), [(1, 20), (8192, 58)])
async def test_others_have_turns_while_many_objects_are_decoded(
    tmp_path: Path, size: int, turns: int
) -> None:
    items = [named(f"r{number}", "shop", padding="x" * size) for number in range(1000)]

    async def answer(request: web.Request) -> web.Response:
        own = request.path.endswith("/roles")
        return web.json_response({"metadata": {}, "items": items if own else []})

    async with transport_to(web.get("/apis/{path:.*}", answer), tmp_path) as transport:
        reading = Turns(RbacReader(transport).rbac(NOW, MINUTES_10))
        found = await reading
    assert len(found.rules) == 1000
    assert turns <= reading.turns <= turns + 5


async def test_an_answer_that_is_none_makes_nothing_known(
    server: tuple[Server, RbacReader],
) -> None:
    at, reader = server
    at.has["roles"] = [named("edit", "shop", rules="canary")]
    assert await reader.rbac(NOW, MINUTES_10) is Unseen.UNANSWERED
