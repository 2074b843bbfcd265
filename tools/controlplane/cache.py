"""Where built programs and the playground cluster live: outside every checkout."""

from __future__ import annotations

import os
from pathlib import Path

from controlplane.recipes import versions_key


def cache_folder() -> Path:
    """The project's cache: ``TOKENCHECK_CACHE``, else below the user's cache folder."""
    if own := os.environ.get("TOKENCHECK_CACHE"):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "tokencheck"


def programs_folder() -> Path:
    """The folder of the programs of these versions; a fresh clone finds them there."""
    return cache_folder() / "controlplane" / versions_key() / "bin"


def playground_folder() -> Path:
    """The state of the cluster that `make cluster` starts."""
    return cache_folder() / "cluster"
