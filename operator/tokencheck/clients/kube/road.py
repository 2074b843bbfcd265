"""How a request reaches the API server: straight, or through a proxy.

The straight road costs a third of a general HTTP client. What is rare, a proxy, is left to aiohttp.
Source: docs/adr/0011.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from tokencheck.clients.kube.pool import CONNECT_S, Address, Pool

_REPEATABLE = frozenset({"GET"})  # the only one of our methods that changes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent.

    Args:
        target: path and query, encoded.
        headers: without Host and Content-Length.
        before_send: called right before the first byte leaves; what it raises keeps it back.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)  # that of a TokenReview holds a token
    before_send: Callable[[], None] = lambda: None


class Response(Protocol):
    """An answer whose head has come."""

    status: int

    def header(self, name: str) -> str:
        """Return a header, "" without it."""

    async def read(self) -> bytes:
        """Return the next part of the body, b"" at its end."""


class Road(Protocol):
    """Sends requests; what fails is an `OSError`, a `ValueError` or an `aiohttp.ClientError`."""

    def exchange(self, request: Request) -> AbstractAsyncContextManager[Response]:
        """Enter the answer to `request`; leaving before its end drops the connection."""

    def renew(self, tls: ssl.SSLContext) -> None:
        """Open new connections with `tls` from now on."""

    async def close(self) -> None:
        """Close all connections."""


class StraightRoad:
    """Connections of our own to the server."""

    def __init__(
        self, server: str, tls: ssl.SSLContext, *, server_name: str | None, size: int
    ) -> None:
        """Open nothing yet; at most `size` connections."""
        self._url = urlsplit(server)
        self._server_name = server_name
        self._pool = Pool(self._address(tls), size=size)
        self._base = self._url.path.rstrip("/")
        self._host = self._url.netloc.rpartition("@")[2]

    def _address(self, tls: ssl.SSLContext) -> Address:
        secure = self._url.scheme == "https"
        return Address(
            host=self._url.hostname or "",
            port=self._url.port or (443 if secure else 80),
            tls=tls if secure else None,
            server_name=self._server_name,
        )

    @asynccontextmanager
    async def exchange(self, request: Request) -> AsyncIterator[Response]:
        """Enter the answer; see `Road`."""
        sent = encoded(request, host=self._host, base=self._base)
        repeatable = request.method in _REPEATABLE
        async with self._pool.exchange(
            sent, repeatable=repeatable, before_send=request.before_send
        ) as connection:
            yield connection

    def renew(self, tls: ssl.SSLContext) -> None:
        """See `Road`."""
        self._pool.renew(self._address(tls))

    async def close(self) -> None:
        """See `Road`."""
        await self._pool.close()


def encoded(request: Request, *, host: str, base: str = "") -> bytes:
    """Return a request as it is sent. Source: RFC 9112 3 and 5.

    Raises:
        ValueError: something in it would break out of its line, or is no Latin-1.
    """
    lines = [f"{request.method} {base}{request.target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.body or request.method not in _REPEATABLE:
        lines.append(f"Content-Length: {len(request.body)}")
    head = "\r\n".join(lines)
    breaks = len(lines) - 1
    whole = head.count("\n") == head.count("\r") == breaks and "\0" not in head
    if not whole or " " in request.target:
        raise ValueError("a request with a break in a line")
    return b"".join((head.encode("latin-1"), b"\r\n\r\n", request.body))


class ProxiedRoad:
    """The road of aiohttp, which knows proxies of all kinds and what the environment says."""

    def __init__(
        self,
        server: str,
        tls: ssl.SSLContext,
        *,
        server_name: str | None,
        proxy: str | None,
        proxy_headers: Mapping[str, str] | None,
        size: int,
    ) -> None:
        """Open nothing yet; without `proxy` the environment says which."""
        self._server = server
        self._tls = tls
        self._server_name = server_name
        self._proxy = proxy
        self._proxy_headers = proxy_headers
        self._size = size
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def exchange(self, request: Request) -> AsyncIterator[Response]:
        """Enter the answer; see `Road`."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._size),
                timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_S),
                trust_env=self._proxy is None,
                auto_decompress=False,
                skip_auto_headers=("Content-Type",),
            )
        request.before_send()
        async with self._session.request(
            request.method,
            URL(f"{self._server}{request.target}", encoded=True),
            headers=request.headers,
            data=request.body or None,
            ssl=self._tls,
            server_hostname=self._server_name,
            proxy=self._proxy,
            proxy_headers=self._proxy_headers,
            allow_redirects=False,
        ) as response:
            yield _Foreign(response)

    def renew(self, tls: ssl.SSLContext) -> None:
        """See `Road`."""
        self._tls = tls

    async def close(self) -> None:
        """See `Road`."""
        if self._session is not None:
            await self._session.close()


class _Foreign:
    """An answer of aiohttp."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self._response = response

    def header(self, name: str) -> str:
        return self._response.headers.get(name, "")

    async def read(self) -> bytes:
        return await self._response.content.readany()
