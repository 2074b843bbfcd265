"""A short form of `make fuzz`: parsers' properties hold for bytes; one that does not is told."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from fuzz.run import fed
from fuzz.targets import OTHERS, PARSERS, Target, targets

_TESTS = Path(__file__).parents[1]
TARGETS = targets()
INPUTS = 20  # of each target, here


def test_every_property_is_fuzzed_or_said_not_to_be() -> None:
    found = {
        ".".join(path.relative_to(_TESTS).with_suffix("").parts)
        for path in _TESTS.rglob("test_*.py")
        if re.search(r"^@given", path.read_text(), re.MULTILINE) and path != Path(__file__)
    }
    assert found == {*PARSERS, *OTHERS}
    assert {one.module for one in TARGETS} == set(PARSERS)


@pytest.mark.parametrize("target", TARGETS, ids=[one.test for one in TARGETS])
def test_it_holds_whatever_bytes_its_examples_are_made_of(target: Target) -> None:
    turns = itertools.count()
    (one,) = fed([target], random.Random(7), lambda: next(turns) < 2 * INPUTS, turn_s=0)
    assert one.failure == ""
    assert one.inputs >= INPUTS


def test_a_parser_that_fails_is_found_and_its_input_kept_for_its_test() -> None:
    database = InMemoryExampleDatabase()

    @settings(database=database)
    @given(st.text(max_size=5))
    def test_planted(text: str) -> None:
        assert len(text) < 3

    feed = test_planted.hypothesis.fuzz_one_input  # type: ignore[attr-defined]
    turns = itertools.count()
    target = Target(module="fuzz.test_fuzz", name="test_planted", feed=feed)
    (one,) = fed([target], random.Random(7), lambda: next(turns) < 2000, turn_s=0.05)
    assert one.failure == "AssertionError"
    assert "FAILED with AssertionError" in one.line
    assert any(database.data.values())
