"""Plain reads of our own kinds: for commands, and to find what a watch lost."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import msgspec

from tokencheck.clients.kube.answers import refused
from tokencheck.clients.kube.decode import HEAD, decode
from tokencheck.clients.kube.listing import consistent_pages
from tokencheck.clients.kube.media import JSON, METADATA_LIST
from tokencheck.clients.kube.reads import read_object
from tokencheck.clients.kube.resources import OWN, Resource
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError
from tokencheck.model.evidence import Unread
from tokencheck.model.keys import Key

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What somebody who knew `known` did not notice.

    Args:
        gone: known, and not there any more.
        changed: unknown, or there in another version.
    """

    gone: frozenset[Key]
    changed: frozenset[Key]


def difference_of(known: Mapping[Key, str], listed: Mapping[Key, str]) -> Difference:
    """Return how `listed` (key -> resourceVersion) differs from `known`."""
    return Difference(
        gone=frozenset(known.keys() - listed.keys()),
        changed=frozenset(key for key, version in listed.items() if known.get(key) != version),
    )


async def list_versions(transport: Transport, kind: str) -> dict[Key, str]:
    """Return the resourceVersion of each object of one of our kinds; no spec is read.

    Raises:
        ClusterError: the list failed.
    """
    versions = {}
    async for raw in _listed(transport, OWN[kind], "", METADATA_LIST):
        head = decode(HEAD, raw)
        if head is not None:
            versions[OWN[kind].key(*head.metadata.place)] = head.metadata.resource_version
    return versions


async def list_objects(
    transport: Transport, kind: str, namespace: str = ""
) -> list[Mapping[str, Any]]:
    """Return all objects of one of our kinds, of one namespace or of all.

    Raises:
        ClusterError: the list failed, with its status.
    """
    listed = _listed(transport, OWN[kind], namespace, JSON)
    return [msgspec.json.decode(raw) async for raw in listed]


async def get_object(transport: Transport, key: Key) -> Mapping[str, Any] | Unread:
    """Return one object of our kinds, or why it could not be read."""
    body = await read_object(transport, OWN[key.kind], key.namespace, key.name)
    if not isinstance(body, bytes):
        return body
    obj: dict[str, Any] = msgspec.json.decode(body)
    return obj


class OwnObjects:
    """The reads of our own kinds over one transport, as `app.compare` wants them."""

    def __init__(self, transport: Transport) -> None:
        """Read through `transport`."""
        self._transport = transport

    async def objects(
        self, kind: str, wanted: Collection[Key] | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Yield all objects of a kind, or those wanted of them, with a page in memory at a time.

        Raises:
            ClusterError: the list failed, at its beginning or after some pages.
        """
        async for raw in _listed(self._transport, OWN[kind], "", JSON):
            if wanted is None or _key_of(kind, raw) in wanted:
                yield msgspec.json.decode(raw)

    async def versions(self, kind: str) -> dict[Key, str]:
        """Return the resourceVersion of each object of a kind. Raises ClusterError."""
        return await list_versions(self._transport, kind)

    async def object(self, key: Key) -> Mapping[str, Any] | None:
        """Return one object, or None when it cannot be read now."""
        found = await get_object(self._transport, key)
        return None if isinstance(found, Unread) else found


def _key_of(kind: str, raw: msgspec.Raw) -> Key | None:
    head = decode(HEAD, raw)
    return OWN[kind].key(*head.metadata.place) if head is not None else None


async def _listed(
    transport: Transport, resource: Resource, namespace: str, accept: str
) -> AsyncIterator[msgspec.Raw]:
    path = resource.path(namespace)
    if path is None:
        return
    try:
        async with aclosing(consistent_pages(transport, path, {}, accept, _PAGE)) as listed:
            async for _, items in listed:
                for raw in items:
                    yield raw
    except ClusterError as error:
        if not error.status:
            raise
        raise refused(f"{resource.plural} cannot be listed", error.status) from None
