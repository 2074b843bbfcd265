"""Sockets of another network namespace. Linux, root."""

from __future__ import annotations

import ctypes
import http.client
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_CLONE_NEWNET = 0x4000_0000


def socket_in(
    pid: int, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM
) -> socket.socket:
    """A socket of the network namespace of this process: it listens or connects there.

    Raises:
        OSError: the process is gone, or we are not root.
    """
    # A namespace belongs to a thread, and a socket keeps the one that it was made in.
    with ThreadPoolExecutor(1) as other:
        return other.submit(_made_in, pid, family, kind).result()


def get(pid: int, address: str, port: int, path: str) -> tuple[int, str]:
    """Status code and body of an HTTP page as that process reads it; code 0 without an answer."""
    connection = http.client.HTTPConnection(address, port)
    try:
        connection.sock = socket_in(pid)
        connection.sock.settimeout(5.0)
        connection.sock.connect((address, port))
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def _made_in(pid: int, family: int, kind: int) -> socket.socket:
    handle = os.open(Path("/proc", str(pid), "ns", "net"), os.O_RDONLY)
    try:
        # os.setns is there from Python 3.12 on.
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(handle, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "no way into the network namespace")
        return socket.socket(family, kind)
    finally:
        os.close(handle)
