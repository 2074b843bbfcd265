"""Which resources are in namespaces and which are the cluster's, as the API server says itself.

Source: kubernetes.io, "The Kubernetes API" (discovery); APIGroup and APIResourceList of meta/v1.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec.json import Decoder

from tokencheck.clients.kube.decode import API_GROUP, API_RESOURCES, T, decode
from tokencheck.clients.kube.resources import is_name
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError

_KEEP_S = 600.0  # a resource hardly ever moves into or out of namespaces
_ABSENT_S = 5.0  # it may be installed any moment; many checks may ask meanwhile
_MAX_GROUPS = 1000  # anybody who writes a TokenCheck names some
_MAX_VERSIONS = 8
# What RBAC knows and no server lists. Source: kubernetes.io, "User impersonation" and "Certificates
# and Certificate Signing Requests"; both are asked about without a namespace.
_UNLISTED = frozenset(
    {
        ("", "users"),
        ("", "groups"),
        ("authentication.k8s.io", "uids"),
        ("authentication.k8s.io", "userextras"),
        ("certificates.k8s.io", "signers"),
    }
)


@dataclass(slots=True)
class _Group:
    """What one group serves: plural -> whether it is in namespaces; and when that was read."""

    served: Mapping[str, bool] = field(default_factory=dict)
    read_at: float = float("-inf")
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class Extents:
    """Implements `model.ports.Extents`; an answer is good for ten minutes, none for seconds."""

    def __init__(self, transport: Transport, *, absent_s: float = _ABSENT_S) -> None:
        """Know nothing yet; what was not listed is looked for again after `absent_s`."""
        self._transport = transport
        self._absent_s = absent_s
        self._groups: defaultdict[str, _Group] = defaultdict(_Group)

    async def namespaced(self, group: str, resource: str) -> bool | None:
        """Return whether the resource is in namespaces, None when no answer says it.

        Args:
            group: "" for the core group.
            resource: plural, without subresource.
        """
        if (group, resource) in _UNLISTED:
            return False
        if group and not is_name(group):
            return None
        if group not in self._groups and len(self._groups) >= _MAX_GROUPS:
            self._groups.clear()
        known = self._groups[group]
        async with known.reading:
            keep_s = _KEEP_S if resource in known.served else self._absent_s
            if time.monotonic() - known.read_at >= keep_s:
                known.served = await self._read(group)
                known.read_at = time.monotonic()
        return known.served.get(resource)

    async def _read(self, group: str) -> dict[str, bool]:
        """Return what the group serves; where versions differ, the preferred one counts."""
        served: dict[str, bool] = {}
        for path in await self._paths(group):
            found = await self._get(API_RESOURCES, path)
            for line in found.resources if found is not None else ():
                if "/" not in line.name and line.namespaced is not None:
                    served.setdefault(line.name, line.namespaced)
        return served

    async def _paths(self, group: str) -> list[str]:
        """Return where the versions of a group are listed, the preferred one first."""
        if not group:
            return ["/api/v1"]
        found = await self._get(API_GROUP, f"/apis/{group}")
        if found is None:
            return []
        names = [found.preferred_version.version, *(one.version for one in found.versions)]
        versions = [name for name in dict.fromkeys(names) if is_name(name)]
        return [f"/apis/{group}/{version}" for version in versions[:_MAX_VERSIONS]]

    async def _get(self, decoder: Decoder[T], path: str) -> T | None:
        try:
            answer = await self._transport.get(path)
        except ClusterError:
            return None
        return decode(decoder, answer.body) if answer.status == 200 else None
