"""What the sweep over a whole run found, told at the end of it, whichever worker swept.

The tests run side by side in several processes (pytest-xdist), and each sweeps what its own modules
brought out. A leak is no failure of one test that may be run again: it fails the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import pytest


class Swept(TypedDict):
    """Of one worker, in plain types: it crosses from process to process."""

    found: list[str]
    values: int
    searched_bytes: int
    took_s: float


SWEPT = pytest.StashKey[list[Swept]]()
_CARRIED = "swept"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SWEPT] = []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended; one that crashed brings nothing, and fails the run by that."""
    node.config.stash[SWEPT].extend(getattr(node, "workeroutput", {}).get(_CARRIED, ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    swept = session.config.stash[SWEPT]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_CARRIED] = swept
    elif any(one["found"] for one in swept):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if swept := config.stash[SWEPT]:
        terminalreporter.section("tokens in what the run brought out", sep="-")
        terminalreporter.line(_sum(swept))
        for hit in (hit for one in swept for hit in one["found"]):
            terminalreporter.line(f"LEAK {hit}", red=True)


def _sum(swept: Sequence[Swept]) -> str:
    values = sum(one["values"] for one in swept)
    megabytes = sum(one["searched_bytes"] for one in swept) / 1e6
    took_s = sum(one["took_s"] for one in swept)
    leaks = sum(len(one["found"]) for one in swept)
    return (
        f"{leaks or 'no'} leak{'' if leaks == 1 else 's'}: {values:,} values of Secrets searched"
        f" for in {megabytes:,.1f} MB, in {took_s:.0f} s of CPU"
    )
