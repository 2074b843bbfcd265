"""What is written, and what instead when the API server does not take it."""

from collections.abc import Mapping
from typing import Any

from core_outcome_builders import Life, assessed, failing, passing

from tokencheck.core.outcome.linter import faults_of
from tokencheck.core.outcome.patch import merge_patch
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Event
from tokencheck.model.ports import WriteResult
from tokencheck.model.reasons import Reason
from tokencheck.publish.publish import Published, Sinks, publish

KEY = Key("TokenCheck", "shop", "checkout")


class Store:
    """An API server's one object: takes what its schema takes, and tells in which order."""

    def __init__(self, *answers: WriteResult) -> None:
        self.answers = list(answers)
        self.patches: list[Mapping[str, Any]] = []
        self.told: list[str] = []

    async def write(self, key: Key, *, uid: str, resource_version: str, status: Any) -> Any:
        self.patches.append(status)
        self.told.append("status")
        return self.answers.pop(0), "2"

    def emit(self, event: Event) -> None:
        self.told.append(event.reason)

    def put(self, *_: object) -> None:
        self.told.append("board")

    def drop(self, key: Key) -> None:
        self.told.append("drop")

    def put_written(self, check: object) -> None:
        self.told.append("shelf")


def judged(store: Store) -> tuple[Life, Any, Sinks]:
    life = Life()
    before = life.check
    outcome = life.judge(assessed(*passing()))
    life.check = before
    return life, outcome, Sinks(status=store, events=store, board=store, shelf=store)


async def test_events_and_board_follow_the_status_and_never_come_before_it() -> None:
    store = Store(WriteResult.WRITTEN)
    life, outcome, sinks = judged(store)
    end, written = await publish(KEY, life.check, outcome, None, sinks)
    assert end is Published.DONE
    assert store.told == ["status", "shelf", "TokenVerified", "board"]
    assert (written.resource_version, written.status) == ("2", outcome.status)


async def test_a_status_that_lost_the_race_tells_nobody_anything() -> None:
    for answer, end in (
        (WriteResult.CONFLICT, Published.SUPERSEDED),
        (WriteResult.GONE, Published.GONE),
        (WriteResult.FAILED, Published.RETRY),
        (WriteResult.REFUSED, Published.RETRY),
    ):
        store = Store(answer)
        life, outcome, sinks = judged(store)
        assert (await publish(KEY, life.check, outcome, None, sinks))[0] is end
        assert store.told == ["status"]


async def test_a_status_that_the_schema_rejects_never_leaves_an_older_verdict_standing() -> None:
    store = Store(WriteResult.REJECTED, WriteResult.WRITTEN)
    life = Life()
    life.judge(assessed(*passing()))
    good = life.check
    outcome = life.judge(assessed(*failing(Reason.TOKEN_EXPIRED)))
    sinks = Sinks(status=store, events=store, board=store, shelf=store)
    end, written = await publish(KEY, good, outcome, None, sinks)
    assert end is Published.DONE
    (ready,) = written.status["conditions"]
    assert (ready["status"], ready["reason"]) == ("Unknown", "StatusRejected")
    assert store.patches[1] == merge_patch(good.status, written.status)
    assert faults_of(written.status, good.generation) == []


async def test_an_outcome_that_changes_nothing_writes_nothing() -> None:
    store = Store()
    life = Life()
    life.judge(assessed(*passing()))
    same = life.judge(assessed(*passing()))
    sinks = Sinks(status=store, events=store, board=store, shelf=store)
    await publish(KEY, life.check, same, None, sinks)
    assert store.told == ["board"]


async def test_one_that_stands_by_tells_nobody_and_goes_on_as_if_it_had_written() -> None:
    store = Store(WriteResult.STANDBY)
    life, outcome, sinks = judged(store)
    end, standing = await publish(KEY, life.check, outcome, None, sinks)
    assert end is Published.STANDBY
    assert store.told == ["status", "board"]
    assert standing.status == outcome.status
    assert standing.resource_version == life.check.resource_version
