"""What a death may leave of the TokenChecks of a ClusterTokenCheck, and what turns it red."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cluster.shop import Object
from cluster.statuses import Seen
from faults.kills.spread import BY_HAND, OF_WEB, SpreadStage

SPACE = "kills-1"


class Record:
    """A watch of TokenChecks that is written by hand."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Seen]] = {}

    def put(self, name: str, uid: str, interval: str = "1h", **meta: object) -> Object:
        """A version of a TokenCheck."""
        found: Object = {"metadata": {"name": name, "uid": uid, "generation": 1} | meta}
        found["spec"] = {"interval": interval}
        self.seen.setdefault(name, []).append(Seen(0.0, 0.0, found))
        return copy.deepcopy(found)

    def names(self, _kind: str, namespace: str) -> list[str]:
        assert namespace == SPACE
        return sorted(self.seen)

    def of(self, _kind: str, _namespace: str, name: str) -> list[Seen]:
        return self.seen.get(name, [])


class Nobody:
    """An API server that takes all."""

    def apply(self, manifest: Object) -> Object:
        return manifest


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def stage(record: Record) -> SpreadStage:
    """One that somebody wrote, and one that was made once, renewed once."""
    made: Any = SpreadStage(Nobody(), SPACE, record)
    made.by_hand[BY_HAND] = record.put(BY_HAND, "1", "10m")
    made.select("1h")
    record.put(OF_WEB, "2")
    made.select("2h")
    record.put(OF_WEB, "2", "2h", generation=2)
    stage: SpreadStage = made
    return stage


def test_one_that_was_made_once_and_renewed_is_as_it_has_to_be(stage: SpreadStage) -> None:
    assert stage.wrong() == stage.doubled() == []


def test_one_that_was_made_twice_is_told(stage: SpreadStage, record: Record) -> None:
    record.put(OF_WEB, "3", "2h")
    assert stage.doubled() == [f"{OF_WEB} was made 2 times"]
    assert stage.wrong() == []


def test_one_under_another_name_is_told(stage: SpreadStage, record: Record) -> None:
    record.put("deployment-db", "3")
    assert stage.wrong() == ["deployment-db was made for nothing"]


def test_a_template_that_never_was_is_told(stage: SpreadStage, record: Record) -> None:
    record.put(OF_WEB, "2", "5h", generation=3)
    assert len(stage.wrong()) == 1


@pytest.mark.parametrize("meta", [{"generation": 2}, {"labels": {"a": "b"}}, {"uid": "9"}])
def test_one_that_somebody_wrote_and_that_was_touched_is_told(
    stage: SpreadStage, record: Record, meta: Object
) -> None:
    record.put(BY_HAND, **({"uid": "1", "interval": "10m"} | meta))
    assert len(stage.wrong()) == 1
