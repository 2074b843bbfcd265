"""What ClusterTokenChecks see of the cluster is what the API server shows by the schema of now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from awaits.apiserver import ApiServer, Place
from rawserver import kubeconfig
from tokencheck.api import API_VERSION
from tokencheck.api.clustertokencheck import KIND
from tokencheck.clients.kube.estate import KubeEstate
from tokencheck.clients.kube.informer import WHOLE, Informer
from tokencheck.clients.kube.resources import CLUSTER_TOKEN_CHECKS
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.kube.watching import Target
from tokencheck.model.estate import Estate
from tokencheck.model.estate import Place as Where

MADE = {"apiVersion": API_VERSION, "kind": KIND, "uid": "uid-of-all", "controller": True}
ALL: Place = ("clustertokenchecks", "", "all")
ONE: Place = ("tokenchecks", "shop", "one")
OBJECTS: dict[Place, dict[str, Any]] = {
    ALL: {"spec": {"namespaceSelector": {}}},
    ONE: {"metadata": {"ownerReferences": [MADE]}, "spec": {}},
}


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with ApiServer(OBJECTS) as made:
        yield made


@pytest.fixture
async def transport(server: ApiServer, tmp_path: Path) -> AsyncIterator[Transport]:
    made = await Transport.connect(kubeconfig=kubeconfig(tmp_path, server.url))
    yield made
    await made.close()


@asynccontextmanager
async def runs(coroutine: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(coroutine)
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - of the test's own loop
            await asyncio.sleep(0.01)


def watches(server: ApiServer, place: Place) -> int:
    """How many were opened so far; each follows a list."""
    return sum(f"/{place[0]}?".encode() in one and b"watch=1" in one for one in server.heard)


def copied(estate: Estate | None) -> object:
    return estate and estate.cluster_checks["all"].copy_labels


def suspended(estate: Estate | None) -> object:
    spec = estate and estate.checks[Where("shop", "one")].spec
    return spec and spec.suspend


@pytest.mark.parametrize(
    ("place", "spec", "shown", "before", "after"),
    [
        (ALL, {"namespaceSelector": {}, "copyLabels": ["team"]}, copied, (), ("team",)),
        (ONE, {"suspend": True}, suspended, False, True),
    ],
    ids=["a ClusterTokenCheck", "a TokenCheck"],
)
async def test_a_field_that_a_watch_of_the_schema_before_left_out_is_seen_in_the_same_version(
    server: ApiServer,
    transport: Transport,
    place: Place,
    spec: dict[str, Any],
    shown: Callable[[Estate | None], object],
    *,
    before: object,
    after: object,
) -> None:
    estate = KubeEstate(transport, lambda: None)
    async with runs(estate.run()):
        await until(lambda: shown(estate.look()) == before)
        await until(lambda: watches(server, place))
        server.redefine(place, spec=spec)
        server.end_watches()
        await until(lambda: shown(estate.look()) == after)


async def test_what_another_api_server_listed_by_the_schema_before_is_seen_by_a_comparison(
    server: ApiServer, transport: Transport
) -> None:
    path = CLUSTER_TOKEN_CHECKS.path() or ""
    target = Target(name=CLUSTER_TOKEN_CHECKS.plural, path=path, record=bytes, custom=True)
    told: list[bytes] = []
    informer = Informer(transport, target, on_change=lambda *one: told.append(one[2] or b""))
    async with runs(informer.run()):
        await until(lambda: watches(server, ALL))
        server.end_watches()
        await until(lambda: watches(server, ALL) == 2)
        for number in range(WHOLE):
            server.redefine(ALL, spec={"copyLabels": [f"team-{number}"]})
            await informer.compare()
    # The last one came too late: comparisons of all there is do not go on for ever.
    assert len(told) == 1 + WHOLE
    assert b"team-1" in told[-1]
