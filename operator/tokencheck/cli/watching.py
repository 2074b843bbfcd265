"""One TokenCheck over time: as it is now, and at each change, by a watch."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from tokencheck.cli.lookup import one_check
from tokencheck.clients.kube.media import JSON
from tokencheck.clients.kube.reach import unaccepted
from tokencheck.clients.kube.resources import TOKEN_CHECKS
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError

_AGAIN_S = 1.0  # between two tries to reach the server
_SILENT_S = 90.0  # the server sends a bookmark about each minute
_STREAM_S = 300  # then the server ends the stream and a new one is opened


async def versions_of(
    transport: Transport, namespace: str, name: str
) -> AsyncGenerator[Mapping[str, Any], None]:
    """Yield the TokenCheck as it is now and after each change, until the caller stops.

    Versions in between may be left out; the last one never is. A broken connection is opened again.

    Raises:
        UsageError: there is none, or none any more.
        ClusterError: it may not be read or watched.
    """
    while True:
        try:
            check = await one_check(transport, namespace, name)
            yield check
            version = check["metadata"]["resourceVersion"]
            async with aclosing(_changes(transport, namespace, name, version)) as changes:
                async for changed in changes:
                    yield changed
        except ClusterError as error:
            if unaccepted(transport) is not None:
                raise
            if error.status == 403:
                raise ClusterError(
                    f"You may not get and watch tokenchecks in namespace {namespace}."
                    " Ask for these rights.",
                    status=error.status,
                ) from None
            await asyncio.sleep(_AGAIN_S)


async def _changes(
    transport: Transport, namespace: str, name: str, version: str
) -> AsyncGenerator[Mapping[str, Any], None]:
    """Yield each new version until the stream ends or has to be started anew."""
    params = {
        "watch": "1",
        "fieldSelector": f"metadata.name={name}",
        "resourceVersion": version,
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(_STREAM_S),
    }
    path = TOKEN_CHECKS.path(namespace) or ""
    stream = transport.stream(path, params, accept=JSON, silent_s=_SILENT_S)
    async with aclosing(stream) as lines:
        async for line in lines:
            event = json.loads(line)
            if event["type"] in ("ADDED", "MODIFIED"):
                yield event["object"]
            elif event["type"] != "BOOKMARK":
                return  # deleted, or too old to go on from: look anew
