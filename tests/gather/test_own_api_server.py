"""Of TokenProviders of type Kubernetes the operator's own API server is asked, as others are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gather.test_introspector import MINUTES_10, Bench
from introspector import Introspector
from tokencheck.api.tokenprovider import parse_tokenprovider
from tokencheck.model.activity import ActivityState
from tokencheck.model.asking import Reply
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with Introspector() as server:
        bench = Bench(server.provider())
        bench.server = server
        yield bench
        await bench.asking.close()


class OwnApiServer:
    """Answers TokenReviews, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.says: dict[str, object] = {"authenticated": True, "user": {"username": "ann"}}

    async def review(self, _token: Sealed, audiences: tuple[str, ...]) -> Reply:
        self.asked.append(audiences)
        body = json.dumps({"status": self.says}).encode()
        return Reply(status=201, media_type="application/json", body=body)


KUBERNETES = {"allowedNamespaces": {"all": True}, "vendor": {"type": "Kubernetes"}}


async def test_of_type_kubernetes_the_own_api_server_is_asked_and_nobody_else(bench: Bench) -> None:
    own = OwnApiServer()
    bench.asking = bench.made(reviews=own)
    bench.provider = parse_tokenprovider({"metadata": {"name": "own"}, "spec": KUBERNETES})
    found = await bench.asked()
    assert found.answer is not None
    assert found.answer.active
    own.says = {"error": '[invalid bearer token, serviceaccounts "a" not found]'}
    found = await bench.asked(after=MINUTES_10)
    assert found.answer is not None
    assert (found.answer.active, found.answer.why) == (False, "its ServiceAccount is gone")
    own.says = {"error": "[invalid bearer token, etcdserver: request timed out]"}
    await bench.asked(after=MINUTES_10)
    found = await bench.asked(after=timedelta(seconds=15))
    assert found.state is ActivityState.FAULTED
    assert own.asked == [(), (), (), ()]
    assert bench.server.connections == 0


async def test_without_a_road_to_the_api_server_its_tokens_are_unknown(bench: Bench) -> None:
    bench.provider = parse_tokenprovider({"metadata": {"name": "own"}, "spec": KUBERNETES})
    found = await bench.asked()
    assert (found.state, found.reason) == (ActivityState.FAULTED, Reason.NOT_ASKED)
