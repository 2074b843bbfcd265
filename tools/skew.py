"""``python -m skew [1.30 …]``: the tests that tell whether it works on an older Kubernetes.

Each minor is built first (several minutes, once), then each has the whole selection run on it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import click

from controlplane import BuildError, older

CHECKOUT = Path(__file__).parents[1]
# What an API server decides or serves otherwise from one minor to the next.
SELECTED = (
    "test_install.py",  # the page, by Helm
    "test_crd_specs.py",  # schemas and rules
    "test_crd_bounds.py",
    "test_crd_objects.py",
    "test_crd_upgrade.py",
    "test_admission.py",  # who may ask for what
    "test_admission_rules.py",
    "test_requester.py",
    "test_enforcement.py",
    "test_doctor.py",
    "test_verdicts.py",  # what the operator sees and writes
    "test_events.py",
    "test_rollouts.py",
    "test_cluster_checks.py",
    "kube/test_informer.py",
    "kube/test_comparison.py",
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("minors", nargs=-1)
@click.option("-k", "only", help="Of the selection, the tests that pytest finds by this.")
@click.option("--workers", default="2", show_default=True, help="Processes that share the files.")
def main(minors: tuple[str, ...], only: str | None, workers: str) -> None:
    """Run the selection on the API servers of MINORS; on all there are by default."""
    wanted = minors or older.minors()
    for minor in wanted:
        print(f"Kubernetes {older.version(minor)}", flush=True)
        older.programs(minor)
    took = {
        minor: _tried(minor, [*(("-k", only) if only else ()), "-n", workers]) for minor in wanted
    }
    print()
    for minor, (code, seconds) in took.items():
        result = "passed" if code == 0 else f"FAILED (pytest ended with {code})"
        print(f"Kubernetes {older.version(minor):<9} {result} in {seconds / 60:.0f} min")
    sys.exit(any(code for code, _ in took.values()))


def _tried(minor: str, options: list[str]) -> tuple[int, float]:
    """How pytest ended, and after how many seconds."""
    print(f"\n--- Kubernetes {older.version(minor)}", flush=True)
    files = [str(CHECKOUT / "tests" / "cluster" / name) for name in SELECTED]
    shared = ["--dist", "loadfile", "--no-loadscope-reorder"]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *files, *shared, *options],
        cwd=CHECKOUT,
        env=os.environ | {older.CHOICE: minor},
        check=False,
    )
    return done.returncode, time.monotonic() - began


if __name__ == "__main__":
    try:
        main()
    except BuildError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
