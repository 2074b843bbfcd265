"""What every test may use. Fixtures that need a control plane stand in ``cluster/``."""

from __future__ import annotations

import sys
from pathlib import Path

import hypothesis
import pytest

# A shared or slow machine says nothing about our code; a failure is reproduced from its blob.
hypothesis.settings.register_profile("tokencheck", deadline=None, print_blob=True)
hypothesis.settings.load_profile("tokencheck")


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root folder of the repository."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def program() -> Path:
    """The `tokencheck` of this environment."""
    return Path(sys.executable).with_name("tokencheck")
