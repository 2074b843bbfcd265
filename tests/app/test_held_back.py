"""A pass that was held back is not forgotten when the lead comes while it is under way."""

from __future__ import annotations

from app.process import KEY, Process
from tokencheck.engine.leadership import ALONE
from tokencheck.model.ports import WriteResult


async def test_it_comes_again_and_writes() -> None:
    process = Process()
    process.answers = [WriteResult.STANDBY]
    assert (await process.look()).retry
    assert process.echo is None
    assert not (await process.look(1)).retry
    assert process.echo is not None
    assert process.emitted == ["TokenMalformed"]


async def test_while_another_leads_it_waits_until_the_lead_is_taken() -> None:
    process = Process()
    process.answers = [WriteResult.STANDBY]
    process.on_standby = lambda: process.leadership.stop(0)
    assert not (await process.look()).retry
    process.leadership.believe(0, ALONE)
    assert process.standby.take(lambda _: True) == [KEY]
