"""What RBAC grants in the whole cluster: four lists, read when a pass needs it and kept a while.

No watch: roles change seldom, few checks need them, and a watch would cost every cluster for it.
Source: rbac.authorization.k8s.io/v1.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.json import Decoder

from tokencheck.clients.kube.decode import Identity, T, decode
from tokencheck.clients.kube.pages import pages
from tokencheck.clients.kube.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ROLE_BINDINGS,
    ROLES,
    Resource,
)
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError
from tokencheck.model.rbac import Bound, Place, Rbac, Rule, Subject

_LONGEST_S = 25.0  # a pass has a minute, and all that need it wait for one read
_TOO_MUCH = 413  # our own word, in the terms of HTTP
_LASTING = (401, 403, _TOO_MUCH)
# After no answer, and after a refusal: it is off by default, and stays so mostly.
_UNANSWERED, _DENIED = timedelta(seconds=30), timedelta(minutes=5)
# A pass that began before another one read is not older than it may be; a clock that was set back
# further makes nothing newer.
_UNDER_WAY = timedelta(minutes=1)
MAX_OBJECTS = 50_000  # some 30 MB to read, each time
_ACCOUNT = "ServiceAccount"


class _Rule(Struct, rename="camel"):
    verbs: list[str] = []
    api_groups: list[str] | None = None
    resources: list[str] | None = None
    resource_names: list[str] | None = None


class _Role(Struct):
    metadata: Identity
    rules: list[_Rule] | None = None


class _Subject(Struct):
    kind: str = ""
    name: str = ""
    namespace: str = ""


class _Binding(Struct):
    metadata: Identity
    role: _Subject = field(name="roleRef", default_factory=_Subject)
    subjects: list[_Subject] | None = None


_ROLE, _BINDING = Decoder(_Role), Decoder(_Binding)


class RbacReader:
    """Implements `model.ports.Policies`."""

    def __init__(self, transport: Transport, *, max_objects: int = MAX_OBJECTS) -> None:
        """Know nothing yet; a cluster with more objects than that is not read to the end."""
        self._transport = transport
        self._max_objects = max_objects
        self._known: Rbac | None = None
        self._read_at: datetime | None = None
        self._pause = _UNANSWERED
        self._reading = asyncio.Lock()

    async def rbac(self, now: datetime, good_for: timedelta) -> Rbac | None:
        """Return what is granted, read no longer ago than that; None when it cannot be read.

        All who ask meanwhile wait for the same read.
        """
        async with self._reading:
            keep = good_for if self._known is not None else self._pause
            if self._read_at is None or not -_UNDER_WAY <= now - self._read_at < keep:
                self._read_at = now  # also when this pass is ended before the answer
                self._known, self._pause = None, _UNANSWERED
                self._known = await self._read()
        return self._known

    async def _read(self) -> Rbac | None:
        try:
            async with asyncio.timeout(_LONGEST_S):
                return await self._all()
        except ClusterError as error:
            self._pause = _DENIED if error.status in _LASTING else _UNANSWERED
        except TimeoutError:
            pass
        return None

    async def _all(self) -> Rbac:
        left = _Left(self._max_objects)
        found: defaultdict[Subject, dict[Bound, None]] = defaultdict(dict)
        # Roles last: what is bound was there before, so its role is too.
        for resource in (CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS):
            async for binding in self._each(resource, _BINDING, left):
                for subject, bound in _bound(binding):
                    found[subject][bound] = None
        rules: dict[Place, tuple[Rule, ...]] = {}
        for resource in (CLUSTER_ROLES, ROLES):
            async for role in self._each(resource, _ROLE, left):
                rules[role.metadata.place] = tuple(_rules(role))
        return Rbac(bound={subject: tuple(bound) for subject, bound in found.items()}, rules=rules)

    async def _each(
        self, resource: Resource, decoder: Decoder[T], left: "_Left"
    ) -> AsyncGenerator[T, None]:
        async with aclosing(pages(self._transport, resource)) as listed:
            async for page in listed:
                left.take(len(page))
                for raw in page:
                    if (one := decode(decoder, raw)) is None:
                        raise ClusterError(f"{resource.plural}: an answer is no {resource.kind}")
                    yield one


@dataclass(slots=True)
class _Left:
    """How many objects may still be read."""

    objects: int

    def take(self, count: int) -> None:
        self.objects -= count
        if self.objects < 0:
            raise ClusterError("more Roles and bindings than are read", status=_TOO_MUCH)


def _bound(binding: _Binding) -> Iterator[tuple[Subject, Bound]]:
    """Yield whom a binding names, with the role. Source: rule.go, appliesToUser, GetRoleRules."""
    here, _ = binding.metadata.place
    of_cluster = binding.role.kind == "ClusterRole"
    if not of_cluster and (binding.role.kind != "Role" or not here):
        return
    bound = Bound(namespace=here, role=("" if of_cluster else here, binding.role.name))
    for one in binding.subjects or ():
        namespace = (one.namespace or here) if one.kind == _ACCOUNT else ""
        if one.kind != _ACCOUNT or namespace:
            yield Subject(kind=one.kind, name=one.name, namespace=namespace), bound


def _rules(role: _Role) -> Iterator[Rule]:
    """Yield the rules about resources; those about URLs are in no scope's words."""
    for one in role.rules or ():
        if one.resources and one.api_groups and one.verbs:
            yield Rule(
                verbs=tuple(dict.fromkeys(one.verbs)),
                groups=tuple(dict.fromkeys(one.api_groups)),
                resources=tuple(dict.fromkeys(one.resources)),
                names=tuple(dict.fromkeys(one.resource_names or ())),
            )
