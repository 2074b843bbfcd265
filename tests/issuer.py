"""A real OpenID Connect issuer on this machine: TLS, discovery, a JWKS that the test changes."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tlsserver import FAILING, Asked, Said, TlsServer


class Issuer(TlsServer):
    """`asked` counts requests by path.

    `mode` is how it answers: keys, 500, 429, silent, html, redirect.
    """

    def __init__(self) -> None:
        super().__init__("issuer")
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.published: list[dict[str, Any]] = []
        self.mode = "keys"
        self.path = "/realms/shop"
        self.document: dict[str, Any] = {}
        self.asked: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"https://{self.place}{self.path}"

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
        return self.trusted(name, jwt=rules)

    def answer(self, asked: Asked) -> Said | None:
        self.asked[asked.path] += 1
        if self.mode == "silent":
            return None
        if self.mode in FAILING:
            return FAILING[self.mode]
        if self.mode == "html":
            return Said(kind="text/html", body=b"<html>keys</html>")
        if asked.path == f"{self.path}/.well-known/openid-configuration":
            document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | self.document
            return Said(body=json.dumps(document).encode())
        if asked.path == f"{self.path}/keys":
            return Said(body=json.dumps({"keys": self.published}).encode())
        return Said(status="404 Not Found", kind="text/plain", body=b"")
