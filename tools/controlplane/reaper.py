"""The guard of :class:`controlplane.process.Reaper`: run as a script, standard library only.

Reads ``+PID`` and ``-PID`` lines; at the end of its input it kills the process groups that are
left. Nothing of theirs is kept, so nothing has to be put in order first.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Every group that was named and not taken back has ended."""
    groups: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            groups.add(pid)
        else:
            groups.discard(pid)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
