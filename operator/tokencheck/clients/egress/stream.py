"""A connection that sends only what was meant, only through TLS, and takes only so much."""

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpcore

from tokencheck.clients.egress.refused import Refused
from tokencheck.clients.egress.tls import tls_fault
from tokencheck.model.reasons import Reason

HEAD_BYTES = 32 * 1024  # of an answer, whatever stands before its body


@dataclass(slots=True)
class Limits:
    """What one request may send and receive.

    Args:
        send: the whole request as it is meant, head and body.
        receive: bytes that may still come, head and body.
    """

    send: bytes
    receive: int


class GuardedStream(httpcore.AsyncNetworkStream):
    """A stream of httpcore under `Limits`; before TLS it carries nothing."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, limits: Limits, *, tls: bool) -> None:
        """Guard `stream`."""
        self._stream = stream
        self._limits = limits
        self._tls = tls
        self._sent = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        """Return what came.

        Raises:
            Refused: more came than may.
        """
        data = await self._stream.read(max_bytes, timeout)
        self._limits.receive -= len(data)
        if self._limits.receive < 0:
            raise Refused(Reason.ANSWER_TOO_LARGE, "the answer is larger than allowed")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        """Send `buffer`.

        Raises:
            Refused: it is not the request that was meant, or would go out in clear.
        """
        if not self._tls:
            raise Refused(Reason.TLS_FAILED, "nothing is sent in clear")
        end = self._sent + len(buffer)
        if self._limits.send[self._sent : end] != buffer:
            raise Refused(Reason.NOT_ASKED, "the request differs from what was meant")
        self._sent = end
        await self._stream.write(buffer, timeout)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Return the stream within TLS.

        Raises:
            Refused: the other side could not prove who it is.
        """
        try:
            inner = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
            detail = tls_fault(fault.__cause__ or fault.__context__)
        except asyncio.CancelledError:
            # The time is up. Nobody above knows the connection yet, and it would stay open until
            # it is found as garbage.
            await self._stream.aclose()
            raise
        else:
            return GuardedStream(inner, self._limits, tls=True)
        raise Refused(Reason.TLS_FAILED, detail)

    async def aclose(self) -> None:
        """Close it."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        """Return what the stream below knows."""
        return self._stream.get_extra_info(info)


SocketOptions = Iterable[httpcore.SOCKET_OPTION]
