"""On its beat a check is judged from what stands, as long as only a change could say otherwise."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.process import KEY, NOW, Process
from tokencheck.core.outcome.beat import next_beat
from tokencheck.model.change import Cause
from tokencheck.model.ports import WriteResult

HOUR_S = 3600.0


async def judged() -> Process:
    """It has no end."""
    process = Process(token="opaque-and-without-an-end-0001")
    await process.look()
    process.hear()
    process.shown.clear()
    return process


async def test_a_beat_reads_nothing_and_confirms_what_is_shown() -> None:
    process = await judged()
    following = await process.look(HOUR_S, Cause.THRESHOLD)
    assert process.shown == ["confirmed"]
    check = process.inventory.check(KEY)
    assert check is not None
    assert following.wake_at == next_beat(check, NOW + timedelta(seconds=HOUR_S))


@pytest.mark.parametrize("cause", [one for one in Cause if one is not Cause.THRESHOLD])
async def test_whatever_else_makes_a_check_due_has_it_judged(cause: Cause) -> None:
    process = await judged()
    await process.look(HOUR_S, cause)
    assert process.shown == ["judged"]


async def test_a_moment_that_the_pass_named_has_it_judged() -> None:
    process = Process()
    await process.look()  # stalled for a minute
    process.hear()
    await process.look(59, Cause.THRESHOLD)
    await process.look(60, Cause.THRESHOLD)
    assert process.shown == ["judged", "confirmed", "judged"]


async def test_while_a_watch_is_refused_or_dead_a_beat_has_it_judged() -> None:
    process = await judged()
    process.watched.lives = False
    await process.look(HOUR_S, Cause.THRESHOLD)
    process.watched.lives = True
    await process.look(2 * HOUR_S, Cause.THRESHOLD)
    assert process.shown == ["judged", "confirmed"]


@pytest.mark.parametrize("ended", [WriteResult.FAILED, WriteResult.CONFLICT, WriteResult.REFUSED])
async def test_what_is_not_known_to_be_written_does_not_stand(ended: WriteResult) -> None:
    process = Process()
    process.answers = [ended]
    await process.look()
    process.shown.clear()
    await process.look(HOUR_S, Cause.THRESHOLD)
    assert process.shown == ["judged"]
