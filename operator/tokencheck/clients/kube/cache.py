"""The inventory over a cluster: what passes read, kept current by informers that start on demand.

What nobody references is not kept and costs one look at its name. Secrets are watched as metadata
and read with a GET by each pass, so no value of any Secret stays here; ConfigMaps are watched one
by one. Our own kinds are handed in.

* A pass says what it depends on with `follow`, before it reads: no change between the two is lost.
* A read that no informer can answer yet is a direct one, so a check never waits for a big list.
* Rights that are taken or given make the same changes as the objects themselves.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw

from tokencheck.api.tokencheck import WorkloadRef
from tokencheck.clients.kube.decode import (
    Place,
    labels_of,
    secret_of,
    texts_of,
    version_of,
)
from tokencheck.clients.kube.discovery import Discovery
from tokencheck.clients.kube.fleet import Course, Fleet, Reach
from tokencheck.clients.kube.health import Watch, watch_of
from tokencheck.clients.kube.owners import PodView
from tokencheck.clients.kube.reads import read_object, version_in, what_of
from tokencheck.clients.kube.resources import (
    CONFIG_MAPS,
    NAMESPACES,
    OWN,
    SECRETS,
    WORKLOADS,
    Resource,
)
from tokencheck.clients.kube.shelf import Shelf
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.kube.watching import NORMAL, SLOW, Pace
from tokencheck.model.change import Cause, Change
from tokencheck.model.evidence import Absent, Failed, SecretContent, Unread
from tokencheck.model.keys import Key
from tokencheck.model.scope import Scope
from tokencheck.model.workload import PodRecord, Workload

# Three times what a live watch lets pass between two signs of life.
_FRESH_S = 180.0
_WIDEN_AFTER = 10  # namespaces: below it a watch each is cheaper than the whole cluster
_Kind = tuple[str, str]  # apiVersion, kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsers:
    """How objects become values; both total."""

    workload: Callable[[Mapping[str, Any]], Workload]
    pod: Callable[[Mapping[str, Any]], PodRecord]


class Cache(Shelf):
    """Implements `model.ports.Inventory`; `follow` and `unfollow` say who needs what."""

    def __init__(
        self,
        transport: Transport,
        *,
        parsers: Parsers,
        on_change: Callable[[Change], None],
        scope: Scope = Scope.CLUSTER,
        pace: Pace = NORMAL,
        single: Pace = SLOW,
    ) -> None:
        """Watch nothing yet.

        Args:
            transport: the way to the server.
            parsers: of workloads and Pods.
            on_change: told of each change of what is followed, synchronously.
            scope: how far Secrets may be read.
            pace: of informers; `single`: of those of one object.
        """
        super().__init__()
        self._transport = transport
        self._parsers = parsers
        self._on_change = on_change
        self._scope = scope
        self._pace = pace
        self._single = single
        self._references: dict[Key, dict[Key, str]] = {}  # check -> reference -> apiVersion
        self._followers: Counter[Key] = Counter()
        self._discovery = Discovery(transport)
        self._read: dict[Place, int] = {}  # which version of a followed Secret was read last
        self._secrets = self._simple(SECRETS, version_in, Cause.SECRET_CHANGED)
        self._config_maps = self._simple(CONFIG_MAPS, texts_of, Cause.REFERENCE_CHANGED)
        self._namespaces = self._simple(NAMESPACES, labels_of, Cause.REFERENCE_CHANGED)
        self._workloads: dict[_Kind, Fleet[Workload]] = {}
        self._pods = PodView(self._make, self._pod_in, partial(self._tell, Cause.PODS_CHANGED))

    async def close(self) -> None:
        """End all watches."""
        await asyncio.gather(*(fleet.close() for fleet in self._fleets()))

    # Who needs what

    def follow(self, key: Key, references: frozenset[Key]) -> None:
        """Make `references` all that `key` needs watched: informers start and end as needed."""
        before = self._references.get(key, {})
        after = {r: self._api_version(key, r) for r in references}
        if after:
            self._references[key] = after
        else:
            self._references.pop(key, None)
        for reference, api_version in after.items() - before.items():
            self._followers[reference] += 1
            fleet = self._fleet(reference, api_version)
            if fleet is not None:
                fleet.use((reference.namespace, reference.name))
        for reference, api_version in before.items() - after.items():
            self._leave(reference, api_version)

    def unfollow(self, key: Key) -> None:
        """Watch nothing for `key` any more."""
        self.follow(key, frozenset())

    def is_fresh(self, key: Key) -> bool:
        """Return whether live watches see all that `key` needs and that is watched here."""
        needed = self._references.get(key, {}).items()
        fleets = ((self._fleet(one, version), one) for one, version in needed)
        return all(
            fleet.is_fresh((one.namespace, one.name), _FRESH_S) for fleet, one in fleets if fleet
        )

    def _leave(self, reference: Key, api_version: str) -> None:
        fleet = self._fleet(reference, api_version)
        if fleet is not None:
            fleet.drop((reference.namespace, reference.name))
        self._followers[reference] -= 1
        if self._followers[reference] <= 0:
            del self._followers[reference]
            if reference.kind == SECRETS.kind:
                self._read.pop((reference.namespace, reference.name), None)
            self._pods.release(reference)

    # Reads

    async def secret(self, namespace: str, name: str) -> SecretContent | Unread:
        """Return the Secret with its values sealed, read now.

        It is never an older version than an earlier call has returned, although another server may
        answer, whose cache is behind. Only one that was restored shows an older one.
        """
        place = namespace, name
        seen, gone = self._secrets.get(place) or 0, self._secrets.gone
        # What was read may be newer than what any watch has told yet; without one etcd is asked.
        least = max(seen, self._read.get(place, 0)) if seen else 0
        body = await read_object(self._transport, SECRETS, namespace, name, at_least=least)
        if not isinstance(body, bytes):
            return body
        content = secret_of(body)
        if content is None:
            return Failed(what=what_of(SECRETS, namespace, name))
        version = version_of(content.meta.resource_version)
        if version < seen:
            self._secrets.doubt(place)  # the read is right, so the watch is not
        self._secrets.remember(place, version, version, gone=gone)
        if SECRETS.key(namespace, name) in self._followers:
            newest = max(version, self._read.get(place, 0))
            self._read[place] = version if version < least else newest
        return content

    async def config_map_value(self, namespace: str, name: str, key: str) -> str | Unread:
        """Return one text value of a ConfigMap."""
        found = await self._config_maps.find((namespace, name))
        if not isinstance(found, Mapping):
            return found
        if key not in found:
            return Absent(what=what_of(CONFIG_MAPS, namespace, name), key_only=True)
        text: str = found[key]
        return text

    async def namespace_labels(self, name: str) -> Mapping[str, str] | Unread:
        """Return the labels of a Namespace, and its owner annotation under its own name."""
        return await self._namespaces.find(("", name))

    async def workload(self, namespace: str, ref: WorkloadRef) -> Workload | Unread:
        """Return the workload that `ref` names in `namespace`."""
        resource = await self._discovery.resource(ref.api_version, ref.kind)
        if not isinstance(resource, Resource):
            return replace(resource, what=f"{ref.kind} {namespace}/{ref.name}: {resource.what}")
        workload = await self._workload_fleet(resource).find((namespace, ref.name))
        if isinstance(workload, Workload) and workload.kind == "DaemonSet":
            return replace(workload, update_revision=await self._pods.newest_hash(workload))
        return workload

    async def pods(self, workload: Workload) -> tuple[PodRecord, ...] | Unread:
        """Return the Pods of the workload, those of older revisions included."""
        return await self._pods.pods(workload)

    # Health

    @property
    def synced(self) -> bool:
        """Return whether every informer has either listed or been refused."""
        return all(i.settled.is_set() for fleet in self._fleets() for i in fleet.informers())

    def watches(self) -> tuple[Watch, ...]:
        """Return how the informers are, by resource, those that ever ran."""
        return tuple(watch for fleet in self._fleets() if (watch := watch_of(fleet)).informers)

    # Fleets

    def _fleets(self) -> tuple[Fleet[Any], ...]:
        return (
            self._secrets,
            self._config_maps,
            self._namespaces,
            *self._workloads.values(),
            *self._pods.fleets(),
        )

    def _simple(
        self, resource: Resource, record: Callable[[Raw | bytes], Any], cause: Cause
    ) -> Fleet[Any]:
        def changed(place: Place, _old: object, new: object) -> None:
            self._tell(cause, resource.key(*place), gone=new is None)

        def state_changed(place: Place) -> None:
            self._tell(cause, resource.key(*place))

        course = Course(resource=resource, record=record, on_change=changed, on_state=state_changed)
        return self._make(course)

    def _make(self, course: Course[Any]) -> Fleet[Any]:
        reach = self._reach(course.resource)
        widen = reach is Reach.NAMESPACE and self._scope is Scope.CLUSTER
        return Fleet(
            self._transport,
            course,
            reach,
            pace=self._single if reach is Reach.OBJECT else self._pace,
            widen_after=_WIDEN_AFTER if widen else None,
        )

    def _reach(self, resource: Resource) -> Reach:
        if resource is CONFIG_MAPS:
            return Reach.OBJECT
        if resource is NAMESPACES:
            return Reach.CLUSTER
        if resource is not SECRETS:
            return Reach.NAMESPACE
        return {
            Scope.CLUSTER: Reach.CLUSTER,
            Scope.NAMESPACES: Reach.NAMESPACE,
            Scope.NAMED: Reach.OBJECT,
        }[self._scope]

    def _fleet(self, reference: Key, api_version: str) -> Fleet[Any] | None:
        match reference.kind:
            case "Secret":
                return self._secrets
            case "ConfigMap":
                return self._config_maps
            case "Namespace":
                return self._namespaces
            case kind if kind in OWN:
                return None
            case _:
                return self._workloads_of(reference, api_version)

    def _workloads_of(self, reference: Key, api_version: str) -> Fleet[Workload] | None:
        resource = WORKLOADS.get(reference.kind)
        if resource is not None and resource.api_version == api_version:
            return self._workload_fleet(resource)
        return self._workloads.get((api_version, reference.kind))  # None until it was discovered

    def _workload_fleet(self, resource: Resource) -> Fleet[Workload]:
        kind = (resource.api_version, resource.kind)
        fleet = self._workloads.get(kind)
        if fleet is None:
            fleet = self._workloads[kind] = self._make(
                Course(
                    resource=resource,
                    record=partial(self._workload_in, resource),
                    on_change=partial(self._workload_changed, resource),
                    on_state=lambda place: self._tell(Cause.WORKLOAD_CHANGED, resource.key(*place)),
                    whole=True,
                )
            )
            if resource not in WORKLOADS.values():  # followed before its plural was known
                for references in self._references.values():
                    for reference, api_version in references.items():
                        if (api_version, reference.kind) == kind:
                            fleet.use((reference.namespace, reference.name))
        return fleet

    def _api_version(self, check: Key, reference: Key) -> str:
        known = self._checks.get(check)
        ref = known.spec.workload if known else None
        if ref is not None and (ref.kind, ref.name) == (reference.kind, reference.name):
            return ref.api_version
        resource = WORKLOADS.get(reference.kind)
        return resource.api_version if resource else ""

    # Records and word of changes

    def _workload_in(self, resource: Resource, raw: Raw | bytes) -> Workload | None:
        obj = msgspec.json.decode(raw)
        # Lists of built-in kinds leave these out.
        return self._parsers.workload(
            {**obj, "apiVersion": resource.api_version, "kind": resource.kind}
        )

    def _pod_in(self, raw: Raw | bytes) -> PodRecord | None:
        return self._parsers.pod(msgspec.json.decode(raw))

    def _workload_changed(
        self, resource: Resource, place: Place, old: Workload | None, new: Workload | None
    ) -> None:
        if old == new:
            return
        begun = old is not None and new is not None and old.template_hash != new.template_hash
        cause = Cause.ROLLOUT_STARTED if begun else Cause.WORKLOAD_CHANGED
        self._tell(cause, resource.key(*place), gone=new is None)

    def _tell(self, cause: Cause, key: Key, *, gone: bool = False) -> None:
        if key in self._followers:
            self._on_change(Change(key=key, cause=cause, seen_at=time.monotonic(), gone=gone))
