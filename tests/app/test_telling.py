"""Which events a process tells again: after its start, and after a write without an answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.app.passes import CountedStatus, Passes, Role
from tokencheck.app.recovery import Recovery
from tokencheck.clients.manifests import Manifests
from tokencheck.core.outcome.patch import merge_patch
from tokencheck.engine.leadership import ALONE, Leadership
from tokencheck.gather.once import sources_once
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
WORK = Work(key=KEY, causes=frozenset({Cause.SPEC_CHANGED}), first_seen=0.0)
CHECK = {
    "kind": "TokenCheck",
    "metadata": {"name": "checkout", "namespace": "shop", "uid": "u", "generation": 1},
    "spec": {"tokens": [{"name": "api", "secretKeyRef": {"name": "api", "key": "token"}}]},
}
SECRET = {
    "kind": "Secret",
    "metadata": {"name": "api", "namespace": "shop"},
    "stringData": {"token": "not a token\x07"},
}


class Process:
    """An operator that judges one check whose token is malformed, and a server that answers it."""

    def __init__(self, server: Process | None = None) -> None:
        self.answers: list[WriteResult] = []
        self.emitted: list[str] = []
        self.retold: list[str] = []
        self.inventory = server.inventory if server else Manifests([CHECK, SECRET])
        self.echo: TokenCheck | None = None
        sources = sources_once(self.inventory, b"k" * 32)
        tally = Tally()
        counted = CountedStatus(
            self, tally, Recovery(lambda _: None), look=self.reread, writing=set()
        )
        sinks = Sinks(status=counted, events=self, board=self, shelf=self)
        alone = Leadership(("tokencheck",), lambda: 0.0, until=ALONE)
        role = Role(leadership=alone, standby=Standby(sources.memory))
        self.passes = Passes(
            sources, sinks, counted, tally, lambda: 0.0, settle=lambda _: None, role=role
        )

    async def look(self, after_s: float = 0.0) -> Next:
        return await self.passes.check(WORK, NOW + timedelta(seconds=after_s))

    async def write(self, key: Key, **what: Any) -> tuple[WriteResult, str]:
        """The server applies what it does not answer, too."""
        answer = self.answers.pop(0) if self.answers else WriteResult.WRITTEN
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
        self.put_check(self.echo)

    def put_check(self, check: TokenCheck) -> None:
        self.inventory._checks[KEY] = check  # noqa: SLF001 - a status, which files do not have

    def emit(self, event: Event) -> None:
        self.emitted.append(event.reason)

    def retell(self, events: Iterable[Event]) -> None:
        self.retold += [event.reason for event in events]

    def put(self, *_: object) -> None:
        """Take no note of it."""

    def drop(self, key: Key) -> None:
        """Take no note of it."""


async def test_what_a_process_told_itself_it_does_not_tell_again() -> None:
    process = Process()
    await process.look()
    await process.look(60)
    assert (process.emitted, process.retold) == (["TokenMalformed"], [])


async def test_a_process_that_starts_tells_again_once() -> None:
    dead = Process()
    await dead.look()
    successor = Process(dead)
    await successor.look(30)
    await successor.look(60)
    assert (successor.emitted, successor.retold) == ([], ["TokenMalformed"])


async def test_a_replica_that_takes_over_tells_again_what_it_had_seen() -> None:
    process = Process()
    await process.look()
    process.passes.tell_again([KEY], NOW + timedelta(seconds=30))
    assert process.retold == ["TokenMalformed"]


@pytest.mark.parametrize("conflicts", [0, 1, 3])
async def test_a_write_that_was_made_and_not_answered_is_told_when_its_echo_comes(
    conflicts: int,
) -> None:
    process = Process()
    process.answers = [WriteResult.FAILED] + [WriteResult.CONFLICT] * conflicts
    assert (await process.look()).retry
    for number in range(conflicts):
        assert (await process.look(number + 1)).retry
    process.hear()
    assert not (await process.look(10)).retry
    assert (process.emitted, process.retold) == ([], ["TokenMalformed"])
