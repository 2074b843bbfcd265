"""The passes as the engine calls them: with their sources and sinks, and measured."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tokencheck.app.recovery import Recovery
from tokencheck.core.outcome.beat import next_beat
from tokencheck.core.outcome.transitions import retold
from tokencheck.engine.leadership import Leadership
from tokencheck.gather.sources import Sources
from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.model.ports import StatusSink, WriteResult
from tokencheck.model.work import Next, Work
from tokencheck.passes.check import check_pass, forget
from tokencheck.passes.provider import provider_pass
from tokencheck.publish.publish import Sinks
from tokencheck.publish.standby import Standby
from tokencheck.web.tally import Tally

_log = logging.getLogger(__name__)
# The conditions whose transitions are logged, and the field of the line that says their status.
_TOLD = {"Ready": "ready", "Suspended": "suspended"}


class CountedStatus:
    """A StatusSink that counts and logs.

    `wrote` holds keys written and not asked for since, `unanswered` those of which a write may or
    may not have been made, `held` the patches of a running pass that were held back.
    """

    def __init__(
        self,
        sink: StatusSink,
        tally: Tally,
        recovery: Recovery,
        *,
        look: Callable[[Key], Awaitable[None]],
        writing: set[Key],
    ) -> None:
        """Count the writes of `sink`.

        Args:
            sink: writes.
            tally: counts.
            recovery: tries again what did not get through.
            look: reads an object whose version was not the one that we held.
            writing: holds the keys whose write is under way.
        """
        self._recovery = recovery
        self._sink = sink
        self._look = look
        self._tally = tally
        self.wrote: set[Key] = set()
        self.unanswered: set[Key] = set()
        self.held: dict[Key, list[Mapping[str, Any]]] = {}
        self._writing = writing
        self._told: dict[Key, tuple[str, str]] = {}  # status and reason as last logged

    async def write(
        self, key: Key, *, uid: str, resource_version: str, status: Mapping[str, Any]
    ) -> tuple[WriteResult, str]:
        """Write as the sink does; one log line for each transition of Ready.

        What a pass writes after a patch that was held back is held back too, even if the lead has
        come meanwhile: it was computed as if that patch stood.
        """
        result, version = await self._send(key, uid, resource_version, status)
        self._tally.wrote(result)
        match result:
            case WriteResult.WRITTEN:
                self.wrote.add(key)
                self._log_transition(key, status)
                self._recovery.worked(key)
            case WriteResult.FAILED | WriteResult.REFUSED:
                if result is WriteResult.FAILED:
                    self.unanswered.add(key)
                self._recovery.failed(key)
            case WriteResult.GONE:
                self.forget(key)
            case WriteResult.CONFLICT:
                self.unanswered.add(key)  # what lies between may have sent it twice
                await self._look(key)
            case WriteResult.STANDBY:
                self.held.setdefault(key, []).append(status)
                self._recovery.forget(key)
            case WriteResult.REJECTED:
                pass  # whoever publishes writes something else
        return result, version

    async def _send(
        self, key: Key, uid: str, resource_version: str, status: Mapping[str, Any]
    ) -> tuple[WriteResult, str]:
        if key in self.held:
            return WriteResult.STANDBY, ""
        self._writing.add(key)
        try:
            return await self._sink.write(
                key, uid=uid, resource_version=resource_version, status=status
            )
        finally:
            self._writing.discard(key)

    def forget(self, key: Key) -> None:
        """Keep nothing of an object that is gone."""
        self._told.pop(key, None)
        self.unanswered.discard(key)
        self._recovery.forget(key)

    def _log_transition(self, key: Key, status: Mapping[str, Any]) -> None:
        """Log one line when Ready (of a stopped check: Suspended) is another than at the last."""
        told = next((c for c in status.get("conditions") or () if c["type"] in _TOLD), None)
        if told is None or self._told.get(key) == (told["status"], told["reason"]):
            return
        self._told[key] = (told["status"], told["reason"])
        said = {_TOLD[told["type"]]: told["status"], "reason": told["reason"]}
        _log.info("%s: %s=%s %s", key, told["type"], told["status"], told["reason"], extra=said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What this process leads, and what it holds back of the rest."""

    leadership: Leadership
    standby: Standby


