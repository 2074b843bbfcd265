"""One HTTP/1.1 connection to the API server: one request, its answer, then perhaps the next.

The framing of answers is the work of llhttp (`httptools`), the parser of Node.js; here stands what
a connection may do besides: nothing may come unasked, nothing after an answer, no endless head, and
what nobody reads yet is left to the kernel. Never two requests at once.
"""

import asyncio
import socket

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

_MAX_HEAD_BYTES = 64 << 10
_HIGH_BYTES = 1 << 20  # unread: above it the peer has to wait
_KEPT = (b"date", b"retry-after")


class BrokenError(ConnectionError):
    """The connection broke, or the peer does not speak HTTP as it should.

    `silent` tells whether not one byte of an answer had come.
    """

    def __init__(self, *, silent: bool) -> None:
        """Carry no text: what the peer said is not repeated."""
        super().__init__()
        self.silent = silent


class Connection(asyncio.Protocol):
    """A connection that `loop.create_connection` opens.

    `status` is that of the answer that is read.
    """

    def __init__(self) -> None:
        """Stand idle."""
        self.status = 0
        # Kept by the pool.
        self.idle_since = 0.0
        self.opened_to: object = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._parser = HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._broken = False
        self._asked = False
        self._begin()

    def _begin(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._headed = False
        self._delimited = False  # by a length or by chunks, not by the end of the connection
        self._ended = False
        self._chunks: list[bytes] = []
        self._unread_bytes = 0
        self._paused = False

    # What the owner asks

    def send(self, request: bytes) -> None:
        """Send a whole request; its answer is read with `head`, then `read`."""
        self._begin()
        self._asked = True
        self._transport.write(request)

    async def head(self) -> None:
        """Return when status and headers are there.

        Raises:
            BrokenError: they will not come.
        """
        while not self._headed:
            await self._more()

    def header(self, name: str) -> str:
        """Return a header of the answer, "" without it; only those that matter here are kept."""
        return self._headers.get(name.lower().encode(), b"").decode("latin-1")

    async def read(self) -> bytes:
        """Return the next part of the body, b"" at its end.

        Raises:
            BrokenError: the connection ended within the body.
        """
        while not self._chunks and not self._ended:
            await self._more()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._unread_bytes = 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return data

    @property
    def reusable(self) -> bool:
        """Return whether the next request may go out: the last answer is complete, all is well."""
        return (
            not self._asked
            and not self._broken
            and not self._transport.is_closing()
            and not self._transport.get_write_buffer_size()
        )

    def abort(self) -> None:
        """End it at once; whoever reads from it is told that it broke."""
        self._broken = True
        self._transport.abort()

    async def _more(self) -> None:
        if self._broken:
            raise BrokenError(silent=not self._head_bytes)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; a peer that vanishes without a word is noticed by the kernel."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - create_connection makes no other
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        """Take part of an answer."""
        if not self._asked or self._broken:
            self.abort()  # nobody asked
            return
        if not self._headed:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self.abort()
        if not self._headed and self._head_bytes > _MAX_HEAD_BYTES:
            self.abort()
        if self._unread_bytes > _HIGH_BYTES and not self._paused and not self._broken:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, _exc: Exception | None) -> None:
        """End what is read: well when its end was to be that of the connection."""
        if self._headed and not self._delimited and not self._broken:
            self._ended = True
        self._broken = True
        # It and the connection hold each other, and with them 256 KiB for TLS: until the collector
        # looks at what has lived for long, which is some day.
        del self._parser
        self._wake()

    # What the parser tells

    def on_message_begin(self) -> None:
        """Begin an answer; a second one was not asked for."""
        if self._ended:
            self._broken = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header that matters; those after the body are trailers, and none does."""
        if self._headed:
            return
        name = name.lower()
        if name in _KEPT:
            self._headers[name] = value
        elif name in (b"content-length", b"transfer-encoding"):
            self._delimited = True

    def on_headers_complete(self) -> None:
        """Know the status. Interim answers are passed over. Source: RFC 9110 15.2."""
        if not self._ended:
            self.status = self._parser.get_status_code()
            self._headed = self.status >= 200

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body until it is read."""
        if not self._ended:
            self._chunks.append(body)
            self._unread_bytes += len(body)

    def on_message_complete(self) -> None:
        """Be idle again when the peer keeps the connection."""
        if self._headed and not self._ended:
            self._ended = True
            self._asked = not self._parser.should_keep_alive()
