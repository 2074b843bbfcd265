"""The island, and what ran on it once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from island.enter import Ran, run_vectors, why_not


@pytest.fixture(scope="session")
def island() -> None:
    """Skip, and say why, where no island can be made."""
    if (why := why_not()) is not None:
        pytest.skip(f"no island: {why}")


@pytest.fixture(scope="session")
def ran(island: None, checkout: Path) -> Ran:  # noqa: ARG001 - it skips
    return run_vectors(checkout)
