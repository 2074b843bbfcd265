"""A second API server on the etcd of a control plane, which can get another authority."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from controlplane import Api, ApiError, ControlPlane, commands
from controlplane.process import free_ports

_NAME = "second"
_READY_S = 60.0


class Second:
    """Serves what the first one does, by a certificate that its own authority has signed."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        """It is ready."""
        self.port = free_ports(1)[0]
        self._plane = plane
        self._certificates = folder
        flags = [f"--cert-dir={folder}", f"--audit-log-path={folder / 'audit.log'}"]
        plane.launch(_NAME, commands.kube_apiserver(replace(plane.at, api_port=self.port), flags))
        self._wait_ready()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def authority(self) -> str:
        """What clients trust, as PEM."""
        return (self._certificates / "apiserver.crt").read_text()

    def renew(self) -> None:
        """It has ended, and is ready again with the certificate of another authority."""
        self._plane.end(_NAME, kill=True)
        for part in self._certificates.glob("apiserver.*"):
            part.unlink()
        self._plane.begin(_NAME)
        self._wait_ready()

    def close(self) -> None:
        """It has ended."""
        self._plane.end(_NAME, kill=True)
        del self._plane.servers[_NAME]

    def _wait_ready(self) -> None:
        """Its certificate is written as it starts: whoever asks trusts what stands there then."""
        deadline = time.monotonic() + _READY_S
        while not self._is_ready():
            self._plane.servers[_NAME].require_alive()
            assert time.monotonic() < deadline, self._plane.servers[_NAME].log_tail()
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        file = str(self._certificates / "apiserver.crt")
        try:
            with closing(Api("127.0.0.1", self.port, file, self._plane.token_of("admin"))) as api:
                api.request("GET", "/readyz")
                api.list("TokenCheck")
        except (OSError, ApiError, LookupError):
            return False
        return True


@contextmanager
def second_of(plane: ControlPlane, folder: Path) -> Iterator[Second]:
    """One that ends with the block."""
    server = Second(plane, folder)
    try:
        yield server
    finally:
        server.close()
