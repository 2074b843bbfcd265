"""Commands in cgroups and namespaces of their own, which end with their first process. Root."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

# In the cgroups that are named first, then in namespaces.
_ENTER = """
while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done
shift
exec unshare "$@"
"""


def namespaces(kinds: str) -> list[str]:
    """Options of unshare: ``kinds`` are its letters; when it ends, all that it began ends too."""
    return [f"-{kinds}", "--fork", "--kill-child", "--mount-proc"]


def enclosed(cgroups: list[Path], kinds: str, command: Sequence[str]) -> list[str]:
    """The command line that runs the command in these cgroups and in new namespaces."""
    return ["sh", "-euc", _ENTER, "sh", *map(str, cgroups), "--", *namespaces(kinds), *command]
