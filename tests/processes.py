"""Which processes of this machine carry a word in their command line or environment."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path


def processes_with(word: str | Path) -> list[str]:
    """The lines of `ps` with the word, without our own process and its parents' command line."""
    # Linux and macOS understand it: of all users, without a terminal too, with environments.
    asked = ["ps", "axeww", "-o", "pid=,command="]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    own = {str(os.getpid()), str(os.getppid())}
    return [line for line in listed if str(word) in line and line.split(None, 1)[0] not in own]


def wait_gone(word: str | Path, *, timeout_s: float = 5.0) -> list[str]:
    """What is still running when nothing is left, or when time is up."""
    deadline = time.monotonic() + timeout_s
    while (left := processes_with(word)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
