"""A wall clock of one process that a test may set while the process runs."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

_SOURCE = Path(__file__).with_name("clockshim.c")
# Why it cannot be had on this machine; empty when it can.
MISSING = (
    "needs Linux: the clock is shifted by LD_PRELOAD"
    if sys.platform != "linux"
    else ""
    if shutil.which("cc")
    else "needs a C compiler named cc"
)


class ShiftedClock:
    """The wall clock of every process that is started with ``env``."""

    def __init__(self, folder: Path) -> None:
        """It tells the true time, so far. ``folder`` keeps the compiled shim and the shift."""
        shim = folder / "clockshim.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", shim, _SOURCE], check=True)
        self._file = folder / "shift"
        self._file.write_bytes(struct.pack("=q", 0))
        self.env = {"LD_PRELOAD": str(shim), "CLOCKSHIM": str(self._file)}
        self.shift_s = 0.0

    def step(self, by_s: float) -> float:
        """Sets it forward, or back by less than nothing; returns ``time.monotonic()`` of that."""
        self.shift_s += by_s
        with self._file.open("r+b") as file:  # in place: the processes have it mapped
            file.write(struct.pack("=q", round(self.shift_s * 1e9)))
        return time.monotonic()

    def now(self) -> float:
        """What it tells."""
        return time.time() + self.shift_s
