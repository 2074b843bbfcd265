"""Kopf is spared what we know already: echoes of our own status writes, and objects that it lists.

An echo is a tenth of a change's CPU, for nothing. A list is what a start waits for: Kopf opens its
watch when it has taken each object apart, and with tens of thousands, all of which are written
meanwhile, the version to watch from was forgotten by then, so that it listed for ever.

Everything else goes through as it came, in its order; bookmarks too, so that Kopf knows where its
watch stands.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
from msgspec import Raw, Struct, field
from msgspec.json import Decoder, encode

from tokencheck.clients.kube.decode import EVENT, HEAD, Identity, decode

Known = Callable[[Identity], bool | None]
"""Whether a change brings nothing new; None while that cannot be told. Called in any thread."""

_LOOK_S = 0.005
_LONGEST_S = 1.0  # a write of ours whose echo is there has an answer soon; else let Kopf have it


class _List(Struct):
    """A page of a LIST, of which only the objects matter."""

    kind: Raw
    version: Raw = field(name="apiVersion")
    metadata: Raw
    items: list[Raw]


_LIST = Decoder(_List)


class _Spared:
    """The body of an answer, of which some is left out; else as the body that it wraps."""

    def __init__(self, content: aiohttp.StreamReader, known: Known) -> None:
        """Read from `content`; leave out what is `known`."""
        self._content = content
        self._known = known

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever that one is
        """Return everything else of the body itself."""
        return getattr(self._content, name)


class WithoutKnown(_Spared):
    """The body of a LIST, without objects that are `known`; else as the body that it wraps."""

    async def read(self, _size: int = -1) -> bytes:
        """Return the page; what is no list as it is."""
        body = await self._content.read()
        page = decode(_LIST, body)
        if page is None:
            return body
        page.items = [one for one in page.items if not self._brings_nothing(one)]
        return encode(page)

    def _brings_nothing(self, one: Raw) -> bool:
        head = decode(HEAD, one)
        return head is not None and bool(self._known(head.metadata))


class WithoutEchoes(_Spared):
    """The body of a watch, without events that are `known`; else as the body that it wraps."""

    async def iter_chunked(self, _size: int) -> AsyncIterator[bytes]:
        """Yield whole lines; what is left at the end as it is."""
        rest = b""
        async for chunk in self._content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            kept = [line for line in lines if not await self._is_echo(line)]
            if kept:
                yield b"\n".join((*kept, b""))
        if rest:
            yield rest

    async def _is_echo(self, line: bytes) -> bool:
        event = decode(EVENT, line)
        head = decode(HEAD, event.object) if event and event.type == "MODIFIED" else None
        if head is None:
            return False
        waited_s = 0.0
        while (known := self._known(head.metadata)) is None and waited_s < _LONGEST_S:
            await asyncio.sleep(_LOOK_S)
            waited_s += _LOOK_S
        return bool(known)
