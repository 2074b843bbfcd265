"""The Go programs of the tests: built once from their sources, kept in the project's cache."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

from controlplane.cache import cache_folder


def built(source: Path, folder: str) -> Path:
    """The program of `source`, built from it as it is now, below `folder` of the cache.

    Raises:
        RuntimeError: `go` failed; the message holds what it said.
    """
    digest = hashlib.sha256()
    for file in sorted([*source.glob("*.go"), source / "go.mod", source / "go.sum"]):
        digest.update(file.read_bytes())
    target = cache_folder() / folder / digest.hexdigest()[:12] / source.name
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as temporary:
        made = Path(temporary) / source.name
        command = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(made), "."]
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed in {source}:\n{done.stderr}")
        made.rename(target)
    return target
