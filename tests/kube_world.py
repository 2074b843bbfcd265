"""A namespace behind a fault proxy, and informers of its Secrets, for tests of `clients.kube`."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from controlplane import Api
from faultproxy import FaultProxy, Seen
from tokencheck.clients.kube.cache import Cache
from tokencheck.clients.kube.informer import Informer
from tokencheck.clients.kube.reads import version_in
from tokencheck.clients.kube.resources import SECRETS
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.kube.watching import Pace, Target
from tokencheck.model.change import Cause, Change
from tokencheck.model.keys import Key

QUICK = Pace(
    watch_s=20.0, silent_s=25.0, compare_s=3600.0, first_s=0.05, cap_s=0.5, denied_cap_s=0.5, page=2
)


def asks_position(seen: Seen) -> bool:
    """Whether it only asks where the server stands: a list of one object."""
    return seen.verb == "get" and seen.query.get("limit") == "1"


def pages_listed(world: World) -> int:
    """How many reads came by that were more than that."""
    return sum(seen.verb == "get" and not asks_position(seen) for seen in world.proxy.seen)


class World:
    """A namespace, a way to it through the proxy, and what informers told."""

    def __init__(self, api: Api, namespace: str, proxy: FaultProxy, transport: Transport) -> None:
        self.api = api
        self.namespace = namespace
        self.proxy = proxy
        self.transport = transport
        self.told: list[tuple[str, object, object]] = []
        self.states: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    def put_secret(self, name: str, value: str = "v", **metadata: Any) -> dict[str, Any]:
        data = {"token": base64.b64encode(value.encode()).decode()}
        return self.api.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": self.namespace, **metadata},
                "data": data,
            }
        )

    def delete_secret(self, name: str) -> None:
        self.api.delete("Secret", name, self.namespace)

    def informer(self, *, pace: Pace = QUICK, start: bool = True, **target: Any) -> Informer[Any]:
        """An informer of the namespace's Secrets, running."""
        path = SECRETS.path(self.namespace)
        values = {"name": "secrets", "metadata_only": True, "record": version_in} | target
        informer: Informer[Any] = Informer(
            self.transport,
            Target(path=path or "", **values),
            on_change=lambda place, old, new: self.told.append((place[1], old, new)),
            on_state=lambda _old, new: self.states.append(new),
            pace=pace,
        )
        if start:
            self.run(informer)
        return informer

    def run(self, thing: Any) -> None:
        self._tasks.append(asyncio.create_task(thing.run()))

    async def synced(self, informer: Informer[Any]) -> None:
        """Wait until the first list is over and the watch is open."""
        async with asyncio.timeout(10):
            await informer.synced.wait()
        await self.until(lambda: self.proxy.open_streams > 0)

    async def until(self, true: Callable[[], object], timeout_s: float = 10.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not true():
            assert time.monotonic() < deadline, f"never came true; told so far: {self.told}"
            await asyncio.sleep(0.01)

    def names(self) -> set[str]:
        """The objects that were told and are not deleted since."""
        names: set[str] = set()
        for name, _, new in self.told:
            (names.discard if new is None else names.add)(name)
        return names

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


CHECK = Key("TokenCheck", "shop", "checkout")
MakeCache = Callable[..., Cache]


class Told(list[Change]):
    """Changes that a cache told."""

    def of(self, kind: str) -> list[Cause]:
        return [change.cause for change in self if change.key.kind == kind]


def key(world: World, kind: str, name: str) -> Key:
    return Key(kind, world.namespace, name)
