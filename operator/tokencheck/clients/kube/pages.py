"""A LIST, a page at a time: the next page is on its way while the caller works on this one."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from tokencheck.clients.kube.answers import Answer, refused
from tokencheck.clients.kube.decode import PAGE, Page, decode
from tokencheck.clients.kube.media import JSON
from tokencheck.clients.kube.resources import Resource
from tokencheck.clients.kube.transport import Transport

_PAGE = 500
_GONE = 410


class _GoneMeta(Struct):
    continue_: str = field(name="continue", default="")


class _Gone(Struct):
    """What the server says when a list took too long: where to go on, at a newer version."""

    metadata: _GoneMeta


_GONE_BODY = Decoder(_Gone)


async def pages(
    transport: Transport,
    resource: Resource,
    namespace: str = "",
    *,
    accept: str = JSON,
    size: int = _PAGE,
) -> AsyncGenerator[list[Raw], None]:
    """Yield the objects of a namespace, or of all, undecoded.

    Args:
        size: objects in a page, two of which are held at once. One object may have 1.5 MiB.

    Raises:
        ClusterError: a page was refused (with its status), did not come, or is no list.
    """
    path = resource.path(namespace)
    if path is None:
        return
    asked = _Asked(transport, path, accept, size)
    following: asyncio.Task[Page] | None = asyncio.create_task(asked.page(""))
    try:
        while following is not None:
            page = await following
            token = page.metadata.continue_
            following = asyncio.create_task(asked.page(token)) if token else None
            yield page.items or []
    finally:
        if following is not None:
            following.cancel()


@dataclass(frozen=True, slots=True)
class _Asked:
    """One list, and how its pages are asked for."""

    transport: Transport
    path: str
    accept: str
    size: int

    async def page(self, token: str) -> Page:
        answer = await self._answer(token)
        if answer.status == _GONE and token:
            # Source: Kubernetes API concepts, "410 Gone": its token goes on with a newer version.
            newer = decode(_GONE_BODY, answer.body)
            if newer is not None and newer.metadata.continue_:
                answer = await self._answer(newer.metadata.continue_)
        page = decode(PAGE, answer.body) if answer.status == 200 else None
        if page is None:
            raise refused(f"{self.path} cannot be listed", answer.status)
        return page

    async def _answer(self, token: str) -> Answer:
        params = {"limit": str(self.size)} | ({"continue": token} if token else {})
        return await self.transport.get(self.path, params, accept=self.accept, timeout_s=60.0)
