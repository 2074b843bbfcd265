"""A real token server of a registry on this machine: that of distribution, by a file of users."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import foreign
from controlplane.extras import TOKEN_SERVER
from htpasswdserver import HtpasswdServer
from registryapi import HOST, SERVICE
from tlsserver import trusted


def running() -> AbstractContextManager[TokenServer]:
    """One that runs; a test is skipped where it cannot."""
    return foreign.running("distribution's token server", TokenServer)


class TokenServer(HtpasswdServer):
    """It lets users do everything in repositories below their own name."""

    recipe = TOKEN_SERVER

    def arguments(self, pem: str) -> list[str]:
        where = ["-addr", self.own_place, "-tlscert", pem, "-tlskey", pem]
        return ["-realm", "tests", "-passwd", str(self.file), *where]

    def provider(self, scope: str) -> dict[str, Any]:
        """A TokenProvider that asks here."""
        registry = {"host": HOST, "service": SERVICE, "scope": scope}
        url = f"https://{self.place}/token/"
        vendor = {"type": "Registry", "url": url, "registry": registry}
        return trusted(self.authority, "registry", vendor=vendor)
