"""Which events a process tells again: after its start, and after a write without an answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.process import KEY, NOW, Process
from tokencheck.model.ports import WriteResult


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
