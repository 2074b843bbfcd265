"""Beside a real server, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gather.test_introspector import Bench
from introspector import Introspector


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    server = Introspector()
    await server.start()
    server.tokens["t1"] = {"scope": "a"}
    bench = Bench(server.provider())
    bench.server = server
    yield bench
    await bench.asking.close()
    await server.stop()
