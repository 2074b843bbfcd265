"""The passes as the engine calls them: with their sources and sinks, and measured."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tokencheck.gather.sources import Sources
from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.model.ports import StatusSink, WriteResult
from tokencheck.model.work import Next, Work
from tokencheck.passes.check import check_pass
from tokencheck.passes.provider import provider_pass
from tokencheck.publish.publish import Sinks
from tokencheck.web.tally import Tally

_log = logging.getLogger(__name__)


class CountedStatus:
    """A StatusSink that counts and logs; `wrote` holds keys written and not asked for since."""

    def __init__(self, sink: StatusSink, tally: Tally) -> None:
        """Count the writes of `sink`."""
        self._sink = sink
        self._tally = tally
        self.wrote: set[Key] = set()
        self.writing: set[Key] = set()
        self._told: dict[Key, tuple[str, str]] = {}  # Ready as last logged

    async def write(
        self, key: Key, *, uid: str, resource_version: str, status: Mapping[str, Any]
    ) -> tuple[WriteResult, str]:
        """Write as the sink does; one log line for each transition of Ready."""
        self.writing.add(key)
        try:
            result, version = await self._sink.write(
                key, uid=uid, resource_version=resource_version, status=status
            )
        finally:
            self.writing.discard(key)
        self._tally.wrote(result)
        if result is WriteResult.WRITTEN:
            self.wrote.add(key)
            self._log_transition(key, status)
        elif result is WriteResult.GONE:
            self._told.pop(key, None)
        return result, version

    def forget(self, key: Key) -> None:
        """Keep nothing of an object that is gone."""
        self._told.pop(key, None)

    def _log_transition(self, key: Key, status: Mapping[str, Any]) -> None:
        """Log one line when Ready says something else than at the last line."""
        ready = next((c for c in status.get("conditions") or () if c["type"] == "Ready"), None)
        if ready is None or self._told.get(key) == (ready["status"], ready["reason"]):
            return
        self._told[key] = told = (ready["status"], ready["reason"])
        _log.info("%s: Ready=%s %s", key, *told, extra={"ready": told[0], "reason": told[1]})


class Passes:
    """One callable for each of our kinds."""

    def __init__(
        self,
        sources: Sources,
        sinks: Sinks,
        counted: CountedStatus,
        tally: Tally,
        monotonic: Callable[[], float],
    ) -> None:
        """Join what passes need."""
        self._sources = sources
        self._sinks = sinks
        self._counted = counted
        self._tally = tally
        self._monotonic = monotonic

    async def check(self, work: Work, now: datetime) -> Next:
        """Run the pass of a TokenCheck; a reaction to a Secret is measured."""
        following = await check_pass(work.key, now, sources=self._sources, sinks=self._sinks)
        if self._sources.inventory.check(work.key) is None:
            self._counted.forget(work.key)
        written = work.key in self._counted.wrote
        self._counted.wrote.discard(work.key)
        if written and Cause.SECRET_CHANGED in work.causes:
            self._tally.reacted(self._monotonic() - work.first_seen)
        return following

    async def provider(self, work: Work, now: datetime) -> Next:
        """Run the pass of a TokenProvider."""
        return await provider_pass(work.key, now, sources=self._sources, status=self._counted)
