"""The island's servers: every address and port, counting who connects where and what he says."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from ipaddress import ip_address

from island.certs import Authority
from island.serving import answer

PORTS = (80, 443, 3128, 8443)


@dataclass
class Arrival:
    """One connection as the server saw it; `said` is all that came through it."""

    address: str
    port: int
    said: bytes = b""

    def hear(self, more: bytes) -> None:
        self.said += more


@dataclass(frozen=True)
class Host:
    """How the server of one address behaves.

    Args:
        serve: name of an answer.
        tls: how it proves who it is.
        name: of its certificate.
    """

    serve: str = "keys"
    tls: str = "right"
    name: str = ""


class Listeners:
    """Listens on every address. `hosts` says who behaves how; the others serve keys."""

    def __init__(self, authority: Authority, stranger: Authority) -> None:
        self.authority = authority
        self.stranger = stranger
        self.hosts: dict[str, Host] = {}
        self.arrivals: list[Arrival] = []

    async def start(self) -> None:
        for port in PORTS:
            # Two sockets: a dual-stack one refuses IPv4-mapped addresses of some kinds.
            await asyncio.start_server(self._serve, "0.0.0.0", port, limit=2**20)  # noqa: S104
            await asyncio.start_server(self._serve, "::", port, limit=2**20)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = writer.get_extra_info("sockname")
        address = ip_address(place[0].split("%")[0])
        arrival = Arrival(str(getattr(address, "ipv4_mapped", None) or address), place[1])
        self.arrivals.append(arrival)
        host = self.hosts.get(arrival.address, Host(name=arrival.address))
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError):
            try:
                if await self._secured(host, reader, writer, arrival):
                    await answer(host.serve, reader, writer, arrival.hear)
            finally:
                writer.close()

    async def _secured(
        self,
        host: Host,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        arrival: Arrival,
    ) -> bool:
        if host.tls == "silent":
            await asyncio.sleep(3600)
        if host.tls == "closes":
            return False
        if host.tls == "clear":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()
            arrival.said += await reader.read(4096)
            return False
        await writer.start_tls(self._context(host))
        return True

    def _context(self, host: Host) -> ssl.SSLContext:
        shifts = {"expired": -3, "not yet valid": 3}
        authority = self.stranger if host.tls == "stranger" else self.authority
        name = "other.test" if host.tls == "other name" else host.name
        if host.tls == "self-signed":
            return self.authority.serving(self.authority.certificate, self.authority.key)
        if host.tls == "TLS 1.1":
            old = Authority.context.__wrapped__(authority, name)
            old.set_ciphers("ALL:@SECLEVEL=0")
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            return old
        return authority.context(name, shift_days=shifts.get(host.tls, 0))
