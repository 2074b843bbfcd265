"""What the API server says, and how it fails to: values and errors in our own words."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from ssl import SSLCertVerificationError

import aiohttp

from tokencheck.clients.kube.pool import UnreachableError
from tokencheck.clients.kube.road import Response
from tokencheck.model.errors import ClusterError

# The API server asks for seconds. More than a minute is no word of it, but of something between,
# and must not silence an operator for an hour.
_MAX_RETRY_AFTER_S = 60.0
# etcd takes 1.5 MiB a request; JSON is a few times larger than what it stores
MAX_LINE_BYTES = 8 << 20
_MAX_BODY_BYTES = 256 << 20
UNAUTHORIZED = "the API server does not accept the credentials (401)"


class Retry(StrEnum):
    """Why a request was sent again; label of tokencheck_api_retries_total."""

    THROTTLED = "Throttled"  # the server asked to come back later (429)
    UNAUTHORIZED = "Unauthorized"  # with credentials that were read again


class HeldBackBy(StrEnum):
    """Who made a request wait; label of tokencheck_api_throttled_seconds_total."""

    CLIENT = "Client"  # our own bound of requests a second
    SERVER = "Server"  # its Retry-After


class StalledError(ClusterError):
    """A stream stayed silent for longer than it may: the peer is gone or frozen."""


class LateError(ClusterError):
    """No whole answer came in time."""


class WithheldError(ClusterError):
    """A write was not sent: this process may not make it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server said, whatever the status.

    Args:
        status: HTTP status.
        body: undecoded; of a Secret it holds the values, so it must not outlive the function that
            decodes it.
        date: the Date header, "" without one.
    """

    status: int
    body: bytes
    date: str = ""

    def __repr__(self) -> str:
        """Return the status and the size: a body may hold a Secret."""
        return f"Answer(status={self.status}, {len(self.body)} bytes)"

    @property
    def server_time(self) -> datetime | None:
        """Return the server's clock, or None when the answer does not tell it."""
        try:
            return parsedate_to_datetime(self.date)
        except ValueError:
            return None


async def lines_of(response: Response, *, silent_s: float) -> AsyncIterator[bytes]:
    """Yield the lines of a stream, without empty ones.

    Raises:
        TimeoutError: nothing came for `silent_s`.
        ClusterError: a line is too long.
    """
    rest = b""
    while True:
        async with asyncio.timeout(silent_s):
            chunk = await response.read()
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
        for line in lines:
            if line:
                yield line
        if len(rest) > MAX_LINE_BYTES:
            raise ClusterError(f"a watch event is larger than {MAX_LINE_BYTES} bytes")


async def body_of(response: Response, where: str) -> bytes:
    """Return a whole body. Raises ClusterError for one too large."""
    chunks: list[bytes] = []
    size_bytes = 0
    while chunk := await response.read():
        size_bytes += len(chunk)
        if size_bytes > _MAX_BODY_BYTES:
            raise ClusterError(f"{where}: larger than {_MAX_BODY_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def retry_after_s(response: Response) -> float:
    """Return the seconds that the server asks for, 1 by default, 60 at most.

    Source: RFC 9110 10.2.3.
    """
    text = response.header("Retry-After")
    return min(float(text), _MAX_RETRY_AFTER_S) if text.isdecimal() else 1.0


def refused(where: str, status: int) -> ClusterError:
    """Return the error of an answer with this HTTP status, which was none of those wanted."""
    said = UNAUTHORIZED if status == 401 else f"HTTP {status}"
    return ClusterError(f"{where}: {said}", status=status)


def broken(where: str, error: Exception) -> ClusterError:
    """Return our words for a foreign error: its class decides, its text is never shown."""
    match error:
        case SSLCertVerificationError() | aiohttp.ClientConnectorCertificateError():
            return ClusterError(f"{where}: the certificate of the API server is not trusted")
        case UnreachableError() | aiohttp.ClientConnectorError():
            return ClusterError(f"{where}: the API server cannot be reached")
        case ValueError():
            return ClusterError(
                f"{where}: not sent, the credentials hold what no header may: a line break, say"
            )
        case _:
            return ClusterError(f"{where}: the connection broke")
