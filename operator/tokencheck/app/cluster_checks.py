"""The part of the operator that keeps the TokenChecks of ClusterTokenChecks, when it is wanted."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tokencheck.clients.kube.estate import KubeEstate
from tokencheck.clients.kube.health import Watch
from tokencheck.clients.kube.maker import KubeMaker
from tokencheck.clients.kube.status import StatusWriter
from tokencheck.clients.kube.transport import Limits, Transport
from tokencheck.clients.kube.watching import NORMAL
from tokencheck.engine.leadership import Leadership
from tokencheck.model.errors import place_of
from tokencheck.model.keys import Key
from tokencheck.model.ports import StatusSink, WriteResult
from tokencheck.model.rounds import Progress
from tokencheck.passes.spread import Rounds
from tokencheck.web.tally import Tally

LIMITS = Limits(connections=4, streams=8)
PAUSE_S = 1.0  # between two rounds: what changes meanwhile is taken together
BEAT_S = 30.0  # refused writes are tried again
AFTER_A_BUG_S = 10.0
_log = logging.getLogger(__name__)
_ALL = Key("ClusterTokenCheck", "", "")


class ClusterChecks:
    """Goes round whenever something changed, while this process leads; `run` it as a task."""

    def __init__(
        self, transport: Transport, leadership: Leadership, tally: Tally, *, every_s: float
    ) -> None:
        """Join the parts.

        Args:
            transport: for this alone, so that its writes hold up no verdict's.
            leadership: of this process; ClusterTokenChecks are of the shard of no namespace.
            tally: counts the writes of a status.
            every_s: seconds between two lists, which find what no watch told.
        """
        self._woken = asyncio.Event()
        self._leads: Callable[[], bool] = lambda: leadership.leads(_ALL)
        pace = replace(NORMAL, compare_s=every_s)
        self._estate = KubeEstate(transport, self._woken.set, pace=pace)
        self._rounds = Rounds(
            self._estate,
            KubeMaker(transport, leads=self._leads),
            _Counted(StatusWriter(transport, leads=leadership.leads), tally),
            wall=lambda: datetime.now(UTC),
            monotonic=time.monotonic,
        )
        self._whole_at = time.monotonic()

    def progress(self) -> Progress:
        """Return how the rounds go; what another replica keeps is for that one to tell."""
        leads = self._leads()
        return Progress(
            steps=dict(self._rounds.taken),
            age_s=time.monotonic() - self._whole_at if leads else None,
            accounts=self._rounds.accounts if leads else {},
        )

    def watches(self) -> tuple[Watch, ...]:
        """Return how its own watches are, beside those of all other verdicts."""
        return self._estate.watches()

    async def run(self) -> None:
        """Go round until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._estate.run())
            group.create_task(self._go())

    async def _go(self) -> None:
        went_at = -BEAT_S
        while True:
            await asyncio.sleep(PAUSE_S)
            if not self._leads():
                self._whole_at = time.monotonic()  # from when it leads
                self._rounds.accounts = {}  # what another one has changed since is not known here
                continue
            if not self._woken.is_set() and time.monotonic() - went_at < BEAT_S:
                continue
            self._woken.clear()
            went_at = time.monotonic()
            if await self._round():
                self._woken.set()

    async def _round(self) -> bool:
        """Go once, and return whether to go again soon: a bug must not end all other verdicts."""
        try:
            more = await self._rounds.go()
        except Exception as error:  # noqa: BLE001 - what is planned anew may be another plan
            kinds = {type(e).__name__ for e in getattr(error, "exceptions", (error,))}
            where = {"where": place_of(error)}
            _log.error("a round over ClusterTokenChecks ended by %s", kinds, extra=where)
            await asyncio.sleep(AFTER_A_BUG_S)
            return True
        if self._rounds.whole:
            self._whole_at = time.monotonic()
        return more


class _Counted:
    """A StatusSink that counts."""

    def __init__(self, sink: StatusSink, tally: Tally) -> None:
        self._sink = sink
        self._tally = tally

    async def write(
        self, key: Key, *, uid: str, resource_version: str, status: Mapping[str, Any]
    ) -> tuple[WriteResult, str]:
        result, version = await self._sink.write(
            key, uid=uid, resource_version=resource_version, status=status
        )
        self._tally.wrote(result)
        return result, version
