"""Roles and bindings, decoded page by page, within bounds: whoever writes some makes them large.

Source: rbac.authorization.k8s.io/v1.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from msgspec import Raw, Struct, field
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

TOO_MUCH = 413  # our own word, in the terms of HTTP
# Even of the largest objects that there may be it is shorter than an answer may be.
_PAGE = 100
_TURN = 50  # objects between two turns of everybody else: a few milliseconds
_LARGE = 4096  # bytes; a larger object counts as more
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """How much is read of a cluster.

    Args:
        objects: some 30 MB of usual ones, each time.
        entries: rules, of one Role each once, and subjects of bindings.
        words: verbs, groups, resources and names, of rules that differ.
    """

    objects: int = 50_000
    entries: int = 200_000
    words: int = 1_000_000


class Reading:
    """One reading of all of them; everybody else has turns meanwhile."""

    def __init__(self, transport: Transport, most: Most) -> None:
        """Begin with nothing read."""
        self._transport = transport
        self._objects, self._entries, self._words = most.objects, most.entries, most.words
        self._rules: dict[Rule, Rule] = {}  # one of each, however many Roles have it
        self._work = 0

    async def all(self) -> Rbac:
        """Return what they grant.

        Raises:
            ClusterError: they cannot be read; with status `TOO_MUCH`, they are too many.
        """
        found: defaultdict[Subject, dict[Bound, None]] = defaultdict(dict)
        # Roles last: what is bound was there before, so its role is too.
        for resource in (CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS):
            async for binding in self._each(resource, _BINDING):
                self._count(entries=len(binding.subjects or ()))
                for subject, bound in _bound(binding):
                    found[subject][bound] = None
        rules: dict[Place, tuple[Rule, ...]] = {}
        for resource in (CLUSTER_ROLES, ROLES):
            async for role in self._each(resource, _ROLE):
                rules[role.metadata.place] = self._kept(role)
        return Rbac(bound={subject: tuple(bound) for subject, bound in found.items()}, rules=rules)

    async def _each(self, resource: Resource, decoder: Decoder[T]) -> AsyncGenerator[T, None]:
        async with aclosing(pages(self._transport, resource, size=_PAGE)) as listed:
            async for page in listed:
                self._count(objects=len(page))
                for raw in page:
                    if (one := decode(decoder, raw)) is None:
                        raise ClusterError(f"{resource.plural}: an answer is no {resource.kind}")
                    yield one
                    await self._turn(raw)

    async def _turn(self, raw: Raw) -> None:
        self._work += 1 + memoryview(raw).nbytes // _LARGE
        if self._work >= _TURN:
            self._work = 0
            await asyncio.sleep(0)

    def _kept(self, role: _Role) -> tuple[Rule, ...]:
        every = tuple(dict.fromkeys(_rules(role)))
        new = [rule for rule in every if rule not in self._rules]
        self._count(entries=len(every), words=sum(rule.words for rule in new))
        return tuple(self._rules.setdefault(rule, rule) for rule in every)

    def _count(self, *, objects: int = 0, entries: int = 0, words: int = 0) -> None:
        self._objects -= objects
        self._entries -= entries
        self._words -= words
        if min(self._objects, self._entries, self._words) < 0:
            raise ClusterError("more Roles and bindings than are read", status=TOO_MUCH)


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
