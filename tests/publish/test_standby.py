"""What is held back: settled by the leader's status, due where that did not come."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core_outcome_builders import Life, assessed, failing, passing
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.outcome.patch import merge_patch
from tokencheck.gather.memory import Recollection
from tokencheck.model.keys import Key
from tokencheck.model.ports import Remembered
from tokencheck.model.reasons import Reason
from tokencheck.publish.standby import Standby, merged

KEY = Key("TokenCheck", "shop", "checkout")
OLD: Mapping[str, Any] = {"verdict": "Valid", "conditions": [condition := {"type": "Ready"}]}
NEW = {"verdict": "Invalid", "conditions": [condition | {"lastTransitionTime": "10:00"}]}
NEW_OF_THE_LEADER = NEW | {"conditions": [condition | {"lastTransitionTime": "10:01"}]}
PATCH = merge_patch(OLD, NEW)


def due(standby: Standby) -> list[Key]:
    return standby.take(lambda _: True)


def test_what_the_leader_did_not_get_to_is_due_once() -> None:
    standby = Standby(Recollection())
    standby.judged(KEY, (PATCH,), OLD)
    assert due(standby) == [KEY]
    assert due(standby) == []


def test_the_leader_s_status_settles_it_whatever_the_second_of_its_transitions() -> None:
    standby = Standby(Recollection())
    standby.judged(KEY, (PATCH,), OLD)
    standby.told(KEY, NEW_OF_THE_LEADER)
    assert due(standby) == []


def test_a_status_that_came_while_we_judged_settles_it_too() -> None:
    standby = Standby(Recollection())
    standby.told(KEY, NEW_OF_THE_LEADER)
    standby.judged(KEY, (PATCH,), NEW_OF_THE_LEADER)
    assert due(standby) == []


def test_the_status_of_an_older_change_settles_nothing() -> None:
    """The leader wrote the change before the last, and then it died."""
    standby = Standby(Recollection())
    standby.judged(KEY, (PATCH,), OLD)
    standby.told(KEY, OLD | {"verdict": "Unknown"})
    assert due(standby) == [KEY]


def test_a_status_that_we_did_not_expect_is_judged_when_we_take_over() -> None:
    standby = Standby(Recollection())
    standby.judged(KEY, (), OLD)
    standby.told(KEY, NEW)
    assert due(standby) == [KEY]


def test_two_patches_of_one_pass_are_one_wish() -> None:
    """The opening of a rollout and its end: the leader has written both."""
    standby = Standby(Recollection())
    opening = {**OLD, "verdict": "Unknown", "rollout": {"generation": 2}}
    both = (merge_patch(OLD, opening), merge_patch(opening, NEW))
    standby.judged(KEY, both, OLD)
    standby.told(KEY, opening)
    standby.told(KEY, NEW_OF_THE_LEADER)
    assert due(standby) == []


def test_what_is_gone_is_not_held() -> None:
    standby = Standby(Recollection())
    standby.judged(KEY, (PATCH,), OLD)
    standby.judged(KEY, (PATCH,), None)
    assert due(standby) == []


def test_only_what_is_ours_now_is_taken() -> None:
    standby, other = Standby(Recollection()), Key("TokenCheck", "billing", "oidc")
    standby.judged(KEY, (PATCH,), OLD)
    standby.judged(other, (PATCH,), OLD)
    assert standby.take(lambda key: key.namespace == "shop") == [KEY]
    assert due(standby) == [other]


def test_the_time_of_a_change_is_the_one_that_the_leader_saw() -> None:
    """Else the first write after a takeover would move changedTime, and with it StaleInPods."""
    memory, seen = Recollection(), datetime(2026, 7, 1, 12, 0, 9, tzinfo=UTC)
    known = Remembered(secret_uid="u", fingerprint=b"f", changed_at=seen, witnessed=False)
    memory.remember(KEY, "api", known)
    standby = Standby(memory)
    token = {"name": "api", "verdict": "Valid"}
    ours = {"tokens": [token | {"changedTime": "2026-07-01T12:00:09Z"}]}
    standby.judged(KEY, (merge_patch(OLD, ours),), OLD)
    standby.told(KEY, {"tokens": [token | {"changedTime": "2026-07-01T12:00:08Z"}]})
    assert due(standby) == []
    learnt = memory.recall(KEY, "api")
    assert learnt is not None
    assert learnt.changed_at.replace(microsecond=0) == datetime(2026, 7, 1, 12, 0, 8, tzinfo=UTC)
    assert learnt.witnessed


def test_a_real_pass_is_settled_by_the_status_that_a_real_leader_writes() -> None:
    life = Life()
    life.judge(assessed(*passing()))
    good = life.check.status
    bad = life.judge(assessed(*failing(Reason.TOKEN_EXPIRED))).status
    standby = Standby(Recollection())
    standby.judged(KEY, (merge_patch(good, bad),), good)
    standby.told(KEY, good)
    assert len(standby) == 1
    standby.told(KEY, bad)
    assert len(standby) == 0


JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner) | st.lists(inner, max_size=2),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON)


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_makes_one_of_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert merged(old, merge_patch(old, new)) == new
