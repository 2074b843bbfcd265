"""What an older Kubernetes cannot have; ``make skew`` runs tests on some (`tools/skew.py`)."""

from __future__ import annotations

import pytest

from controlplane import older

needs_stamps = pytest.mark.skipif(
    not older.stamps(),
    reason=f"Kubernetes {older.version()} serves no MutatingAdmissionPolicy v1: it stamps nobody",
)
