"""A real OpenID Connect issuer on this machine: TLS, discovery, a JWKS that the test changes."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from island.certs import Authority


class Issuer:
    """Serves on 127.0.0.1. `asked` counts requests by path; `said` is all that clients sent.

    `mode` is how it answers: keys, 500, 429, silent, html, redirect.
    """

    def __init__(self) -> None:
        self.authority = Authority("issuer")
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.published: list[dict[str, Any]] = []
        self.mode = "keys"
        self.path = "/realms/shop"
        self.document: dict[str, Any] = {}
        self.asked: Counter[str] = Counter()
        self.said = b""
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"https://{self.place}{self.path}"

    async def start(self) -> None:
        context = self.authority.context("127.0.0.1")
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=context, limit=2**20
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As if it were switched off; `start` takes the same port again."""
        if self._server is not None:
            self._server.close()
        self._server = None

    def rotate(self, kid: str, *, keep: bool = True) -> None:
        """Sign with a new key from now on; without `keep` the older ones are withdrawn."""
        self.keys[kid] = key = ec.generate_private_key(ec.SECP256R1())
        public = json.loads(ECAlgorithm.to_jwk(key.public_key()))
        self.published = [*(self.published if keep else []), public | {"kid": kid, "use": "sig"}]

    def token(self, kid: str, **claims: Any) -> str:
        now = int(time.time())
        body = {"iss": self.url, "sub": "checkout", "iat": now, "exp": now + 3600} | claims
        return jwt.encode(body, self.keys[kid], algorithm="ES256", headers={"kid": kid})

    def provider(self, name: str = "login", **jwt_rules: Any) -> dict[str, Any]:
        """A TokenProvider that discovers this issuer."""
        rules = {"issuer": self.url, "keys": {"type": "Discovery"}} | jwt_rules
        return {
            "apiVersion": "tokencheck.dev/v1alpha1",
            "kind": "TokenProvider",
            "metadata": {"name": name},
            "spec": {
                "allowedNamespaces": {"all": True},
                "jwt": rules,
                "tls": {"caBundle": self.authority.pem},
                "network": {"cidrs": ["127.0.0.0/8"]},
            },
        }

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.said += head
            path = head.split(b" ", 2)[1].decode()
            self.asked[path] += 1
            status, kind, body = self._answer(path)
            if self.mode == "silent":
                await reader.read()  # until the client has had enough
                return
            lines = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{lines}Connection: close\r\n\r\n".encode() + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, path: str) -> tuple[str, str, bytes]:
        failing = {"500": "500 No", "429": "429 Slow down", "redirect": "302 Found"}
        if self.mode in failing:
            return failing[self.mode], "application/json", b"{}"
        if self.mode == "html":
            return "200 OK", "text/html", b"<html>keys</html>"
        if path == f"{self.path}/.well-known/openid-configuration":
            document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | self.document
            return "200 OK", "application/json", json.dumps(document).encode()
        if path == f"{self.path}/keys":
            return "200 OK", "application/json", json.dumps({"keys": self.published}).encode()
        return "404 Not Found", "text/plain", b""


class Running:
    """An `Issuer` in a thread of its own."""

    def __init__(self) -> None:
        self.issuer = Issuer()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.does(lambda issuer: issuer.rotate("k1"))
        self.does(lambda issuer: issuer.start())

    def does(self, act: Callable[[Issuer], Any]) -> Any:
        async def acted() -> Any:
            result = act(self.issuer)
            return await result if inspect.isawaitable(result) else result

        return asyncio.run_coroutine_threadsafe(acted(), self._loop).result(30)

    def end(self) -> None:
        self.does(lambda issuer: issuer.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
