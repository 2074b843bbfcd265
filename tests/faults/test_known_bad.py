"""Each known-bad build can still be made: what it replaces stands in the sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.catalogue import catalogue
from faults.kills import known_bad as kills
from faults.known_bad import BUILDS, Build


@pytest.mark.parametrize("build", [*BUILDS, *kills.BUILDS], ids=lambda build: build.name)
def test_a_known_bad_build_can_still_be_made(build: Build, tmp_path: Path) -> None:
    """`make faults ARGS=--known-bad` and `make faults-kill ARGS=--known-bad` run it."""
    sources = build.make(tmp_path)
    for change in build.changes:
        text = (sources / "tokencheck" / change.file).read_text()
        compile(text, change.file, "exec")


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.name)
def test_the_faults_that_show_a_known_bad_build_exist(build: Build) -> None:
    there = {fault.name: fault for fault in catalogue("")}
    assert set(build.faults) <= there.keys()
    assert build.replicas > 1 or not any(there[name].elected for name in build.faults)
