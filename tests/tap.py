"""A tap before a server that others wrote: what reaches it is heard like what ours are sent.

It ends TLS with a certificate of the server's authority for the same name, hears, and goes on by
TLS to the server, which the tests themselves ask without it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress

from loopthread import LoopThread
from tlsserver import Asked, TlsServer, request

_CHUNK_BYTES = 2**16
_ENDING_S = 0.05  # TLS connections end a little later than they are closed


class Tap(TlsServer):
    """Serves on 127.0.0.1 what the server at `behind` says, in a loop of its own."""

    def __init__(self, name: str, beside: Callable[[Asked], Asked]) -> None:
        """Of an authority of this name, which is the server's too; nothing listens yet.

        Args:
            name: of the authority.
            beside: what of a request may hold no token there, as in `TlsServer`.
        """
        super().__init__(name)
        self.behind = ""  # host:port
        self._beside = beside
        self._trusted = ssl.create_default_context(cadata=self.authority.pem)
        self._open: set[asyncio.StreamWriter] = set()

    def beside(self, asked: Asked) -> Asked:
        return self._beside(asked)

    async def stop(self) -> None:
        """Nobody listens, and every connection has ended."""
        await super().stop()
        for writer in self._open:
            writer.transport.abort()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(_ENDING_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question and its answer; what else comes may hold no token at all."""
        self._open.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            raw, asked = await request(reader)
            self.hear(asked)
            host, _, port = self.behind.rpartition(":")
            there, back = await asyncio.open_connection(host, int(port), ssl=self._trusted)
            self._open.add(back)
            back.write(raw)
            more = asyncio.create_task(self._more(reader, back))
            await _copied(there, writer)
            more.cancel()
            await self._close(back)
        await self._close(writer)

    async def _more(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                self.heard.append(chunk)
                back.write(chunk)
        back.close()

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        self._open.discard(writer)


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()


def tapped(name: str, beside: Callable[[Asked], Asked]) -> LoopThread[Tap]:
    """A tap that serves while it is entered."""
    return LoopThread(Tap(name, beside))
