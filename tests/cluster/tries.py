"""Connections that are tried between network namespaces, all at once."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from cluster.spaces import Space, Spaces
from controlplane import netns

# Long enough for one packet that is lost: TCP asks again after a second.
_WAIT_S = 1.5
_KINDS = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}


@dataclass(frozen=True, slots=True)
class Try:
    """A connection from one namespace to an address of another."""

    source: Space
    target: Space
    address: str
    port: int
    protocol: str

    @property
    def where(self) -> tuple[str, int]:
        """Address and port."""
        return self.address, self.port

    def socket(self, space: Space) -> socket.socket:
        """A socket of its family and protocol, in the namespace."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        made = netns.socket_in(space.pid, family, _KINDS[self.protocol])
        made.setblocking(False)
        return made


def parsed(line: str, spaces: Spaces) -> Try:
    """``operator > 192.0.2.1 443/TCP``, or a name instead of the address, whose first it is."""
    source, _, address, port = line.split()
    number, _, protocol = port.partition("/")
    address = spaces.addresses.get(address, (address,))[0]
    return Try(spaces.spaces[source], spaces.of(address), address, int(number), protocol)


class Tries:
    """Somebody listens wherever a connection is tried to. Use `listening`."""

    def __init__(self, tried: Mapping[str, Try], listeners: list[socket.socket]) -> None:
        """Those that are tried, and who answers them."""
        self._tried = tried
        self._listeners = listeners

    def reached(self) -> set[str]:
        """The names of those that come about now."""
        found = set()
        with ExitStack() as opened, selectors.DefaultSelector() as selector:
            for listener in self._listeners:
                selector.register(listener, selectors.EVENT_READ)
            for name, one in self._tried.items():
                client = opened.enter_context(one.socket(one.source))
                assert client.connect_ex(one.where) in (0, errno.EINPROGRESS)
                selector.register(client, _begun(client), name)
            deadline = time.monotonic() + _WAIT_S
            while len(found) < len(self._tried) and (left := deadline - time.monotonic()) > 0:
                found |= set(_answered(selector, left))
        return found


@contextmanager
def listening(tried: Mapping[str, Try]) -> Iterator[Tries]:
    """Every address, port and protocol of these has a listener while it lasts."""
    with ExitStack() as opened:
        listeners = {}
        for one in tried.values():
            if (one.address, one.port, one.protocol) in listeners:
                continue
            listener = opened.enter_context(one.socket(one.target))
            listener.bind(one.where)
            if one.protocol == "TCP":
                listener.listen()
            listeners[one.address, one.port, one.protocol] = listener
        yield Tries(tried, list(listeners.values()))


def _begun(client: socket.socket) -> int:
    """What shows that there is a connection: that it may be written to, or an answer."""
    if client.type == socket.SOCK_STREAM:
        return selectors.EVENT_WRITE
    client.send(b"?")
    return selectors.EVENT_READ


def _answered(selector: selectors.DefaultSelector, wait_s: float) -> Iterator[str]:
    """Listeners answered whom they could; the clients that had an answer."""
    for key, _ in selector.select(wait_s):
        it = key.fileobj
        assert isinstance(it, socket.socket)
        if key.data is None:
            _answer(it)
            continue
        selector.unregister(it)
        if it.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            yield key.data


def _answer(listener: socket.socket) -> None:
    if listener.type == socket.SOCK_STREAM:
        listener.accept()[0].close()
    else:
        text, who = listener.recvfrom(64)
        listener.sendto(text, who)
