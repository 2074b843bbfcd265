"""A TCP relay in a thread of its own: a load balancer, or a road that can be blocked."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from itertools import count
from typing import TypeVar

T = TypeVar("T")
_CHUNK_BYTES = 2**16


class Relay:
    """Listens on a free port of 127.0.0.1 and hands connections to its targets in turn."""

    def __init__(self, *targets: int, bound: socket.socket | None = None) -> None:
        """It listens.

        Args:
            targets: ports on 127.0.0.1; may be replaced at any time by `lead_to`.
            bound: where it listens instead; it is closed with the relay.
        """
        self._bound = bound
        self._targets: Sequence[int] = targets
        self._turn = count()
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._free = asyncio.Event()
        self._free.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port: int = self._do(self._listen())

    def close(self) -> None:
        """Nobody listens any more, and every connection has ended."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def lead_to(self, *targets: int) -> None:
        """New connections go to these; the open ones stay where they are."""
        self._targets = targets

    def block(self) -> None:
        """Connections stay open, and nothing comes through: neither side learns of it."""
        self._loop.call_soon_threadsafe(self._free.clear)

    def unblock(self) -> None:
        """What was kept back goes on."""
        self._loop.call_soon_threadsafe(self._free.set)

    def cut(self) -> None:
        """Every open connection is broken."""
        self._loop.call_soon_threadsafe(self._cut)

    # In its loop

    async def _listen(self) -> int:
        where = {"sock": self._bound} if self._bound else {"host": "127.0.0.1", "port": 0}
        self._server = await asyncio.start_server(self._serve, **where)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        self._server.close()
        self._cut()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def _cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = self._targets[next(self._turn) % len(self._targets)]
        with suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection("127.0.0.1", target)
            self._open |= {writer, back}
            try:
                await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
            finally:
                self._open -= {writer, back}
                back.close()
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                await self._free.wait()
                writer.write(chunk)
                await writer.drain()
        writer.close()

    def _do(self, coroutine: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)
