"""What the chart renders is what stands in the golden files: a change of it is seen in review."""

from __future__ import annotations

import pytest

from cluster.golden import FOLDER, file_of, rendered
from cluster.rendered import SWITCHED


@pytest.mark.parametrize("mode", SWITCHED)
def test_each_mode_renders_byte_for_byte_as_its_golden_file_says(mode: str) -> None:
    golden = (FOLDER / file_of(mode)).read_text()
    assert rendered(mode) == golden, "meant? run: make golden, and look at: git diff"


def test_each_golden_file_is_that_of_a_mode() -> None:
    assert {one.name for one in FOLDER.iterdir()} == set(map(file_of, SWITCHED))
