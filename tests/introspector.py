"""A real RFC 7662 server on this machine: TLS, client authentication, tokens that the test ends."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import jwt

from tlsserver import FAILING, Asked, Said, TlsServer

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLIENT = ("operator:1", "s3cr3t +&=%/client-canary")
_QUESTION = {"token", "client_id", "client_secret", "client_assertion"}


class Introspector(TlsServer):
    """`asked` counts questions by token.

    `tokens` holds what is said of each token; of any other the answer is that it is not active.
    `mode` is how it answers: well, 500, 429, silent, html, redirect, denied, echo, or a body in
    `raw`. An address that ends in ``?as=MODE`` is answered in that mode.
    """

    def __init__(self) -> None:
        super().__init__("introspector")
        self.tokens: dict[str, dict[str, Any]] = {}
        self.mode = "well"
        self.raw = b""
        self.retry_after = ""
        self.asked: Counter[str] = Counter()
        # Of a client that signs: its public key, its audience, and the assertions that came.
        self.public_key: Any = None
        self.audience = ""  # its own address
        self.assertions: list[dict[str, Any]] = []
        self.heads: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"https://{self.place}/introspect"

    def provider(self, name: str = "login", **introspection: Any) -> dict[str, Any]:
        """A TokenProvider that asks this server."""
        asked = {"url": self.url, "clientCredentialsRef": {"name": "introspect-client"}}
        return self.trusted(name, introspection=asked | introspection)

    def beside(self, asked: Asked) -> Asked:
        """All but the token in question and the client's own credentials."""
        headers = {name: text for name, text in asked.headers.items() if name != "authorization"}
        form = parse_qs(asked.body.decode("latin-1"), keep_blank_values=True)
        rest = {name: texts for name, texts in form.items() if name not in _QUESTION}
        return replace(asked, headers=headers, body=json.dumps(rest).encode())

    def answer(self, asked: Asked) -> Said | None:
        mode = asked.path.partition("?as=")[2] or self.mode
        if mode == "silent":
            return None
        said = self._answer(mode, asked)
        more = {"Retry-After": self.retry_after} if self.retry_after else {}
        return replace(said, headers=said.headers | more)

    def _answer(self, mode: str, asked: Asked) -> Said:
        if not asked.line.startswith("POST /introspect") or not asked.line.endswith(" HTTP/1.1"):
            return Said(status="404 Not Found", kind="text/plain", body=b"")
        form = {name: values[0] for name, values in parse_qs(asked.body.decode("ascii")).items()}
        self.asked[form.get("token", "")] += 1
        if mode in FAILING:
            return FAILING[mode]
        if mode == "echo":
            body = b'{"error": "' + asked.body + b'"}'
            return Said(status=f"500 {form.get('token')}", body=body)
        if mode == "html":
            return Said(kind="text/html", body=b"<html>active: true</html>")
        if mode == "raw":
            return Said(body=self.raw)
        signs = "client_assertion" in form
        client = self.client_of_assertion(form) if signs else _client(asked.headers, form)
        if mode == "denied" or client != CLIENT:
            return Said(status="401 Unauthorized", body=b'{"error": "invalid_client"}')
        known = self.tokens.get(form["token"])
        said = {"active": False} if known is None else {"active": True} | known
        return Said(body=json.dumps(said).encode())

    def client_of_assertion(self, form: dict[str, str]) -> tuple[str, str]:
        """Source: RFC 7523 section 3: signed, for us, young, and never seen before."""
        asserted = form["client_assertion"]
        try:
            claims = jwt.decode(
                asserted,
                self.public_key,
                algorithms=["RS256", "ES256", "ES384", "EdDSA"],
                audience=self.audience or self.url,
                options={"require": ["exp", "iat", "iss", "sub", "jti", "aud"]},
            )
        except jwt.PyJWTError:
            return "", ""
        bearer = form["client_assertion_type"] == ASSERTION_TYPE
        lone = claims["aud"] == (self.audience or self.url) and claims["iss"] == claims["sub"]
        young = claims["exp"] - claims["iat"] <= 120
        again = claims["jti"] in {one["jti"] for one in self.assertions}
        self.assertions.append(claims)
        self.heads.append(jwt.get_unverified_header(asserted))
        good = bearer and lone and young and not again and "client_secret" not in form
        return (claims["sub"], CLIENT[1]) if good else ("", "")


def _client(headers: dict[str, str], form: dict[str, str]) -> tuple[str, str]:
    """Source: RFC 6749 section 2.3.1: in a Basic header, form-encoded, or in the body."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        name, _, secret = base64.b64decode(value).decode("ascii").partition(":")
        return unquote_plus(name), unquote_plus(secret)
    return form.get("client_id", ""), form.get("client_secret", "")
