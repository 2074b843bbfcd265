"""A real RFC 7662 server on this machine: TLS, client authentication, tokens that the test ends."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from island.certs import Authority

CLIENT = ("operator:1", "s3cr3t +&=%/client-canary")


class Introspector:
    """Serves on 127.0.0.1. `asked` counts questions by token, `said` is all that clients sent.

    `tokens` holds what is said of each token; of any other the answer is that it is not active.
    `mode` is how it answers: well, 500, 429, silent, html, redirect, denied, echo, or a body in
    `raw`. An address that ends in ``?as=MODE`` is answered in that mode.
    """

    def __init__(self) -> None:
        self.authority = Authority("introspector")
        self.tokens: dict[str, dict[str, Any]] = {}
        self.mode = "well"
        self.raw = b""
        self.retry_after = ""
        self.asked: Counter[str] = Counter()
        self.connections = 0
        self.said = b""
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/introspect"

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

    def provider(self, name: str = "login", **introspection: Any) -> dict[str, Any]:
        """A TokenProvider that asks this server."""
        asked = {"url": self.url, "clientCredentialsRef": {"name": "introspect-client"}}
        return {
            "apiVersion": "tokencheck.dev/v1alpha1",
            "kind": "TokenProvider",
            "metadata": {"name": name},
            "spec": {
                "allowedNamespaces": {"all": True},
                "introspection": asked | introspection,
                "tls": {"caBundle": self.authority.pem},
                "network": {"cidrs": ["127.0.0.0/8"]},
            },
        }

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.said += head + body
            mode = _mode_in(lines[0]) or self.mode
            if mode == "silent":
                await reader.read()  # until the client has had enough
                return
            status, kind, answer = self._answer(mode, lines[0], headers, body)
            more = f"Retry-After: {self.retry_after}\r\n" if self.retry_after else ""
            more += "Location: /elsewhere\r\n" if status.startswith("302") else ""
            first = (
                f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(answer)}\r\n"
            )
            writer.write(f"{first}{more}Connection: close\r\n\r\n".encode() + answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(
        self, mode: str, line: str, headers: dict[str, str], body: bytes
    ) -> tuple[str, str, bytes]:
        json_type = "application/json"
        if not line.startswith("POST /introspect") or not line.endswith(" HTTP/1.1"):
            return "404 Not Found", "text/plain", b""
        form = {name: values[0] for name, values in parse_qs(body.decode("ascii")).items()}
        self.asked[form.get("token", "")] += 1
        failing = {"500": "500 No", "429": "429 Slow down", "redirect": "302 Found"}
        if mode in failing:
            return failing[mode], json_type, b"{}"
        if mode == "echo":
            return f"500 {form.get('token')}", json_type, b'{"error": "' + body + b'"}'
        if mode == "html":
            return "200 OK", "text/html", b"<html>active: true</html>"
        if mode == "raw":
            return "200 OK", json_type, self.raw
        if mode == "denied" or _client(headers, form) != CLIENT:
            return "401 Unauthorized", json_type, b'{"error": "invalid_client"}'
        known = self.tokens.get(form["token"])
        said = {"active": False} if known is None else {"active": True} | known
        return "200 OK", json_type, json.dumps(said).encode()


def _mode_in(line: str) -> str:
    return line.split(" ")[1].partition("?as=")[2]


def _client(headers: dict[str, str], form: dict[str, str]) -> tuple[str, str]:
    """Source: RFC 6749 section 2.3.1: in a Basic header, form-encoded, or in the body."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        name, _, secret = base64.b64decode(value).decode("ascii").partition(":")
        return unquote_plus(name), unquote_plus(secret)
    return form.get("client_id", ""), form.get("client_secret", "")


class Running:
    """An `Introspector` in a thread of its own."""

    def __init__(self) -> None:
        self.server = Introspector()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.does(lambda server: server.start())

    def does(self, act: Callable[[Introspector], Any]) -> Any:
        async def acted() -> Any:
            result = act(self.server)
            return await result if inspect.isawaitable(result) else result

        return asyncio.run_coroutine_threadsafe(acted(), self._loop).result(30)

    def end(self) -> None:
        self.does(lambda server: server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
