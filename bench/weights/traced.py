"""The operator, with each allocation noted: SIGUSR1 has the sums written.

``python -m bench.weights.traced FILE ARGUMENTS OF tokencheck``. An allocation counts for the last
module of ours that led to it, or for the package that made it without us.
"""

from __future__ import annotations

import gc
import importlib
import json
import signal
import sys
import tracemalloc
from collections import Counter
from pathlib import Path

from bench.weights.imports import OPERATOR
from tokencheck.cli.main import main as tokencheck

# Deep enough to come from a library back to our own code.
_FRAMES = 10
_OURS = "/tokencheck/"


def main() -> None:
    """Runs until the operator ends."""
    out = Path(sys.argv.pop(1))
    # What modules are made of is weighed elsewhere, and is most of all allocations.
    importlib.import_module(OPERATOR)
    tracemalloc.start(_FRAMES)
    signal.signal(signal.SIGUSR1, lambda *_: _write(out))
    tokencheck()


def _write(out: Path) -> None:
    gc.collect()
    sums: Counter[str] = Counter()
    for trace in tracemalloc.take_snapshot().traces:
        sums[place_of([frame.filename for frame in trace.traceback])] += trace.size
    part = out.with_suffix(".part")
    part.write_text(json.dumps(sums))
    part.replace(out)


def place_of(files: list[str]) -> str:
    """Who made it, of the files from the oldest call to the newest."""
    for file in reversed(files):
        if _OURS in file and "site-packages" not in file:
            return "tokencheck/" + file.rpartition(_OURS)[2]
    newest = files[-1]
    if "site-packages/" in newest:
        return newest.partition("site-packages/")[2].partition("/")[0]
    return "Python: " + newest.rpartition("/lib/")[2]


if __name__ == "__main__":
    main()
