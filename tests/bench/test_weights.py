"""What the weighing of memory makes of modules and allocations."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.weights.traced import place_of

LIB = "/usr/lib/python3.11"
OURS = "/src/operator/tokencheck"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            [f"{OURS}/app/operator.py", f"{OURS}/api/fields.py", f"{LIB}/json/decoder.py"],
            "tokencheck/api/fields.py",
            id="a library on our behalf is the last module of ours",
        ),
        pytest.param(
            [f"{LIB}/threading.py", f"{LIB}/site-packages/kopf/_core/reactor/inventory.py"],
            "kopf",
            id="a library for itself is its package",
        ),
        pytest.param(
            [f"{LIB}/threading.py", f"{LIB}/json/decoder.py"],
            "Python: python3.11/json/decoder.py",
            id="Python for itself is its module",
        ),
    ],
)
def test_an_allocation_counts_for_who_wanted_it(files: list[str], expected: str) -> None:
    assert place_of(files) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_packages_weigh_is_what_the_process_grew_by(checkout: Path) -> None:
    asked = [sys.executable, "-m", "bench.weights.imports"]
    done = subprocess.run(asked, cwd=checkout, check=True, capture_output=True)
    told = json.loads(done.stdout)
    assert {"tokencheck", "kopf", "aiohttp"} <= told["kib"].keys()
    assert sum(told["kib"].values()) == pytest.approx(told["last"] - told["first"], rel=0.05)
