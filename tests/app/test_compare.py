"""A list of now finds what no watch told, and knows a restored API server by its older versions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any

import pytest

from app.test_own_kinds import KEY, check, held_check
from tokencheck.app.compare import ONE_BY_ONE, WATCH_S, Compare
from tokencheck.app.own_kinds import OwnKinds
from tokencheck.clients.kube.shelf import Shelf
from tokencheck.model.errors import ClusterError
from tokencheck.model.keys import Key


class Server:
    """What the API server has; `down` while it does not answer."""

    def __init__(self) -> None:
        self.checks: dict[Key, Mapping[str, Any]] = {KEY: check("5")}
        self.down = False
        self.lists = self.reads = self.whole = 0
        self.while_listing: Callable[[], None] = lambda: None

    async def objects(
        self, kind: str, wanted: Collection[Key] | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        self._ask()
        for key, obj in list(self.checks.items()) if kind == "TokenCheck" else ():
            if wanted is None or key in wanted:
                self.whole += 1
                yield obj

    async def versions(self, kind: str) -> dict[Key, str]:
        self._ask()
        if kind != "TokenCheck":
            return {}
        found = {key: version(obj) for key, obj in self.checks.items()}
        self.while_listing()
        return found

    async def object(self, key: Key) -> Mapping[str, Any] | None:
        self.reads += 1
        return self.checks.get(key)

    def _ask(self) -> None:
        self.lists += 1
        if self.down:
            raise ClusterError("nobody answers")


def named(number: int, version: str) -> dict[str, Any]:
    made = check(version)
    made["metadata"]["name"] = f"check-{number}"
    return made


def version(obj: Mapping[str, Any]) -> str:
    found: str = obj["metadata"]["resourceVersion"]
    return found


class Comparing:
    """A compare that would wait an hour, over a server and a shelf."""

    def __init__(self, *, watch_s: float = WATCH_S) -> None:
        self.server, self.shelf, self.rewound = Server(), Shelf(), 0
        self.own = OwnKinds(self.shelf, lambda _: None, time.monotonic, writing=lambda _: False)
        self.compare = Compare(
            self.server,
            self.shelf.versions,
            self.own,
            every_s=3600,
            watch_s=watch_s,
            rewound=self._told_rewound,
        )

    def _told_rewound(self) -> None:
        self.rewound += 1

    async def __aenter__(self) -> Comparing:
        self._task = asyncio.create_task(self.compare.run())
        await self.compare.synced.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def until(self, true: Callable[[], object], timeout_s: float = 20.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not true():
            assert time.monotonic() < deadline, "never came true"
            await asyncio.sleep(0.01)


async def test_asked_to_it_compares_at_once_and_not_an_hour_later() -> None:
    async with Comparing() as world:
        world.server.checks[KEY] = check("6", generation=2)
        await asyncio.sleep(0.3)
        assert held_check(world.shelf).generation == 1
        world.compare.soon()
        await world.until(lambda: held_check(world.shelf).generation == 2)
        world.server.checks.clear()
        world.compare.soon()
        await world.until(lambda: not world.shelf.versions("TokenCheck"))
        assert world.rewound == 0


async def test_many_requests_are_served_by_one_list() -> None:
    async with Comparing() as world:
        lists = world.server.lists
        for _ in range(50):
            world.compare.soon()
            await asyncio.sleep(0)
        await world.until(lambda: world.server.lists > lists)
        await asyncio.sleep(0.5)
        assert world.server.lists - lists == 2  # one of each kind


WATCHED = "/apis/tokencheck.dev/v1alpha1/tokenchecks"


def with_interval(version: str) -> dict[str, Any]:
    return check(version) | {"spec": {"tokens": [], "interval": "1h"}}


async def test_after_a_watch_that_ended_early_specs_are_compared_though_no_version_moved() -> None:
    """Another schema shows another spec, and what the old watch told was by the schema before."""
    async with Comparing() as world:
        before = held_check(world.shelf).spec
        world.server.checks[KEY] = with_interval("5")
        world.compare.opened(WATCHED)
        lists = world.server.lists
        await world.until(lambda: world.server.lists - lists >= 2)
        assert held_check(world.shelf).spec == before, "the first watch has none before it"
        world.compare.opened(WATCHED)
        await world.until(lambda: held_check(world.shelf).spec != before)


async def test_a_watch_that_ended_late_in_its_life_ended_early_too() -> None:
    """Nothing tells another schema in the last part that is let pass: it is to be a small one."""
    async with Comparing(watch_s=1.0) as world:
        before = held_check(world.shelf).spec
        world.server.checks[KEY] = with_interval("5")
        for _ in range(20):  # the host may be late
            world.compare.opened(WATCHED)
            await asyncio.sleep(0.94)
            if held_check(world.shelf).spec != before:
                return
        pytest.fail("specs were compared never")


async def test_a_watch_that_lasted_as_long_as_it_was_asked_for_costs_no_list_of_specs() -> None:
    async with Comparing(watch_s=0.0) as world:
        world.server.whole = 0
        for _ in range(2):
            world.compare.opened(WATCHED)
            lists = world.server.lists
            await world.until(lambda of=lists: world.server.lists - of >= 2)
        assert world.server.whole == 0


async def test_a_list_of_older_versions_wins_and_tells_the_restore() -> None:
    async with Comparing() as world:
        world.server.checks[KEY] = check("3", generation=9)
        world.compare.soon()
        await world.until(lambda: held_check(world.shelf).resource_version == "3")
        assert world.rewound == 1


async def test_many_differing_objects_are_read_by_one_list() -> None:
    async with Comparing() as world:
        for number in range(ONE_BY_ONE + 1):
            world.server.checks[KEY._replace(name=f"check-{number}")] = named(number, "9")
        world.compare.soon()
        whole = world.server.whole
        await world.until(lambda: len(world.shelf.versions("TokenCheck")) == ONE_BY_ONE + 2)
        assert world.server.reads == 0
        assert world.server.whole - whole == ONE_BY_ONE + 1  # the others are not even decoded


async def test_what_the_watch_tells_while_the_list_is_under_way_is_not_read_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Else a cluster in which much is written would list everything whole each minute."""

    def watch() -> None:
        for number in range(ONE_BY_ONE + 1):
            world.own.receive("TokenCheck", "MODIFIED", named(number, "9"))
        world.own.receive("TokenCheck", "DELETED", check("8"))

    async with Comparing() as world:
        for number in range(ONE_BY_ONE + 1):
            world.server.checks[KEY._replace(name=f"check-{number}")] = named(number, "7")
        world.compare.soon()
        await world.until(lambda: len(world.shelf.versions("TokenCheck")) == ONE_BY_ONE + 2)
        lists, whole = world.server.lists, world.server.whole
        world.server.while_listing, world.server.checks[KEY] = watch, check("5")
        for number in range(ONE_BY_ONE + 1):
            world.server.checks[KEY._replace(name=f"check-{number}")] = named(number, "8")
        del world.server.checks[KEY]
        world.compare.soon()
        await world.until(lambda: world.server.lists - lists >= 2)
        await asyncio.sleep(0.1)
        assert (world.server.reads, world.server.whole - whole) == (0, 0)
        assert world.shelf.check(KEY) is None
        assert (world.rewound, caplog.text) == (0, "")


async def test_a_server_that_comes_back_is_asked_within_seconds_however_long_it_was_away() -> None:
    async with Comparing() as world:
        world.server.down = True
        world.compare.soon()
        lists = world.server.lists
        await world.until(lambda: world.server.lists - lists >= 7)
        asked = time.monotonic()
        await world.until(lambda: world.server.lists - lists >= 8)
        assert time.monotonic() - asked < 6
        world.server.down, world.server.checks = False, {}
        await world.until(lambda: not world.shelf.versions("TokenCheck"))


async def test_one_object_whose_write_met_another_version_is_read_at_once() -> None:
    async with Comparing() as world:
        world.server.checks[KEY] = check("7", generation=3)
        await world.compare.look(KEY)
        assert held_check(world.shelf).generation == 3
        world.server.checks[KEY] = check("2")
        await world.compare.look(KEY)
        assert held_check(world.shelf).resource_version == "2"
        assert world.rewound == 1
