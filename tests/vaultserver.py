"""A real Vault on this machine: its own core and HTTP API in memory, which `tools` builds."""

from __future__ import annotations

import json
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import foreign
from controlplane.extras import VAULT, extra
from island.certs import Authority
from tlsserver import trusted

LOOKUP = 'path "auth/token/lookup" { capabilities = ["update"] }'
_PATIENCE_S = 30


def running() -> AbstractContextManager[VaultServer]:
    """One that runs; a test is skipped where it cannot."""
    return foreign.running("Vault", VaultServer)


class VaultServer:
    """A Vault that is unsealed and has no data but the policy ``lookup``. Use it with ``with``."""

    def __init__(self) -> None:
        """Of an authority of its own; nothing runs yet.

        Raises:
            BuildError: it cannot be built here.
        """
        self._program = extra(VAULT)
        self.authority = Authority("vault")
        self._folder = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[bytes] | None = None
        self._told: dict[str, str] = {}

    def __enter__(self) -> Self:
        pem = str(self.authority.file("127.0.0.1"))
        command = [str(self._program), "-cert", pem, "-key", pem]
        with Path(self._folder.name, "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        assert self._process.stdout is not None
        self._told = json.loads(self._process.stdout.readline())
        self.call("PUT", "sys/policies/acl/lookup", policy=LOOKUP)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()
        self.authority.close()

    @property
    def root(self) -> str:
        """A token for everything, without an end."""
        return self._told["rootToken"]

    def provider(self, name: str = "vault", secret: str = "vault-lookup") -> dict[str, Any]:
        """A TokenProvider that asks here, of all tokens of Vault."""
        address = f"https://{self._told['address']}/v1"
        vendor = {"type": "Vault", "url": address, "credentialsRef": {"name": secret}}
        return trusted(self.authority, name, vendor=vendor, match={"kinds": ["Vault"]})

    def own(self) -> str:
        """A new token for the operator, as docs/providers.md has it made."""
        return self.token(policies=["lookup"], no_default_policy=True, period="24h", no_parent=True)

    def token(self, **asked: object) -> str:
        """A new one, with these parameters of ``auth/token/create``; else of policy ``default``."""
        made = self.call("POST", "auth/token/create", **{"policies": ["default"], **asked})
        return str(made["auth"]["client_token"])

    def revoke(self, token: str) -> None:
        self.call("POST", "auth/token/revoke", token=token)

    def seal(self) -> None:
        self.call("PUT", "sys/seal")

    def unseal(self) -> None:
        self.call("PUT", "sys/unseal", key=self._told["unsealKey"])

    def call(self, method: str, path: str, as_: str | None = None, **body: object) -> Any:
        """What Vault answers; with the root token, unless another is given.

        Raises:
            HTTPError: it refuses.
        """
        request = urllib.request.Request(
            f"https://{self._told['address']}/v1/{path}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"X-Vault-Token": as_ or self.root},
        )
        context = ssl.create_default_context(cadata=self.authority.pem)
        with urllib.request.urlopen(request, context=context, timeout=_PATIENCE_S) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None
