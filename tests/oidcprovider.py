"""A real authorization server on this machine: panva's oidc-provider, which we did not write."""

from __future__ import annotations

import json
import secrets
import ssl
import subprocess
import tempfile
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Self
from urllib.parse import parse_qsl, quote_plus, urlencode

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

import foreign
from controlplane.fetched import OIDC_PROVIDER, fetched
from tap import tapped
from tlsserver import Asked, trusted

AUDIENCE = "payments-api"
SCOPES = ("payments:read", "payments:write")
# Of its tokens; EdDSA and Ed25519 are two names for one algorithm (RFC 9864).
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
SECRET = "s3cr3t +&=%/client-canary-0123456789"
_MADE: dict[str, Callable[[], Any]] = {
    "RSA": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}
_SIGNS = ("RSA", "P-256", "Ed25519")  # the server's own keys
_PATIENCE_S = 30


def running() -> AbstractContextManager[OidcProvider]:
    """One that runs; a test is skipped where it cannot."""
    return foreign.running("oidc-provider", OidcProvider)


class OidcProvider:
    """An issuer of access tokens, opaque or JWTs, that introspects the opaque ones.

    Its clients: ``shop`` gets tokens; ``basic`` and ``post`` (a secret), ``signs`` and ``typed``
    (keys of each type, by the names of `keys`) may introspect. An assertion of ``typed`` has the
    type client-authentication+jwt, one of ``signs`` must not. Use it with ``with``.
    """

    def __init__(self) -> None:
        """Of an authority of its own; nothing runs yet.

        Raises:
            BuildError: it cannot run here.
        """
        self._folder = fetched(OIDC_PROVIDER)
        self._tap = tapped("oidc-provider", self.beside)
        self.authority = self._tap.inner.authority
        self.keys = {name: make() for name, make in _MADE.items()}
        self._made: set[str] = set()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - until it ends
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._tap.__enter__()
        pem = str(self.authority.file("127.0.0.1"))
        self._process = subprocess.Popen(
            ["node", str(self._folder / "main.mjs"), pem],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.rotate()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.communicate()
        self._tap.__exit__()
        self._log.close()
        self.authority.close()

    def rotate(self) -> None:
        """New keys sign from now on; the older ones are gone, and all opaque tokens."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        run = secrets.token_hex(4)
        own = [_jwk(f"{name}-{run}", _MADE[name]()) for name in _SIGNS]
        configuration = {"issuer": self.url, "jwks": {"keys": own}, "clients": self._clients()}
        self._process.stdin.write(json.dumps(configuration) + "\n")
        self._process.stdin.flush()
        self._tap.inner.behind = self._process.stdout.readline().strip()
        assert self._tap.inner.behind, "oidc-provider ended: " + self._said()

    @property
    def place(self) -> str:
        """Where others than the tests reach it."""
        return self._tap.inner.place

    @property
    def url(self) -> str:
        """The issuer."""
        return f"https://{self.place}"

    def beside(self, asked: Asked) -> Asked:
        """All but the token in question, where it is one of its own, and a client's secret."""
        if asked.line != "POST /token/introspection HTTP/1.1":
            return asked
        headers = dict(asked.headers)
        if headers.get("authorization") == _basic("basic"):
            del headers["authorization"]
        form = parse_qsl(asked.body.decode("latin-1"), keep_blank_values=True)
        lawful = {("token", token) for token in self._made} | {("client_secret", SECRET)}
        rest = [pair for pair in form if pair not in lawful]
        return replace(asked, headers=headers, body=json.dumps(rest).encode())

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def _clients(self) -> list[dict[str, Any]]:
        public = [_jwk(name, key.public_key()) for name, key in self.keys.items()]
        ways: dict[str, dict[str, Any]] = {
            "shop": {"token_endpoint_auth_method": "client_secret_basic"},
            "basic": {"token_endpoint_auth_method": "client_secret_basic"},
            "post": {"token_endpoint_auth_method": "client_secret_post"},
            "signs": {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": public}},
        }
        ways["typed"] = ways["signs"]
        common = {"redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"]}
        return [
            common
            | {"client_id": name, "scope": " ".join(SCOPES)}
            | ({} if "jwks" in way else {"client_secret": SECRET})
            | way
            for name, way in ways.items()
        ]

    def token(
        self, algorithm: str = "", *, ttl_s: int = 7200, scopes: tuple[str, ...] = SCOPES
    ) -> str:
        """A new access token: a JWT of this algorithm, or an opaque text."""
        asked = {"ttl": str(ttl_s)} | ({"alg": algorithm} if algorithm else {})
        resource = f"https://payments.example.com/?{urlencode(asked)}"
        grant = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
        said = json.loads(self._post("token", resource=resource, **grant))
        self._made.add(said["access_token"])
        return str(said["access_token"])

    def revoke(self, token: str) -> None:
        self._post("token/revocation", token=token)

    def introspection(self, authentication: str, **more: Any) -> dict[str, Any]:
        """The part of a TokenProvider's spec that asks here, by this `authentication`."""
        return {
            "url": f"{self.url}/token/introspection",
            "authentication": authentication,
            "clientCredentialsRef": {"name": "introspect-client"},
        } | more

    def provider(self, name: str = "login", **spec: Any) -> dict[str, Any]:
        """A TokenProvider that gets here; it discovers the keys unless ``jwt`` is None."""
        asked = {"jwt": {"issuer": self.url, "keys": {"type": "Discovery"}}} | spec
        given = {part: value for part, value in asked.items() if value is not None}
        return trusted(self.authority, name, **given)

    def credentials(self, authentication: str, key: str = "P-256") -> dict[str, str]:
        """What the Secret of the operator's own credentials holds for this `authentication`."""
        if authentication != "PrivateKeyJWT":
            return {"client_id": authentication.lower(), "client_secret": SECRET}
        pem = self.keys[key].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {"client_id": "signs", "private_key": pem.decode(), "key_id": key}

    def _post(self, path: str, **form: str) -> bytes:
        """What it answers to ``shop``.

        Raises:
            HTTPError: it refuses.
        """
        request = urllib.request.Request(
            f"https://{self._tap.inner.behind}/{path}",
            data=urlencode(form).encode(),
            headers={"Authorization": _basic("shop")},
        )
        context = ssl.create_default_context(cadata=self.authority.pem)
        with urllib.request.urlopen(request, context=context, timeout=_PATIENCE_S) as answer:  # noqa: S310
            return bytes(answer.read())


def _basic(client: str) -> str:
    return f"Basic {b64encode(f'{client}:{quote_plus(SECRET)}'.encode()).decode()}"


def _jwk(kid: str, key: Any) -> dict[str, Any]:
    """A key as a JWK, private when it is."""
    ways: Any = {"RSA": RSAAlgorithm, "P": ECAlgorithm, "Ed25519": OKPAlgorithm}
    made: dict[str, Any] = json.loads(ways[kid.partition("-")[0]].to_jwk(key))
    made.pop("key_ops", None)
    return made | {"kid": kid, "use": "sig"}
