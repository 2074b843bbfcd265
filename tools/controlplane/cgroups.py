"""A cgroup of one's own in every hierarchy of version 1, below the one that we run in."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

_GONE_WAIT_S = 10.0
_NUMBERS = itertools.count()


def hierarchies() -> list[Path]:
    """The folder of our own cgroup in each mounted hierarchy of version 1; none with version 2."""
    ours = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        ours[frozenset(names.split(","))] = path
    found: dict[frozenset[str], Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, mounted = before.split(" ")[3:5]
        kind, _, options = after.split(" ", 2)
        for which, path in ours.items():
            if kind == "cgroup" and which <= set(options.split(",")):
                found.setdefault(which, Path(mounted) / path.removeprefix(root).lstrip("/"))
    return list(found.values())


def make(prefix: str) -> list[Path]:
    """An empty cgroup below ours, in every hierarchy, called by the prefix, our process, a number.

    Those of processes that were killed before they removed them are gone.
    """
    own = f"{prefix}{os.getpid()}.{next(_NUMBERS)}"
    made = [above / own for above in hierarchies()]
    for folder in made:
        for left in folder.parent.glob(f"{prefix}*"):
            process, _, _ = left.name.removeprefix(prefix).partition(".")
            if not Path("/proc", process).exists():
                _removed(left)
        folder.mkdir()
        for file in ("cpuset.cpus", "cpuset.mems"):
            # Nothing may run in a cpuset without processors and memory.
            if (folder / file).exists():
                (folder / file).write_text((folder.parent / file).read_text())
    return made


def remove(folders: list[Path]) -> None:
    """They and everything below them are gone, as soon as their processes are."""
    deadline = time.monotonic() + _GONE_WAIT_S
    while any(not _removed(folder) for folder in folders):
        if time.monotonic() > deadline:
            raise TimeoutError(f"something still runs in one of {folders}")
        time.sleep(0.05)


def _removed(folder: Path) -> bool:
    if not folder.exists():
        return True
    try:
        for below in sorted(folder.rglob("*/"), reverse=True):
            if below.is_dir():
                below.rmdir()
        folder.rmdir()
    except OSError:
        return False
    return True
