"""What the operator cost so far, as its own metrics, the API server and the kernel count it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.cluster import Cluster
from bench.stages.changes import new_writes
from bench.usage import usage_of
from controlplane import OperatorProcess

_SAMPLE_S = 0.25
# The harness follows all TokenChecks on one watch, the operator on another: each event counts once
# for either.
_WATCHED_TWICE = 'kind="TokenCheck"'
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Everything that was counted up to a moment; subtract an earlier one."""

    cpu_s: float
    requests: float
    throttled: float
    status_writes: float
    events: float
    read_mib: float
    watch_mib: float
    writes: Mapping[str, int]

    def since(self, before: Counts) -> dict[str, float]:
        """What was added after ``before``."""
        names = [name for name in self.__slots__ if name != "writes"]
        added = {name: getattr(self, name) - getattr(before, name) for name in names}
        writes = new_writes(dict(before.writes), dict(self.writes))
        return added | {"writes": float(writes)}


async def count(here: Cluster, process: OperatorProcess | None) -> Counts:
    """What is counted now; before an operator runs its own counters stand at zero.

    Asks ``/readyz``, not ``/metrics``: many checks have very many samples.
    """
    told = await facts(process) if process else {}
    requests: dict[str, float] = told.get("apiRequests", {})
    server = _samples((await here.http.request("GET", "/metrics")).decode())
    return Counts(
        cpu_s=usage_of(process.server.pid).cpu_s if process else 0.0,
        requests=sum(requests.values()),
        throttled=told.get("apiRetries", {}).get("Throttled", 0.0),
        status_writes=_of(requests, "patch tokenchecks/status"),
        events=_of(requests, "post events") + _of(requests, "patch events"),
        read_mib=_sum(server, "apiserver_response_sizes_sum") / 2**20,
        watch_mib=_watched_bytes(server) / 2**20,
        writes=await here.writes(),
    )


async def facts(process: OperatorProcess) -> dict[str, Any]:
    """What ``/readyz`` tells: queue, lag, tasks; {} while nobody answers."""
    _, body = await asyncio.to_thread(process.get, "/readyz")
    found: dict[str, Any] = json.loads(body) if body.startswith("{") else {}
    return found


@dataclass(slots=True)
class Looks:
    """What was seen on the way.

    Attributes:
        queue_most: how long the queue has been at most.
        requests: when was looked (``time.monotonic()``), and all requests so far.
    """

    queue_most: float = 0.0
    requests: list[tuple[float, float]] = field(default_factory=list)

    def take(self, told: Mapping[str, Any]) -> None:
        """A look more; {} tells nothing."""
        self.queue_most = max(self.queue_most, float(told.get("queueDepth", 0)))
        if "apiRequests" in told:
            self.requests.append((time.monotonic(), sum(told["apiRequests"].values())))


@asynccontextmanager
async def looks(process: OperatorProcess) -> AsyncIterator[Looks]:
    """Looks at the operator four times a second, until the end of the block."""
    seen = Looks()

    async def look() -> None:
        while True:
            seen.take(await facts(process))
            await asyncio.sleep(_SAMPLE_S)

    task = asyncio.create_task(look())
    try:
        yield seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _samples(text: str) -> dict[str, float]:
    return {f"{name}{{{labels}}}": float(value) for name, labels, value in _SAMPLE.findall(text)}


def _sum(samples: Mapping[str, float], name: str) -> float:
    return sum(value for one, value in samples.items() if one.partition("{")[0] == name)


def _of(requests: Mapping[str, float], what: str) -> float:
    """How many requests of a verb and resource, whatever the answer."""
    return sum(n for name, n in requests.items() if name.rpartition(" ")[0] == what)


def _watched_bytes(server: Mapping[str, float]) -> float:
    return sum(
        value / 2 if _WATCHED_TWICE in name else value
        for name, value in server.items()
        if name.startswith("apiserver_watch_events_sizes_sum{")
    )
