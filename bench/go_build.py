"""Builds the Go controller of ``bench/baseline`` into the project's cache."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

import click

from controlplane.cache import cache_folder

SOURCE = Path(__file__).parent / "baseline"
_PROGRAM = "controller"


class BaselineError(click.ClickException):
    """The Go controller could not be built."""


def build_baseline() -> Path:
    """The program, built from the sources as they are now (about two minutes the first time).

    Raises:
        BaselineError: `go` is missing or failed; the message holds what it said.
    """
    digest = hashlib.sha256()
    sources = sorted([*SOURCE.glob("*.go"), SOURCE / "go.mod", SOURCE / "go.sum"])
    for source in sources:
        digest.update(source.read_bytes())
    target = cache_folder() / "bench" / digest.hexdigest()[:12] / _PROGRAM
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        _build(target)
    return target


def _build(target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as folder:
        made = Path(folder) / _PROGRAM
        command = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(made), "."]
        try:
            done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise BaselineError("`go` is not on the PATH; install Go 1.26 or newer") from None
        if done.returncode != 0:
            raise BaselineError(f"{' '.join(command)} failed in {SOURCE}:\n{done.stderr}")
        made.rename(target)
