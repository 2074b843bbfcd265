"""The command line as a process of its own, and tokens signed by real keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import get_default_algorithms

from canary import Sweep
from pieces import JWT, secrets_in

ISSUER = "https://login.example.com/realms/shop"
CANARY = "canary-b1d5"
PROGRAM = str(Path(sys.prefix) / "bin" / "tokencheck")
HOUR = 3600


class Issuer:
    """Signs tokens with an RSA or an EC key."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {
            "rsa": rsa.generate_private_key(65537, 2048),
            "ec": ec.generate_private_key(ec.SECP256R1()),
            "stranger": rsa.generate_private_key(65537, 2048),
        }

    def token(self, key: str = "rsa", **claims: object) -> str:
        """A token that ends in thirty days, unless the claims say otherwise; None leaves one out.

        Its subject and a claim that nobody asks for carry the canary.
        """
        now = int(time.time())
        standard = {
            "iss": ISSUER,
            "sub": f"sub-{CANARY}",
            "aud": "payments-api",
            "iat": now - HOUR,
            "exp": now + 720 * HOUR,
            "scope": "payments:read",
            "note": f"note-{CANARY}",
        }
        kept = {name: value for name, value in (standard | claims).items() if value is not None}
        return jwt.encode(kept, self.keys[key], self.algorithm(key), headers={"kid": key})

    def algorithm(self, key: str) -> str:
        return "ES256" if key == "ec" else "RS256"

    def jwks(self, *names: str) -> dict[str, Any]:
        return {"keys": [self._jwk(name) for name in names or ("rsa", "ec")]}

    def _jwk(self, name: str) -> dict[str, Any]:
        algorithm: Any = get_default_algorithms()[self.algorithm(name)]
        jwk: dict[str, Any] = algorithm.to_jwk(self.keys[name].public_key(), as_dict=True)
        jwk.pop("key_ops", None)
        return jwk | {"kid": name}


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)

    def reasons(self, result: str) -> set[str]:
        return {f["reason"] for f in self.document["findings"] if f["result"] == result}


class Workplace:
    """A folder with files, and the program that is run in it."""

    program = PROGRAM

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written: list[str] = []
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}

    def file(self, name: str, content: str | bytes | list[Any]) -> str:
        """A file's path; a list becomes a YAML file of that many documents."""
        if isinstance(content, list):
            content = yaml.safe_dump_all(content)
        path = self.folder / name
        raw = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(raw)
        self._written.append(raw.decode(errors="replace"))
        return str(path)

    def run(self, *args: str, stdin: bytes = b"") -> Ran:
        done = subprocess.run(
            [PROGRAM, *args],
            input=stdin,
            capture_output=True,
            env=self.env,
            cwd=self.folder,
            timeout=60,
            check=False,
        )
        ran = Ran(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())
        self.must_show_none(ran, stdin)
        return ran

    def must_show_none(self, ran: Ran, stdin: bytes) -> None:
        """Whatever a test is about: no piece of a JWT that it put anywhere is shown."""
        texts = [*self._written, stdin.decode(errors="replace")]
        tokens = {token for text in texts for token in JWT.findall(text)}
        sweep = Sweep([one for token in tokens for one in secrets_in("a token", token)])
        assert sweep.report({"stdout": ran.out, "stderr": ran.err}) == []


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


@pytest.fixture
def provider(issuer: Issuer) -> dict[str, Any]:
    """A TokenProvider manifest with its keys inside."""
    return {
        "apiVersion": "tokencheck.dev/v1alpha1",
        "kind": "TokenProvider",
        "metadata": {"name": "login"},
        "spec": {
            "allowedNamespaces": {"all": True},
            "jwt": {"issuer": ISSUER, "keys": {"type": "Inline", "jwks": issuer.jwks()}},
            "scopes": {"implies": {"payments:admin": ["payments:write"]}},
        },
    }


@pytest.fixture
def check() -> dict[str, Any]:
    """A TokenCheck manifest with two tokens."""
    payments = {
        "name": "payments",
        "secretKeyRef": {"name": "payments-api", "key": "token"},
        "providerRef": {"name": "login"},
        "audiences": ["payments-api"],
        "scopes": {"required": ["payments:read"]},
    }
    billing = payments | {"name": "billing", "audiences": ["billing-api"]}
    return {
        "apiVersion": "tokencheck.dev/v1alpha1",
        "kind": "TokenCheck",
        "metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {"tokens": [payments, billing]},
    }
