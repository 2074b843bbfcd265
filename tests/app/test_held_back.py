"""A pass that was held back is not forgotten when the lead comes while it is under way."""

from __future__ import annotations

from typing import Any

from app.process import CHECK, KEY, Process
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


RELEASED: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "uid": "d", "generation": 2},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}},
    },
    "status": {"observedGeneration": 1},
}
OF_WEB = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


async def test_nothing_is_written_that_builds_on_what_was_held_back() -> None:
    """It follows a release and writes twice: that it rolls out, then what its tokens are."""
    process = Process(
        check=CHECK | {"spec": CHECK["spec"] | {"workloadRef": OF_WEB}}, others=[RELEASED]
    )
    process.answers = [WriteResult.STANDBY]
    assert (await process.look()).retry
    assert process.echo is None
    assert not (await process.look(1)).retry
    assert process.echo is not None
    assert process.echo.status["rollout"]["generation"] == 2
