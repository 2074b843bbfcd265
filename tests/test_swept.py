"""A leak that a sweep found fails the run, in one process and in several."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest
from swept import SWEPT

@pytest.mark.parametrize("number", range({count}))
def test_that_passes(request, number):
    swept = {{"found": {found}, "values": 700, "searched_bytes": 2_500_000, "took_s": 1.4}}
    request.config.stash[SWEPT].append(swept)
"""


def run(folder: Path, *, workers: int, count: int, found: list[str]) -> tuple[int, str]:
    (folder / "conftest.py").write_text("from swept import *\n")
    (folder / "test_some.py").write_text(TESTS.format(count=count, found=found))
    (folder / "pytest.toml").write_text(f'[pytest]\npythonpath = ["{Path(__file__).parent}"]\n')
    done = subprocess.run(
        [sys.executable, "-m", "pytest", f"-n{workers}", "-p", "no:cacheprovider", "--color=no"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("workers", [0, 2])
def test_a_leak_fails_a_run_whose_tests_all_pass(tmp_path: Path, workers: int) -> None:
    code, said = run(tmp_path, workers=workers, count=1, found=["test_x: shop/api#token (plain)"])
    assert "1 passed" in said
    assert "LEAK test_x: shop/api#token (plain)" in said
    assert code == pytest.ExitCode.TESTS_FAILED, said


@pytest.mark.parametrize("workers", [0, 2])
def test_what_all_workers_searched_is_summed(tmp_path: Path, workers: int) -> None:
    code, said = run(tmp_path, workers=workers, count=4, found=[])
    assert "no leaks: 2,800 values of Secrets searched for in 10.0 MB, in 6 s of CPU" in said
    assert code == pytest.ExitCode.OK, said
