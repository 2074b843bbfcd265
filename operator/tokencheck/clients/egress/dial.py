"""Dials what was checked: the name is resolved once, and only those addresses are connected to."""

from collections.abc import Sequence
from ipaddress import ip_address

import httpcore

from tokencheck.clients.egress.addresses import Address, Network, checked_address
from tokencheck.clients.egress.names import Names
from tokencheck.clients.egress.refused import Refused
from tokencheck.clients.egress.stream import GuardedStream, Limits, SocketOptions
from tokencheck.model.reasons import Reason

MAX_DIALLED = 4  # addresses of one name
CONNECT_S = 3.0  # each; the deadline of the whole request stands above


class Dial(httpcore.AsyncNetworkBackend):
    """The network of one request."""

    def __init__(
        self,
        names: Names,
        listed: Sequence[Network],
        limits: Limits,
        sockets: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        """Dial by `sockets`, by default the system's."""
        self._names = names
        self._listed = listed
        self._limits = limits
        self._sockets = sockets or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - httpcore's signature
        local_address: str | None = None,  # noqa: ARG002 - httpcore's signature
        socket_options: SocketOptions | None = None,  # noqa: ARG002 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection to one of the addresses of `host`, all of which may be dialled.

        Raises:
            Refused: one of them may not be, or none answers.
        """
        for address in await self._checked(host, port):
            stream = await self._connected(address, port)
            if stream is not None:
                return GuardedStream(stream, self._limits, tls=False)
        raise Refused(Reason.UNREACHABLE, "the host does not accept connections")

    async def _checked(self, host: str, port: int) -> list[Address]:
        found = await self._names.addresses(host, port)
        checked: list[Address] = []
        for one in found:
            address = checked_address(one, self._listed)
            if isinstance(address, str):
                raise Refused(
                    Reason.ADDRESS_FORBIDDEN,
                    f"the host leads to an address that may not be asked ({address}); "
                    "private networks are allowed by network.cidrs",
                )
            checked.append(address)
        return checked[:MAX_DIALLED]

    async def _connected(self, address: Address, port: int) -> httpcore.AsyncNetworkStream | None:
        try:
            stream = await self._sockets.connect_tcp(str(address), port, timeout=CONNECT_S)
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            return None
        peer = stream.get_extra_info("server_addr")
        if not peer or ip_address(peer[0]) != address:
            await stream.aclose()
            raise Refused(Reason.ADDRESS_FORBIDDEN, "the connection leads to another address")
        return stream
