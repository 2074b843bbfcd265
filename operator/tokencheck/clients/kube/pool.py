"""Kept connections to one server: opened when none is free, dropped at the smallest doubt."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohappyeyeballs import AddrInfoType, start_connection

from tokencheck.clients.kube.connection import BrokenError, Connection

CONNECT_S = 5.0
# Load balancers forget a quiet connection after a minute or more, servers after a minute and a half
_IDLE_S = 15.0
_NEXT_ADDRESS_S = 0.25  # Source: RFC 8305 5


class UnreachableError(ConnectionError):
    """No connection could be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server listens.

    Args:
        tls: None for plain HTTP.
        server_name: expected in its certificate, by default the host.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str | None = None


class Pool:
    """At most `size` connections; the one used last is used next, so that the others may rest.

    A resting one costs more than its socket: asyncio keeps 256 KiB for each that speaks TLS. So
    those that a peak has opened are closed when they have rested for `rest_s`.
    """

    def __init__(self, address: Address, *, size: int, rest_s: float = _IDLE_S) -> None:
        """Open nothing yet."""
        self._address = address
        self._rest_s = rest_s
        self._free: list[Connection] = []
        self._busy: set[Connection] = set()
        self._places = asyncio.Semaphore(size)

    async def close(self) -> None:
        """Close all connections; exchanges under way break."""
        for connection in (*self._free, *self._busy):
            connection.abort()
        self._free.clear()
        await asyncio.sleep(0)  # transports close in the next round of the loop

    def renew(self, address: Address) -> None:
        """Open connections to `address` from now on, and use none of those there are again."""
        self._address = address
        for connection in self._free:
            connection.abort()
        self._free.clear()

    @asynccontextmanager
    async def exchange(
        self,
        request: bytes,
        *,
        repeatable: bool,
        before_send: Callable[[], None] = lambda: None,
    ) -> AsyncIterator[Connection]:
        """Enter an answer whose head has come; leaving before its end drops the connection.

        Args:
            request: a whole one.
            repeatable: whether it may reach the server twice. It is sent once more when a kept
                connection turns out to be dead and nothing of an answer came.
            before_send: called right before it is sent, each time; what it raises keeps it back.

        Raises:
            UnreachableError: the server cannot be reached.
            ssl.SSLCertVerificationError: it is not who it should be.
            BrokenError: the connection broke before or within the answer.
        """
        async with self._places:
            connection = await self._answered(
                request, repeatable=repeatable, before_send=before_send
            )
            try:
                yield connection
            finally:
                self._take_back(connection)

    async def _answered(
        self, request: bytes, *, repeatable: bool, before_send: Callable[[], None]
    ) -> Connection:
        kept = self._kept()
        try:
            return await self._sent(kept or await self._opened(), request, before_send)
        except BrokenError as error:
            if kept is None or not repeatable or not error.silent:
                raise
        return await self._sent(await self._opened(), request, before_send)

    async def _sent(
        self, connection: Connection, request: bytes, before_send: Callable[[], None]
    ) -> Connection:
        self._busy.add(connection)
        try:
            before_send()
            connection.send(request)
            await connection.head()
        except BaseException:
            self._take_back(connection)
            raise
        return connection

    def _take_back(self, connection: Connection) -> None:
        self._busy.discard(connection)
        if connection.reusable:
            connection.idle_since = asyncio.get_running_loop().time()
            self._free.append(connection)
        else:
            connection.abort()
        while self._free and not self._is_good(self._free[0]):
            self._free.pop(0).abort()  # the one that rests for longest

    def _kept(self) -> Connection | None:
        """Return a free connection; those that rested for too long are dropped."""
        while self._free:
            connection = self._free.pop()
            if self._is_good(connection):
                return connection
            connection.abort()
        return None

    def _is_good(self, connection: Connection) -> bool:
        oldest = asyncio.get_running_loop().time() - self._rest_s
        ours = connection.opened_to is self._address
        return ours and connection.reusable and connection.idle_since >= oldest

    async def _opened(self) -> Connection:
        to, loop = self._address, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                found = await _addresses_of(to.host, to.port)
                _, connection = await loop.create_connection(
                    Connection,
                    sock=await start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS_S),
                    ssl=to.tls,
                    server_hostname=(to.server_name or to.host) if to.tls else None,
                )
        except ssl.SSLCertVerificationError:
            raise
        except OSError:  # a time-out, and all others of ssl, are among them
            raise UnreachableError from None
        connection.opened_to = to
        return connection


async def _addresses_of(host: str, port: int) -> Sequence[AddrInfoType]:
    """Return what a name stands for; a number, as every Pod is given, needs no thread."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
