"""Thousands of faults of every class cost no wrong verdict, no missed drift and no leak.

The long form, for as long as one wants, is `make faults`. ``TOKENCHECK_FAULTS`` says how many here,
``TOKENCHECK_FAULTS_SEED`` which ones.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from faults.__main__ import told
from faults.catalogue import catalogue
from faults.fault import Fault
from faults.report import stories_of, table_of
from faults.run import Plan, Run
from faults.schedule import Schedule

FAULTS = int(os.environ.get("TOKENCHECK_FAULTS", "2000"))


def test_thousands_of_faults_cost_no_verdict_no_drift_and_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("TOKENCHECK_FAULTS_SEED") or random.randrange(10**6))  # noqa: S311
    print(f"the same again: make test ARGS='-k thousands_of_faults' TOKENCHECK_FAULTS_SEED={seed}")
    with Run(tmp_path, Plan(seed=seed)) as run:
        faults = [one for one in catalogue(run.leaks.answer) if not one.slow]
        for one in Schedule(faults, seed, slow=False):
            with capsys.disabled():
                told(run, one)
            if run.result.faults >= FAULTS and not unstruck(run, faults):
                break
        result = run.finish()
    with capsys.disabled():
        print(f"\n{table_of(result)}")
    assert not [one for one in result.episodes if one.converged_s is None]
    assert not result.leaks
    assert not result.breaches, "\n".join(stories_of(run.history, run.excuses, result.breaches))
    assert result.judged["drifts"]
    assert result.judged["changes"]
    assert result.made


def unstruck(run: Run, faults: Iterable[Fault]) -> set[str]:
    """The classes that had no turn yet."""
    struck = {name for episode in run.result.episodes for name, _ in episode.classes}
    return {one.name for one in faults} - struck
