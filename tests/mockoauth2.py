"""Another issuer that we did not write: mock-oauth2-server, whose tokens claim what a test says."""

from __future__ import annotations

import json
import os
import secrets
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

import foreign
from controlplane.fetched import MOCK_OAUTH2, fetched
from tap import tapped
from tlsserver import trusted

ALGORITHM = "ES256"
_MAIN = "no.nav.security.mock.oauth2.StandaloneMockOAuth2ServerKt"
_QUICK = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")  # to start
_PASSWORD = "changeit"
_PATIENCE_S = 90


def running(claims: dict[str, dict[str, Any]]) -> AbstractContextManager[MockOAuth2]:
    """One that runs; a test is skipped where it cannot."""
    return foreign.running("mock-oauth2-server", lambda: MockOAuth2(claims))


class MockOAuth2:
    """Issues JWTs of `ALGORITHM`. Use it with ``with``."""

    def __init__(self, claims: dict[str, dict[str, Any]]) -> None:
        """Of an authority of its own, with what tokens claim, by name; nothing runs yet.

        Raises:
            BuildError: it cannot run here.
        """
        self._jars = fetched(MOCK_OAUTH2) / "lib"
        self._tap = tapped("mock-oauth2-server", lambda asked: asked)  # it is shown no token
        self.authority = self._tap.inner.authority
        self._claims = claims
        self._folder = tempfile.TemporaryDirectory()
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        told = {
            "SERVER_HOSTNAME": "127.0.0.1",
            "SERVER_PORT": str(self._port),
            "JSON_CONFIG": json.dumps(self._configuration()),
        }
        with Path(self._folder.name, "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["java", *_QUICK, "-cp", f"{self._jars}/*", _MAIN],
                env=os.environ | told,
                stdout=log,
                stderr=log,
            )
        self._await()
        self._tap.inner.behind = f"127.0.0.1:{self._port}"
        self._tap.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._tap.__exit__()
        self._folder.cleanup()
        self.authority.close()

    @property
    def url(self) -> str:
        """The issuer, where others reach it: it stands below a path."""
        return f"https://{self._tap.inner.place}/realms"

    def provider(self, **rules: Any) -> dict[str, Any]:
        """A TokenProvider that discovers this issuer; ``rules`` go into ``spec.jwt``."""
        jwt = {"issuer": self.url, "keys": {"type": "Discovery"}} | rules
        return trusted(self.authority, "login", jwt=jwt)

    def token(self, name: str) -> str:
        """A new one with the claims of this name."""
        client = {"client_id": "shop", "client_secret": "any"}
        form = {"grant_type": "client_credentials", "scope": name} | client
        context = ssl.create_default_context(cadata=self.authority.pem)
        address, body = f"{self.url}/token", urlencode(form).encode()
        with urllib.request.urlopen(address, body, context=context, timeout=_PATIENCE_S) as answer:  # noqa: S310
            return str(json.loads(answer.read())["access_token"])

    def _configuration(self) -> dict[str, Any]:
        rows = [
            {"requestParam": "scope", "match": name, "claims": claims}
            for name, claims in self._claims.items()
        ]
        return {
            "httpServer": {"type": "NettyWrapper", "ssl": self._key_store()},
            "tokenProvider": {"keyProvider": {"algorithm": ALGORITHM}},
            "tokenCallbacks": [{"issuerId": "realms", "requestMappings": rows}],
        }

    def _key_store(self) -> dict[str, str]:
        pem = self.authority.file("127.0.0.1").read_bytes()
        key: Any = load_pem_private_key(pem, None)
        certificate = x509.load_pem_x509_certificate(pem)
        sealed = BestAvailableEncryption(_PASSWORD.encode())
        path = Path(self._folder.name, "server.p12")
        path.write_bytes(
            serialize_key_and_certificates(b"localhost", key, certificate, None, sealed)
        )
        return {
            "keystoreFile": str(path),
            "keystoreType": "PKCS12",
            "keystorePassword": _PASSWORD,
            "keyPassword": _PASSWORD,
        }

    def _await(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
            except OSError:
                log = Path(self._folder.name, "log").read_text(errors="replace")
                assert self._process.poll() is None, log
                assert time.monotonic() < deadline, log
                time.sleep(0.05)
            else:
                return


def _free_port() -> int:
    """Nobody listens there. It is not one of those that the system gives to connections."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
