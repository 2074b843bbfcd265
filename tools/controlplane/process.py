"""Server processes that end with the Python process that started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_STOP_WAIT_S = 10.0
_TAIL_LINES = 15


class StartError(Exception):
    """A server did not come up; the message holds the end of its log."""


class Server:
    """One server process in a process group of its own, with its log in a file."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        """Nothing runs yet.

        Args:
            name: how messages call it.
            command: what :meth:`start` runs, each time.
            log: where stdout and stderr go; appended to.
        """
        self.name = name
        self.command = list(command)
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, env: dict[str, str] | None = None) -> None:
        """The process runs; whether it serves is for :meth:`wait` to find out."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self.command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                # Its own session: Ctrl-C reaches the person's program alone, which then stops us
                # in order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is its group's too."""
        if self._process is None:
            raise StartError(f"{self.name} was never started")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs (or was never started)."""
        return self._process.poll() if self._process else None

    def require_alive(self) -> None:
        """Raises StartError with the end of the log when the process has ended."""
        if self.exit_code is not None:
            raise StartError(f"{self.name} ended with code {self.exit_code}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The last lines of the log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def stop(self, *, kill: bool = False) -> None:
        """The process and its children have ended: asked politely, then killed."""
        process = self._process
        # Once a process is waited for, its number may be another's: no signal after that.
        if process is None or process.poll() is not None:
            return
        end_group(process.pid, signal.SIGKILL if kill else signal.SIGTERM)
        try:
            process.wait(_STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            end_group(process.pid, signal.SIGKILL)
            process.wait()


class Reaper:
    """A guard that ends the servers when this process dies, even by SIGKILL.

    It is a process of its own that reads our end of a pipe; the kernel closes the pipe when we
    are gone. (PR_SET_PDEATHSIG would follow the *thread* that forked, and is Linux only.)
    """

    def __init__(self) -> None:
        """The guard watches, over nothing yet."""
        script = Path(__file__).with_name("reaper.py")
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def guard(self, server: Server) -> None:
        """The server ends with us from now on."""
        self._tell(f"+{server.pid}")

    def forget(self, server: Server) -> None:
        """The server has ended; its number may soon be another process's."""
        self._tell(f"-{server.pid}")

    def close(self) -> None:
        """The guard has ended what it still guarded, and itself."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()


def end_group(pid: int, sign: signal.Signals) -> None:
    """The process group got the signal, if it still exists."""
    try:
        os.killpg(pid, sign)
    except (ProcessLookupError, PermissionError):
        # macOS answers EPERM for a group whose only member is a zombie.
        return


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nobody listened on a moment ago, all different."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def wait_listening(server: Server, port: int, *, timeout_s: float = 30.0) -> None:
    """The server accepts connections on the port.

    Raises:
        StartError: it ended, or does not listen in time.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        server.require_alive()
        with socket.socket() as probe:
            probe.settimeout(1.0)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.03)
    raise StartError(
        f"{server.name} does not listen on port {port} after {timeout_s:.0f} s:\n"
        f"{server.log_tail()}"
    )
