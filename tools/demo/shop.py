"""The sample shop: eight Deployments, each with a token in another state, and a check for each."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

NAMESPACE = "tokencheck-demo"
PROVIDER = "tokencheck-demo"
ISSUER = "https://login.example.com/realms/shop"
REQUIRED = ["payments:read", "payments:write"]
SOON_S = 40
_DAY_S = 86_400
_API = "tokencheck.dev/v1alpha1"

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shop:
    """Signs tokens, with a key of its own and with a stranger's."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: _new_key())
    stranger: rsa.RSAPrivateKey = field(default_factory=lambda: _new_key())

    def token(self, *, by_stranger: bool = False, **changed: Any) -> str:  # noqa: ANN401  any claim
        """A signed token of the shop's issuer; claims can be changed, or left out with None."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": "payments-api",
            "sub": "checkout",
            "iat": now,
            "exp": now + 90 * _DAY_S,
            "scope": " ".join(REQUIRED),
        } | changed
        signer = self.stranger if by_stranger else self.key
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, signer, algorithm="RS256", headers={"kid": "shop-1"})

    def tokens(self) -> dict[str, str | None]:
        """The token of each Deployment; None where the Secret is missing."""
        now = int(time.time())
        return {
            "checkout": self.token(),
            "ledger": self.token(exp=now + SOON_S),
            "reports": self.token(iat=now - 7200, exp=now - 3600),
            "refunds": self.token(scope=" ".join([*REQUIRED, "payments:admin"])),
            "webhooks": self.token(by_stranger=True),
            "search": self.token() + "\n",
            "mailer": None,
            "archive": self.token(exp=None),
        }

    def manifests(self) -> Iterator[Manifest]:
        """Everything that the demo applies, in order."""
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        yield self._provider()
        for name, token in self.tokens().items():
            if token is not None:
                yield secret(name, token)
            yield _deployment(name)
            yield _check(name)

    def _provider(self) -> Manifest:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        public |= {"kid": "shop-1", "alg": "RS256", "use": "sig"}
        return {
            "apiVersion": _API,
            "kind": "TokenProvider",
            "metadata": {"name": PROVIDER},
            "spec": {
                "allowedNamespaces": {
                    "selector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}
                },
                "jwt": {
                    "issuer": ISSUER,
                    "keys": {"type": "Inline", "jwks": {"keys": [public]}},
                    "algorithms": ["RS256"],
                },
            },
        }


def secret(name: str, token: str) -> Manifest:
    """The Secret that a Deployment mounts."""
    meta = {"name": f"{name}-api", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"token": token}}


def _deployment(name: str) -> Manifest:
    source = {"secretKeyRef": {"name": f"{name}-api", "key": "token", "optional": True}}
    container = {
        "name": "main",
        "image": "registry.k8s.io/pause:3.10",
        "env": [{"name": "PAYMENTS_TOKEN", "valueFrom": source}],
    }
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _check(name: str) -> Manifest:
    return {
        "apiVersion": _API,
        "kind": "TokenCheck",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "workloadRef": {"kind": "Deployment", "name": name},
            "tokens": [
                {
                    "name": "payments",
                    "secretKeyRef": {"name": f"{name}-api", "key": "token"},
                    "providerRef": {"name": PROVIDER},
                    "audiences": ["payments-api"],
                    "scopes": {"required": REQUIRED},
                }
            ],
        },
    }


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
