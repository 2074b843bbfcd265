"""A real RFC 7662 server on this machine: TLS, client authentication, tokens that the test ends."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from tlsserver import FAILING, Asked, Said, TlsServer

CLIENT = ("operator:1", "s3cr3t +&=%/client-canary")


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

    @property
    def url(self) -> str:
        return f"https://{self.place}/introspect"

    def provider(self, name: str = "login", **introspection: Any) -> dict[str, Any]:
        """A TokenProvider that asks this server."""
        asked = {"url": self.url, "clientCredentialsRef": {"name": "introspect-client"}}
        return self.trusted(name, introspection=asked | introspection)

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
        if mode == "denied" or _client(asked.headers, form) != CLIENT:
            return Said(status="401 Unauthorized", body=b'{"error": "invalid_client"}')
        known = self.tokens.get(form["token"])
        said = {"active": False} if known is None else {"active": True} | known
        return Said(body=json.dumps(said).encode())


def _client(headers: dict[str, str], form: dict[str, str]) -> tuple[str, str]:
    """Source: RFC 6749 section 2.3.1: in a Basic header, form-encoded, or in the body."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        name, _, secret = base64.b64decode(value).decode("ascii").partition(":")
        return unquote_plus(name), unquote_plus(secret)
    return form.get("client_id", ""), form.get("client_secret", "")
