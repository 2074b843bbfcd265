"""The real command line in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("tokencheck")
SAID: list[str] = []  # by all commands since it was last searched; see cluster.wholerun


def tokencheck(
    *args: str | Path, kubeconfig: Path | None = None, stdin: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """What `tokencheck ARGS` printed, and its exit code; no kubeconfig of the machine is seen."""
    chosen = [f"--kubeconfig={kubeconfig}"] if kubeconfig else []
    done = subprocess.run(
        [str(PROGRAM), *map(str, args), *chosen],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        # A starved machine of two cores says nothing of us.
        timeout=180,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | env,
    )
    SAID.append(done.stdout + done.stderr)
    return done
