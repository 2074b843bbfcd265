"""Raw HTTP to the API server: as fast as this machine can seed and change objects."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from bench.flight import in_flight

Object = dict[str, Any]
T = TypeVar("T")
_IN_FLIGHT = 64
_JSON = "application/json"


class HttpError(Exception):
    """The API server refused."""


class Http:
    """One identity's connections to one API server; use it as an async context manager."""

    def __init__(self, server: str, ca_file: Path, token: str) -> None:
        """Nothing is sent yet."""
        self._server = server
        self._tls = ssl.create_default_context(cafile=str(ca_file))
        self._headers = {"Authorization": f"Bearer {token}", "User-Agent": "tokencheck-bench"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Connections are kept from now on."""
        self._session = aiohttp.ClientSession(
            self._server,
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=_IN_FLIGHT + 8),
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=120),
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Every connection is closed."""
        await self.session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The open session."""
        if self._session is None:
            raise RuntimeError("use Http as an async context manager")
        return self._session

    async def request(
        self, method: str, path: str, body: object = None, *, content_type: str = _JSON
    ) -> bytes:
        """The answer's body.

        Raises:
            HttpError: the answer is a 4xx or 5xx.
        """
        payload = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": content_type}
        async with self.session.request(method, path, data=payload, headers=headers) as answer:
            raw = await answer.read()
            if answer.status >= 400:
                raise HttpError(f"{method} {path}: {answer.status} {raw[:300]!r}")
            return raw

    async def plain(self, url: str) -> bytes:
        """The body of a page of another server, without credentials."""
        async with aiohttp.ClientSession(trust_env=False) as session, session.get(url) as answer:
            return await answer.read()

    async def merge(self, path: str, body: object) -> None:
        """The object is changed by a merge patch."""
        await self.request("PATCH", path, body, content_type="application/merge-patch+json")

    async def get(self, path: str) -> Object:
        """The object or list."""
        found: Object = msgspec.json.decode(await self.request("GET", path))
        return found

    async def many(
        self,
        work: Iterable[T],
        do: Callable[[T], Awaitable[object]],
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        """Every item is done, 64 at a time; ``tick`` is called after each."""
        await in_flight(_IN_FLIGHT, work, do, tick)

    async def lines(self, path: str) -> AsyncIterator[bytes]:
        """The lines of a stream, each as soon as it has arrived."""
        timeout = aiohttp.ClientTimeout(total=None)
        async with self.session.get(path, timeout=timeout) as answer:
            if answer.status >= 400:
                raise HttpError(f"GET {path}: {answer.status}")
            rest = b""
            async for chunk in answer.content.iter_any():
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line
