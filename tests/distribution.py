"""A real registry on this machine: distribution, which takes logins itself, without images."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import Any

import foreign
from controlplane.extras import DISTRIBUTION
from htpasswdserver import HtpasswdServer
from tlsserver import trusted


def running() -> AbstractContextManager[Distribution]:
    """One that runs; a test is skipped where it cannot."""
    return foreign.running("distribution", Distribution)


class Distribution(HtpasswdServer):
    """It lets users do everything, and nobody else anything."""

    recipe = DISTRIBUTION

    def arguments(self, pem: str) -> list[str]:
        settings = {
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {"inmemory": {}},
            "http": {"addr": self.own_place, "tls": {"certificate": pem, "key": pem}},
            "auth": {"htpasswd": {"realm": "tests", "path": str(self.file)}},
        }
        file = self.folder / "settings"
        file.write_text(json.dumps(settings))
        return ["serve", str(file)]

    def provider(self, name: str = "registry", **spec: Any) -> dict[str, Any]:
        """A TokenProvider that asks here, for logins in entries of this very place."""
        url = f"https://{self.place}/v2/"
        vendor = {"type": "Registry", "url": url, "registry": {"host": self.place}}
        return trusted(self.authority, name, vendor=vendor, **spec)
