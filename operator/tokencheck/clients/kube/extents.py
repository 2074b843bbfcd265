"""Which resources are in namespaces and which are the cluster's, as the API server says itself.

Source: kubernetes.io, "The Kubernetes API" (discovery); APIGroup and APIResourceList of meta/v1.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
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
    """What one group serves: plural -> whether it is in namespaces; and when that was read.

    `whole`: whether every version was read, or the server says that there is no such group.
    """

    served: Mapping[str, bool] = field(default_factory=dict)
    whole: bool = False
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
        known = await self._group(group, lambda it: _KEEP_S if resource in it.served else 0.0)
        return known.served.get(resource)

    async def lists(self, group: str) -> bool:
        """Return whether all that the group serves is known, if only that there is no such group.

        A server that is away, or refuses, tells nothing of what there is.
        """
        if group and not is_name(group):
            return True
        return (await self._group(group, lambda it: _KEEP_S if it.whole else 0.0)).whole

    async def _group(self, group: str, keep_s: Callable[[_Group], float]) -> _Group:
        """Return what is known of a group, read again when it is older than `keep_s` says."""
        if group not in self._groups and len(self._groups) >= _MAX_GROUPS:
            self._groups.clear()
        known = self._groups[group]
        async with known.reading:
            if time.monotonic() - known.read_at >= max(keep_s(known), self._absent_s):
                known.served, known.whole = await self._read(group)
                known.read_at = time.monotonic()
        return known

    async def _read(self, group: str) -> tuple[dict[str, bool], bool]:
        """Return what the group serves, and whether that is all.

        Where versions differ, the preferred one counts.
        """
        paths = await self._paths(group)
        served: dict[str, bool] = {}
        whole = paths is not None
        for path in paths or ():
            found = (await self._get(API_RESOURCES, path))[0]
            whole &= found is not None
            for line in found.resources if found is not None else ():
                if line.namespaced is None:
                    whole = False
                elif "/" not in line.name:
                    served.setdefault(line.name, line.namespaced)
        return served, whole

    async def _paths(self, group: str) -> list[str] | None:
        """Return where the versions of a group are listed, the preferred one first.

        None is returned when that is not known.
        """
        if not group:
            return ["/api/v1"]
        told = await self._get(API_GROUP, f"/apis/{group}")
        found, absent = told
        if found is None:
            return [] if absent else None
        names = [found.preferred_version.version, *(one.version for one in found.versions)]
        versions = [name for name in dict.fromkeys(names) if is_name(name)]
        return [f"/apis/{group}/{version}" for version in versions[:_MAX_VERSIONS]]

    async def _get(self, decoder: Decoder[T], path: str) -> tuple[T | None, bool]:
        """Return what is there; and whether the server says that there is nothing."""
        try:
            answer = await self._transport.get(path)
        except ClusterError:
            return None, False
        if answer.status != 200:
            return None, answer.status == 404
        return decode(decoder, answer.body), False