class Passes:
    """One callable for each of our kinds."""

    def __init__(
        self,
        sources: Sources,
        sinks: Sinks,
        counted: CountedStatus,
        tally: Tally,
        monotonic: Callable[[], float],
        *,
        settle: Callable[[Key], None],
        role: Role,
    ) -> None:
        """Join what passes need.

        `settle` takes what came while a pass wrote; `role` says what this process leads.
        """
        self._role = role
        self._settle = settle
        self._sources = sources
        self._sinks = sinks
        self._counted = counted
        self._tally = tally
        self._monotonic = monotonic
        self._told: set[Key] = set()  # whose transitions are known to be told, or queued to be
        self._stands: dict[Key, datetime] = {}  # until when the last result stands by itself

    async def check(self, work: Work, now: datetime) -> Next:
        """Run the pass of a TokenCheck; a reaction to a Secret is measured."""
        if not self._role.leadership.concerns(work.key):
            return self._leave(work.key)
        if (confirmed := self._confirmed(work, now)) is not None:
            return confirmed
        self._stands.pop(work.key, None)
        self._counted.held.pop(work.key, None)  # by a pass that did not come to its end
        self._tell_again(work.key, now)
        try:
            following = await check_pass(work.key, now, sources=self._sources, sinks=self._sinks)
        finally:
            self._settle(work.key)
        self._doubt(work.key, following)
        if following.stands_until is not None:
            self._stands[work.key] = following.stands_until
        check = self._sources.inventory.check(work.key)
        following = self._judged(work.key, check.status if check else None, following)
        if check is None:
            self._counted.forget(work.key)
            self._told.discard(work.key)
        written = work.key in self._counted.wrote
        self._counted.wrote.discard(work.key)
        if written and Cause.SECRET_CHANGED in work.causes:
            self._tally.reacted(self._monotonic() - work.first_seen)
        return following

    def _confirmed(self, work: Work, now: datetime) -> Next | None:
        """Let a result stand on the check's beat: a pass would read the same and say the same.

        What it rests on is watched, and compared with the API server every minute: any change
        would be among the causes. Between moments that the pass named, time changes nothing.
        """
        until = self._stands.get(work.key)
        check = self._sources.inventory.check(work.key)
        if until is None or check is None or work.causes != {Cause.THRESHOLD} or now >= until:
            return None
        if not self._sources.interest.is_fresh(work.key):
            return None  # a watch is refused or dead, and a read may yet be answered
        self._sinks.board.confirm(work.key)
        return Next(wake_at=min(until, next_beat(check, now)), stands_until=until)

    def tell_again(self, keys: Iterable[Key], now: datetime) -> None:
        """Tell what the former leader of these checks wrote and may not have lived to tell."""
        for key in keys:
            self._told.discard(key)
            self._tell_again(key, now)

    def _leave(self, key: Key) -> Next:
        """Keep nothing of a check that other processes lead, now and next."""
        self._role.standby.judged(key, (), None)
        self._counted.forget(key)
        self._told.discard(key)
        self._stands.pop(key, None)
        return forget(key, self._sources, self._sinks)

    def _judged(self, key: Key, status: Mapping[str, Any] | None, following: Next) -> Next:
        """Have a pass that was held back come again, if the lead came while it was under way."""
        patches = self._counted.held.pop(key, [])
        self._role.standby.judged(key, tuple(patches), status)
        late = bool(patches) and self._role.leadership.leads(key)
        return replace(following, retry=True) if late else following

    def _doubt(self, key: Key, following: Next) -> None:
        """Tell again after a write without an answer: it may have been made, and not told.

        Until a pass has ended well: before its echo comes, the status looks as if it had not.
        """
        if key not in self._counted.unanswered:
            return
        self._told.discard(key)
        if not following.retry:
            self._counted.unanswered.discard(key)

    def _tell_again(self, key: Key, now: datetime) -> None:
        """Before the first pass, tell what another process may have written and not told."""
        if key in self._told or not self._role.leadership.leads(key):
            return
        self._told.add(key)
        if (check := self._sources.inventory.check(key)) is not None:
            self._sinks.events.retell(retold(check, now))

    async def provider(self, work: Work, now: datetime) -> Next:
        """Run the pass of a TokenProvider."""
        following = await provider_pass(
            work,
            now,
            sources=self._sources,
            status=self._counted,
            events=self._sinks.events,
        )
        provider = self._sources.inventory.provider(work.key.name)
        return self._judged(work.key, provider.status if provider else None, following)
