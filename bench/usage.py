"""What a process used, from ``/proc`` (Linux), its children included."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the program's name, counted from 0 (proc_pid_stat(5)).
_PARENT, _USER, _SYSTEM = 1, 11, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """CPU time so far, memory now, the most memory so far."""

    cpu_s: float
    rss_mib: float
    peak_mib: float


def usage_of(pid: int) -> Usage:
    """The sum over the process and its descendants; zeros when it is gone."""
    cpu_ticks, rss_kib, peak_kib = 0, 0, 0
    for one in _family(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = _stat(one)
            cpu_ticks += int(fields[_USER]) + int(fields[_SYSTEM])
            memory = _memory(one)
            rss_kib += memory.get("VmRSS", 0)
            peak_kib += memory.get("VmHWM", 0)
    return Usage(cpu_s=cpu_ticks / _TICKS, rss_mib=rss_kib / 1024, peak_mib=peak_kib / 1024)


def open_files(pid: int) -> int:
    """How many files and sockets a process holds open; 0 when it is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return len(list((_PROC / str(pid) / "fd").iterdir()))
    return 0


def _family(pid: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                parents[int(entry.name)] = int(_stat(int(entry.name))[_PARENT])
    family = [pid]
    for one in family:
        family.extend(child for child, parent in parents.items() if parent == one)
    return family


def _stat(pid: int) -> list[str]:
    # The name stands in parentheses and may hold anything.
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _memory(pid: int) -> dict[str, int]:
    lines = (_PROC / str(pid) / "status").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines if line.startswith(("VmRSS:", "VmHWM:")))
    return {name: int(value.split()[0]) for name, value in pairs}
