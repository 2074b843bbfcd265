"""A TokenCheck at rest says what it said, in a fraction of the room."""

from __future__ import annotations

import json
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import TokenCheck
from tokencheck.clients.kube.resting import RestingStatus, at_rest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
STATUSES = st.dictionaries(st.text(), VALUES, max_size=6)


def check(status: dict[str, Any]) -> TokenCheck:
    meta = {"namespace": "shop", "name": "checkout", "uid": "u", "resourceVersion": "7"}
    return parse_tokencheck({"metadata": meta, "spec": {}, "status": status})


@given(STATUSES)
def test_it_is_equal_to_what_it_was_from_either_side(status: dict[str, Any]) -> None:
    resting = at_rest(check(status)).status
    assert resting == status
    assert status == resting
    assert resting == check(status).status
    assert check(status).status == resting
    assert dict(resting) == status
    assert len(resting) == len(status)


@given(STATUSES, STATUSES)
def test_two_are_equal_exactly_when_they_say_the_same(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    turned = dict(reversed(one.items()))
    assert at_rest(check(one)).status == at_rest(check(turned)).status
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (at_rest(check(one)).status == at_rest(check(other)).status) == same


def test_what_a_reader_took_apart_ends_with_him() -> None:
    kept = at_rest(check({"verdict": "Valid", "tokens": [{"name": "api"}] * 8}))
    handed = at_rest(kept)
    assert handed.status["verdict"] == "Valid"
    assert isinstance(kept.status, RestingStatus)
    assert isinstance(handed.status, RestingStatus)
    assert kept.status.packed is handed.status.packed
    assert kept.status._read is None  # noqa: SLF001 - nothing else shows it


def test_a_status_as_it_is_written_needs_less_than_a_kibibyte() -> None:
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "AllChecksPassed",
        "message": "Every check passed",
        "lastTransitionTime": "2026-11-27T10:00:00Z",
        "observedGeneration": 1,
    }
    conditions = [condition | {"type": f"Kind{number}"} for number in range(8)]
    kept = at_rest(check({"conditions": conditions, "verdict": "Valid", "findings": []})).status
    assert isinstance(kept, RestingStatus)
    assert sys.getsizeof(kept.packed) < 1024
