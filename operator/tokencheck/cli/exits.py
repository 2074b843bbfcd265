"""Exit codes, the same for every verb."""

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # only a name here: `--help` must not load what decides verdicts
    from tokencheck.model.finding import Verdict


class Exit(IntEnum):
    """What a pipeline reads."""

    PASS = 0
    FINDINGS = 1
    USAGE = 2
    UNKNOWN = 3
    TIMED_OUT = 4


def exit_of(verdict: "Verdict") -> Exit:
    """Return the exit code that tells `verdict`."""
    return {"Valid": Exit.PASS, "Invalid": Exit.FINDINGS, "Unknown": Exit.UNKNOWN}[verdict]
