"""What every test may use. Fixtures that need a control plane stand in ``cluster/``."""

from __future__ import annotations

import sys
from pathlib import Path

import hypothesis
import pytest

from swept import (  # noqa: F401 - hooks
    pytest_configure,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)

_CLUSTER = Path(__file__).parent / "cluster"

# A shared or slow machine says nothing about our code; a failure is reproduced from its blob.
hypothesis.settings.register_profile("tokencheck", deadline=None, print_blob=True)
hypothesis.settings.load_profile("tokencheck")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes come first: small ones at the end keep all workers busy."""
    items.sort(key=lambda item: _CLUSTER not in item.path.parents)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root folder of the repository."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def program() -> Path:
    """The `tokencheck` of this environment."""
    return Path(sys.executable).with_name("tokencheck")
