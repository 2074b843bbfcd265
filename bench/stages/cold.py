"""Cold starts of the command line, beside what they cannot do without: Python, and PyJWT."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.contenders import OPERATOR, PYTHON
from bench.stages.run import Run
from bench.summary import Figures
from bench.tokens import Signer

_TOKENCHECK = str(Path(sys.prefix) / "bin" / "tokencheck")


async def cold(run: Run) -> dict[str, Figures]:
    """CPU time from a process's start to its end: the median of many runs, in turn."""
    with tempfile.TemporaryDirectory(prefix="tokencheck-cold-") as folder:
        commands = _commands(Path(folder))
        took: dict[tuple[str, str], list[float]] = {of: [] for of in commands}
        with run.display.step("cold starts", run.scale.cold_runs) as tick:
            for _ in range(run.scale.cold_runs):
                for of, command in commands.items():
                    took[of].append(_cpu_ms(command, Path(folder)))
                tick()
    figures: dict[str, Figures] = {OPERATOR: {}, PYTHON: {}}
    for (name, figure), values in took.items():
        figures[name][figure] = statistics.median(values)
    return figures


def _commands(folder: Path) -> dict[tuple[str, str], Sequence[str]]:
    signer = Signer()
    keys, token = folder / "jwks.json", folder / "token"
    keys.write_text(json.dumps(signer.jwks()))
    token.write_text(signer.good())
    verify = [_TOKENCHECK, "verify", "--jwks", str(keys), "--file", str(token)]
    return {
        (PYTHON, "verify_ms"): [sys.executable, "-c", "import jwt"],
        (OPERATOR, "verify_ms"): verify,
        (PYTHON, "help_ms"): [sys.executable, "-c", "pass"],
        (OPERATOR, "help_ms"): [_TOKENCHECK, "--help"],
    }


def _cpu_ms(command: Sequence[str], home: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    subprocess.run(command, capture_output=True, check=True, cwd=home, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3
