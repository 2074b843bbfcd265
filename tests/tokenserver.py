"""A real token server of a registry on this machine: that of distribution, by a file of users."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import foreign
from controlplane.extras import TOKEN_SERVER, extra
from controlplane.process import free_ports
from registryapi import HOST, PASSWORD, SERVICE
from tap import tapped
from tlsserver import Asked, trusted

# Of `registryapi.PASSWORD`: it takes no other form, and Python makes none.
_BCRYPT = "$2b$05$5ipROZCC.nikOhtrHmn96utveVotfGamPnAN4yfzE21S5eIYW4cP6"
_PATIENCE_S = 30.0


def running() -> AbstractContextManager[TokenServer]:
    """One that runs; a test is skipped where it cannot."""
    return foreign.running("distribution's token server", TokenServer)


class TokenServer:
    """It lets users do everything in repositories below their own name. Use it with ``with``."""

    def __init__(self) -> None:
        """Without users; nothing runs yet.

        Raises:
            BuildError: its program cannot be had here.
        """
        self._program = extra(TOKEN_SERVER)
        self._tap = tapped("token-server", self.beside)
        self.authority = self._tap.inner.authority
        self._folder = tempfile.TemporaryDirectory()
        self._port = free_ports(1)[0]
        self._changes = 0
        self._logins: set[str] = set()

    def __enter__(self) -> Self:
        self.users()
        pem = str(self.authority.file("127.0.0.1"))
        where = ["-addr", f"127.0.0.1:{self._port}", "-tlscert", pem, "-tlskey", pem]
        command = [str(self._program), "-realm", "tests", "-passwd", str(self._file), *where]
        with Path(self._folder.name, "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + _PATIENCE_S
        while not self._listens():
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self._tap.inner.behind = f"127.0.0.1:{self._port}"
        self._tap.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._tap.__exit__()
        self._folder.cleanup()
        self.authority.close()

    def users(self, *names: str) -> None:
        """These and no others, all with `registryapi.PASSWORD`."""
        self._file.write_text("".join(f"{name}:{_BCRYPT}\n" for name in names))
        self._changes += 1  # it reads the file again where its time is another
        os.utime(self._file, (self._changes, self._changes))
        logins = (b64encode(f"{name}:{PASSWORD}".encode()).decode() for name in names)
        self._logins |= {f"Basic {login}" for login in logins}

    def provider(self, scope: str) -> dict[str, Any]:
        """A TokenProvider that asks here."""
        registry = {"host": HOST, "service": SERVICE, "scope": scope}
        url = f"https://{self._tap.inner.place}/token/"
        vendor = {"type": "Registry", "url": url, "registry": registry}
        return trusted(self.authority, "registry", vendor=vendor)

    def beside(self, asked: Asked) -> Asked:
        """All but the login in question, where it is one of its own."""
        headers = dict(asked.headers)
        if headers.get("authorization") in self._logins:
            del headers["authorization"]
        return replace(asked, headers=headers)

    @property
    def _file(self) -> Path:
        return Path(self._folder.name, "users")

    def _listens(self) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self._port)) == 0
