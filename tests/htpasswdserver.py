"""Servers of distribution on this machine, which know their users by a file of passwords."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

from controlplane.extras import Own, extra
from controlplane.process import free_ports
from registryapi import PASSWORD
from tap import tapped
from tlsserver import Asked

ROTATED = "canaryRotated0123456789abcdefghijk"
# They take no other form, and Python makes none.
_BCRYPT = {
    PASSWORD: "$2b$05$5ipROZCC.nikOhtrHmn96utveVotfGamPnAN4yfzE21S5eIYW4cP6",
    ROTATED: "$2b$05$5ipROZCC.nikOhtrHmn96u1prWaCrSq4i.dxFJ5wFdt1Bymqv.bW2",
}
_PATIENCE_S = 30.0


class HtpasswdServer:
    """One of their programs. Use it with ``with``."""

    recipe: ClassVar[Own]

    def __init__(self) -> None:
        """Without users; nothing runs yet.

        Raises:
            BuildError: its program cannot be had here.
        """
        self._program = extra(self.recipe)
        self._tap = tapped(self.recipe.name, self.beside)
        self.authority = self._tap.inner.authority
        self._folder = tempfile.TemporaryDirectory()
        self.own_place = f"127.0.0.1:{free_ports(1)[0]}"
        self._changes = 0
        self._logins: set[str] = set()

    def __enter__(self) -> Self:
        self.users()
        pem = str(self.authority.file("127.0.0.1"))
        command = [str(self._program), *self.arguments(pem)]
        quiet = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=quiet)
        deadline = time.monotonic() + _PATIENCE_S
        while not self._listens():
            assert self._process.poll() is None, self._log()
            assert time.monotonic() < deadline, self._log()
            time.sleep(0.02)
        self._tap.inner.behind = self.own_place
        self._tap.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._tap.__exit__()
        self._folder.cleanup()
        self.authority.close()

    @property
    def place(self) -> str:
        """Where others than the tests reach it."""
        return self._tap.inner.place

    @property
    def folder(self) -> Path:
        return Path(self._folder.name)

    @property
    def file(self) -> Path:
        """Of the users."""
        return self.folder / "users"

    def arguments(self, pem: str) -> list[str]:
        """Of its program, to serve at `own_place` by this certificate and key."""
        raise NotImplementedError

    def users(self, *names: str, password: str = PASSWORD) -> None:
        """These and no others, all with this password: `registryapi.PASSWORD` or `ROTATED`."""
        made = self.folder / "made"
        made.write_text("".join(f"{name}:{_BCRYPT[password]}\n" for name in names))
        self._changes += 1  # it reads the file again where its time is another
        os.utime(made, (self._changes, self._changes))
        made.rename(self.file)
        pairs = (f"{name}:{known}".encode() for name in names for known in _BCRYPT)
        self._logins |= {f"Basic {b64encode(pair).decode()}" for pair in pairs}

    def beside(self, asked: Asked) -> Asked:
        """All but the login in question, where it is one of its own, past or to come."""
        headers = dict(asked.headers)
        if headers.get("authorization") in self._logins:
            del headers["authorization"]
        return replace(asked, headers=headers)

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _listens(self) -> bool:
        host, _, port = self.own_place.rpartition(":")
        with socket.socket() as tried:
            return tried.connect_ex((host, int(port))) == 0
