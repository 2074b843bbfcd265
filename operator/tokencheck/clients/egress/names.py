"""Host names become addresses, once per request, as the system does it (hosts file, search list).

``getaddrinfo`` cannot be cancelled and may hang for half a minute. Look-ups therefore have threads
of their own, which nobody waits for at the end, and each name is looked up by one at a time.
"""

import asyncio
import socket
import threading

from tokencheck.clients.egress.refused import Refused
from tokencheck.model.reasons import Reason

MAX_LOOKUPS = 64  # threads that hang cost 8 MiB of address space each, and nothing else


class Names:
    """Looks up names; what hangs keeps its thread and nobody else's."""

    def __init__(self) -> None:
        """Nothing is looked up yet."""
        self._running: dict[tuple[str, int], asyncio.Future[tuple[str, ...]]] = {}

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Return all addresses of `host`, in the order of the system.

        Raises:
            Refused: there is none, or too many other look-ups hang.
        """
        key = (host, port)
        running = self._running.get(key)
        if running is None:
            running = self._start(key)
        try:
            found = await asyncio.shield(running)
        except OSError:
            raise Refused(Reason.DNS_FAILED, "the name of the host cannot be resolved") from None
        if not found:
            raise Refused(Reason.DNS_FAILED, "the name of the host has no address")
        return found

    def _start(self, key: tuple[str, int]) -> asyncio.Future[tuple[str, ...]]:
        if len(self._running) >= MAX_LOOKUPS:
            raise Refused(Reason.DNS_FAILED, "too many name look-ups hang")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[str, ...]] = loop.create_future()
        self._running[key] = future

        def end(result: tuple[str, ...] | None) -> None:
            self._running.pop(key, None)
            if result is None:
                future.set_exception(OSError())
                future.exception()  # seen, even when everybody stopped waiting
            else:
                future.set_result(result)

        def look_up() -> None:
            result = _look_up(*key)
            if not loop.is_closed():
                loop.call_soon_threadsafe(end, result)

        threading.Thread(target=look_up, name="tokencheck-names", daemon=True).start()
        return future


def _look_up(host: str, port: int) -> tuple[str, ...] | None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    return tuple(dict.fromkeys(str(place[0]) for *_, place in found))
