"""Kinds that are not in the table: which plural serves them."""

import time

from tokencheck.clients.kube.decode import API_RESOURCES, decode
from tokencheck.clients.kube.resources import WORKLOADS, Resource, is_name
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError
from tokencheck.model.evidence import Absent, Denied, Failed, Unread

_KEEP_S = 600.0  # a CustomResourceDefinition hardly ever gets another plural
_ABSENT_S = 5.0  # it may be installed any moment; many checks may ask meanwhile


class Discovery:
    """Asks the API server which resource a kind is, and remembers the answer for a while."""

    def __init__(self, transport: Transport) -> None:
        """Know only the table."""
        self._transport = transport
        self._known: dict[tuple[str, str], tuple[float, Resource | Absent]] = {}

    async def resource(self, api_version: str, kind: str) -> Resource | Unread:
        """Return the namespaced resource that serves `kind`, or why it is not known."""
        listed = WORKLOADS.get(kind)
        if listed is not None and listed.api_version == api_version:
            return listed
        until, answer = self._known.get((api_version, kind), (0.0, None))
        if answer is not None and time.monotonic() < until:
            return answer
        found = await self._ask(api_version, kind)
        if isinstance(found, Resource | Absent):
            keep_s = _KEEP_S if isinstance(found, Resource) else _ABSENT_S
            self._known[api_version, kind] = (time.monotonic() + keep_s, found)
        return found

    async def _ask(self, api_version: str, kind: str) -> Resource | Unread:
        what = f"the kind {kind} of {api_version}"
        prefix = Resource(api_version=api_version, kind=kind, plural="").path()
        parts = api_version.split("/")
        if prefix is None or len(parts) > 2 or not all(map(is_name, parts)):
            return Absent(what=what)
        try:
            answer = await self._transport.get(prefix.rstrip("/"))
        except ClusterError:
            return Failed(what=what)
        if answer.status == 403:
            return Denied(what=what)
        if answer.status == 404:
            return Absent(what=what)
        served = decode(API_RESOURCES, answer.body) if answer.status == 200 else None
        if served is None:
            return Failed(what=what)
        for line in served.resources:
            if line.kind == kind and line.namespaced and "/" not in line.name:
                return Resource(api_version=api_version, kind=kind, plural=line.name)
        return Absent(what=what)
