"""A LIST, a page at a time: the next page is on its way while the caller works on this one."""

import asyncio
from collections.abc import AsyncGenerator

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from tokencheck.clients.kube.answers import Answer
from tokencheck.clients.kube.decode import PAGE, Page, decode
from tokencheck.clients.kube.media import JSON
from tokencheck.clients.kube.resources import Resource
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError

_PAGE = 500
_GONE = 410


class _GoneMeta(Struct):
    continue_: str = field(name="continue", default="")


class _Gone(Struct):
    """What the server says when a list took too long: where to go on, at a newer version."""

    metadata: _GoneMeta


_GONE_BODY = Decoder(_Gone)


async def pages(
    transport: Transport, resource: Resource, namespace: str = "", *, accept: str = JSON
) -> AsyncGenerator[list[Raw], None]:
    """Yield the objects of a namespace, or of all, undecoded.

    Raises:
        ClusterError: a page was refused (with its status), did not come, or is no list.
    """
    path = resource.path(namespace)
    if path is None:
        return
    following: asyncio.Task[Page] | None = asyncio.create_task(_page(transport, path, "", accept))
    try:
        while following is not None:
            page = await following
            token = page.metadata.continue_
            following = (
                asyncio.create_task(_page(transport, path, token, accept)) if token else None
            )
            yield page.items or []
    finally:
        if following is not None:
            following.cancel()


async def _page(transport: Transport, path: str, token: str, accept: str) -> Page:
    answer = await _asked(transport, path, token, accept)
    if answer.status == _GONE and token:
        # Source: Kubernetes API concepts, "410 Gone": its token goes on with a newer version.
        newer = decode(_GONE_BODY, answer.body)
        if newer is not None and newer.metadata.continue_:
            answer = await _asked(transport, path, newer.metadata.continue_, accept)
    page = decode(PAGE, answer.body) if answer.status == 200 else None
    if page is None:
        raise ClusterError(f"{path} cannot be listed: HTTP {answer.status}", status=answer.status)
    return page


async def _asked(transport: Transport, path: str, token: str, accept: str) -> Answer:
    params = {"limit": str(_PAGE)} | ({"continue": token} if token else {})
    return await transport.get(path, params, accept=accept, timeout_s=60.0)
