"""A cgroup of the operator's own, as a container has one: the kernel holds it to its limits.

Of cgroup v1 and v2. What a process has at the time it enters stays with the group it comes from.
Source: Documentation/admin-guide/cgroup-v1/memory.rst, cgroup-v2.rst ("Memory Ownership").
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_CPU_PERIOD_US = 100_000
_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Home:
    """Where groups with one controller can be made: below the group of this process."""

    path: Path
    unified: bool

    def memory(self, most_bytes: int) -> Mapping[str, str]:
        """Return what is written into which file for a limit of memory without swap."""
        if self.unified:
            return {"memory.swap.max": "0", "memory.max": str(most_bytes)}
        most = str(most_bytes)
        return {"memory.limit_in_bytes": most, "memory.memsw.limit_in_bytes": most}

    def cpu(self, share: float) -> Mapping[str, str]:
        """Return what is written into which file for so much of one core."""
        quota = int(share * _CPU_PERIOD_US)
        if self.unified:
            return {"cpu.max": f"{quota} {_CPU_PERIOD_US}"}
        return {"cpu.cfs_period_us": str(_CPU_PERIOD_US), "cpu.cfs_quota_us": str(quota)}


class Group:
    """One group with limits that holds a process until it is left."""

    def __init__(self, home: Home, pid: int, limits: Mapping[str, str]) -> None:
        """The process is held to the limits from now on."""
        self.emptied = False  # once left: whether the process had ended before
        self._home, self._pid = home.path, pid
        self._path = home.path / f"tokencheck-{os.getpid()}-{pid}-{next(_NUMBERS)}"
        self._path.mkdir()
        for file, value in limits.items():
            with suppress(FileNotFoundError):  # a kernel without swap has no limit of it
                (self._path / file).write_text(value)
        (self._path / "cgroup.procs").write_text(str(pid))

    def leave(self) -> None:
        """The process, if it lives, is where it was, and the group is gone."""
        self.emptied = not (self._path / "cgroup.procs").read_text()
        with suppress(ProcessLookupError):
            (self._home / "cgroup.procs").write_text(str(self._pid))
        with suppress(OSError):  # busy while the kernel buries the process: an empty group is left
            self._path.rmdir()


def home(controller: str) -> Home | None:
    """Return where groups with this controller can be made, or None: not here, or not by us."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, names, within = line.split(":", 2)
            path = _ROOT / (names or ".") / within.lstrip("/")
            if controller in (names.split(",") if names else _handed_down(path)):
                return Home(path, unified=not names) if _writable(path) else None
    return None


def _handed_down(path: Path) -> list[str]:
    """The controllers that a group of v2 hands down to those below it."""
    with suppress(OSError):
        return (path / "cgroup.subtree_control").read_text().split()
    return []


def _writable(path: Path) -> bool:
    probe = path / f"tokencheck-probe-{os.getpid()}"
    try:
        probe.mkdir()
        probe.rmdir()
    except OSError:
        return False
    return True
