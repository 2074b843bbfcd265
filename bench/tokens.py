"""Real RS256 tokens: good ones, expired ones and those of a stranger."""

from __future__ import annotations

import json
import time
from itertools import count
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://login.bench.example.com"
KID = "bench-1"
# Tokens differ in their serial number and times alone, as they do when an issuer renews them.
_LIFETIME_S = 90 * 86_400


class Signer:
    """One RSA key of 2048 bits; every token is a different text."""

    def __init__(self) -> None:
        """The key is new."""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._serial = count(1)

    def good(self) -> str:
        """Fresh, and good for 90 days."""
        return self.until(int(time.time()) + _LIFETIME_S)

    def expired(self) -> str:
        """Ended an hour ago."""
        return self.until(int(time.time()) - 3600)

    def until(self, exp: int) -> str:
        """Ends at this second, after 90 days of life."""
        return self._sign(exp - _LIFETIME_S, exp)

    def jwks(self) -> dict[str, Any]:
        """The public key as an issuer publishes it."""
        key = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        public = {name: key[name] for name in ("kty", "n", "e")}
        return {"keys": [public | {"kid": KID, "alg": "RS256", "use": "sig"}]}

    def pem(self) -> bytes:
        """The public key for the Go controller."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def _sign(self, iat: int, exp: int) -> str:
        claims = {
            "iss": ISSUER,
            "sub": "orders",
            "aud": "bench-api",
            "scope": "orders:read orders:write",
            "iat": iat,
            "exp": exp,
            "jti": f"bench-{next(self._serial)}",
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": KID})
