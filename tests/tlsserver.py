"""A small HTTPS server on this machine, whose answers a test chooses: the ground of issuers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from island.certs import Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request: its first line, its headers with names in lower case, its body."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.line.split(" ", 2)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer; `status` is what follows the version: ``200 OK``."""

    status: str = "200 OK"
    kind: str = "application/json"
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


FAILING = {
    "500": Said(status="500 No"),
    "429": Said(status="429 Slow down"),
    "redirect": Said(status="302 Found", headers={"Location": "/elsewhere"}),
}


def reach(authority: Authority) -> dict[str, object]:
    """What a TokenProvider's spec needs to get to a server on loopback of this authority."""
    return {"tls": {"caBundle": authority.pem}, "network": {"cidrs": ["127.0.0.0/8"]}}


def trusted(authority: Authority, name: str, **spec: object) -> dict[str, Any]:
    """A TokenProvider for all namespaces that gets there; ``spec`` says what is asked."""
    return {
        "apiVersion": "tokencheck.dev/v1alpha1",
        "kind": "TokenProvider",
        "metadata": {"name": name},
        "spec": {"allowedNamespaces": {"all": True}, **reach(authority), **spec},
    }


class TlsServer:
    """Serves on 127.0.0.1; `said` is all that clients sent. An asynchronous context manager."""

    heard: ClassVar[list[bytes]] = []  # by all of them, beside what they are asked about

    def __init__(self, name: str) -> None:
        """Of an authority of this name; nothing listens yet."""
        self.authority = Authority(name)
        self.connections = 0
        self.said = b""
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def reach(self) -> dict[str, object]:
        """What a TokenProvider's spec needs to get here."""
        return reach(self.authority)

    def trusted(self, name: str, **spec: object) -> dict[str, Any]:
        """A TokenProvider for all namespaces that gets here; ``spec`` says what is asked."""
        return trusted(self.authority, name, **spec)

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

    def answer(self, asked: Asked) -> Said | None:
        """What is said; None: nothing, ever."""
        raise NotImplementedError

    def beside(self, asked: Asked) -> Asked:
        """What of a request may hold no token: all of it, unless it is a question about one."""
        return asked

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            said = self.answer(await self._asked(reader))
            if said is None:
                await reader.read()  # until the client has had enough
                return
            lines = [f"HTTP/1.1 {said.status}", f"Content-Type: {said.kind}"]
            lines += [f"Content-Length: {len(said.body)}", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in said.headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode() + said.body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _asked(self, reader: asyncio.StreamReader) -> Asked:
        raw, asked = await request(reader)
        self.said += raw
        self.hear(asked)
        return asked

    def hear(self, asked: Asked) -> None:
        """What of it may hold no token is searched for tokens, where a sweep runs."""
        beside = asked
        with suppress(ValueError, LookupError):  # what is no question that it knows counts whole
            beside = self.beside(asked)
        self.heard.append(f"{beside.line} {beside.headers} ".encode() + beside.body)


async def request(reader: asyncio.StreamReader) -> tuple[bytes, Asked]:
    """A request as it came, and read.

    Raises:
        IncompleteReadError: it ends before it is whole.
    """
    head = await reader.readuntil(b"\r\n\r\n")
    line, *more = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in more)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return head + body, Asked(line=line, headers=headers, body=body)
