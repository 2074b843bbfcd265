"""A process that judges one check, and a server that answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.app.passes import CountedStatus, Passes, Role
from tokencheck.app.recovery import Recovery
from tokencheck.clients.manifests import Manifests
from tokencheck.core.outcome.patch import merge_patch
from tokencheck.engine.leadership import ALONE, Leadership
from tokencheck.gather.once import NoInterest, sources_once
from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Event
from tokencheck.model.ports import WriteResult
from tokencheck.model.work import Next, Work
from tokencheck.publish.publish import Sinks
from tokencheck.publish.standby import Standby
from tokencheck.web.tally import Tally

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = Key("TokenCheck", "shop", "checkout")
CHECK = {
    "kind": "TokenCheck",
    "metadata": {"name": "checkout", "namespace": "shop", "uid": "u", "generation": 1},
    "spec": {"tokens": [{"name": "api", "secretKeyRef": {"name": "api", "key": "token"}}]},
}
MALFORMED = "not a token\x07"


def secret_of(token: str) -> dict[str, Any]:
    return {
        "kind": "Secret",
        "metadata": {"name": "api", "namespace": "shop"},
        "stringData": {"token": token},
    }


class Watched(NoInterest):
    """Every watch lives, while `lives`."""

    lives = True

    def is_fresh(self, key: Key) -> bool:
        return self.lives


class Process:
    """An operator that judges one check, and a server that answers it."""

    def __init__(
        self,
        server: Process | None = None,
        *,
        token: str = MALFORMED,
        check: Mapping[str, Any] = CHECK,
        others: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self.answers: list[WriteResult] = []
        self.emitted: list[str] = []
        self.retold: list[str] = []
        self.shown: list[str] = []
        self.on_standby: Callable[[], None] = lambda: None
        objects = [check, secret_of(token), *others]
        self.inventory = server.inventory if server else Manifests(objects)
        self.echo: TokenCheck | None = None
        self.watched = Watched()
        sources = replace(sources_once(self.inventory, b"k" * 32), interest=self.watched)
        tally = Tally()
        counted = CountedStatus(
            self, tally, Recovery(lambda _: None), look=self.reread, writing=set()
        )
        sinks = Sinks(status=counted, events=self, board=self, shelf=self)
        self.leadership = Leadership(("tokencheck",), lambda: 0.0, until=ALONE)
        self.standby = Standby(sources.memory)
        role = Role(leadership=self.leadership, standby=self.standby)
        self.passes = Passes(
            sources, sinks, counted, tally, lambda: 0.0, settle=lambda _: None, role=role
        )

    async def look(self, after_s: float = 0.0, cause: Cause = Cause.SPEC_CHANGED) -> Next:
        work = Work(key=KEY, causes=frozenset({cause}), first_seen=0.0)
        return await self.passes.check(work, NOW + timedelta(seconds=after_s))

    async def write(self, key: Key, **what: Any) -> tuple[WriteResult, str]:
        """The server applies what it does not answer, too."""
        answer = self.answers.pop(0) if self.answers else WriteResult.WRITTEN
        if answer is WriteResult.STANDBY:
            self.on_standby()
        if answer in (WriteResult.WRITTEN, WriteResult.FAILED):
            check = self.inventory.check(key)
            assert check is not None
            status = {**check.status, **what["status"]}
            assert not merge_patch(status, {**status, **what["status"]})
            self.echo = replace(check, status=status, resource_version="2")
        return answer, "2"

    async def reread(self, key: Key) -> None:
        """Take no note of it: the echo is what comes."""

    def hear(self) -> None:
        """The echo of the last write that the server applied comes."""
        assert self.echo is not None
        self.put_written(self.echo)

    def put_written(self, check: TokenCheck) -> None:
        self.inventory._checks[KEY] = check  # noqa: SLF001 - a status, which files do not have

    def emit(self, event: Event) -> None:
        self.emitted.append(event.reason)

    def retell(self, events: Iterable[Event]) -> None:
        self.retold += [event.reason for event in events]

    def put(self, *_: object) -> None:
        self.shown.append("judged")

    def confirm(self, key: Key) -> None:
        self.shown.append("confirmed")

    def drop(self, key: Key) -> None:
        """Take no note of it."""
