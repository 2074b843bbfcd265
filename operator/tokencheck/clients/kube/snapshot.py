"""A cluster, listed once with the caller's rights: what an audit reads.

Pods, ReplicaSets, Jobs and workloads are reduced to records as their pages come; Secrets pass by,
and only those that somebody waits for are held. No body outlives its page.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
from msgspec import Raw

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import TokenCheck, WorkloadRef
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.clients.kube.decode import HEAD, decode, secret_of, texts_of
from tokencheck.clients.kube.direct import DirectReads
from tokencheck.clients.kube.discovery import Discovery
from tokencheck.clients.kube.lineage import Lineage, child_of
from tokencheck.clients.kube.media import JSON, METADATA_LIST
from tokencheck.clients.kube.reach import Reach
from tokencheck.clients.kube.reads import read_object, what_of
from tokencheck.clients.kube.resources import (
    CONFIG_MAPS,
    PODS,
    REPLICA_SETS,
    SECRETS,
    TOKEN_CHECKS,
    TOKEN_PROVIDERS,
    WORKLOADS,
    Resource,
)
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.surveyed import surveyed_of
from tokencheck.core.workloads.pods import parse_pod
from tokencheck.model.census import ConfigMapContent, Surveyed
from tokencheck.model.evidence import Absent, Denied, Failed, SecretContent, Unread
from tokencheck.model.keys import Key
from tokencheck.model.report import Gap
from tokencheck.model.sealed import Sealed
from tokencheck.model.workload import PodRecord, Workload

_ROLLOUTS = Resource(api_version="argoproj.io/v1alpha1", kind="Rollout", plural="rollouts")
_LISTED = {
    **{kind: r for kind, r in WORKLOADS.items() if kind not in ("ReplicaSet", "Pod")},
    "Rollout": _ROLLOUTS,
}
_BREATH = 50
_AUTOMOUNT_PREFIX = "kube-api-access-"
_Place = tuple[str, str]


class Snapshot:
    """Implements `model.census.Census` over an API server."""

    def __init__(
        self, transport: Transport, reach: Reach, direct: DirectReads, *, asks: bool = False
    ) -> None:
        """List nothing yet.

        Args:
            transport: the way to the server.
            reach: how far the caller may list.
            direct: reads what is no part of the lists: ConfigMaps with keys, labels, and Secrets
                of namespaces where they may be read by name alone.
            asks: whether the caller has vendors asked about tokens that nobody listed.
        """
        self._transport = transport
        self._reach = reach
        self._direct = direct
        self._asks = asks
        self._discovery = Discovery(transport)
        self._lineage = Lineage()
        self._workloads: dict[Key, Workload] = {}
        self._kept: dict[_Place, SecretContent] = {}
        self._checks: dict[Key, TokenCheck] = {}
        self._providers: dict[str, TokenProvider] = {}

    # The lists

    async def survey(self) -> tuple[Surveyed, ...]:
        """Return the workloads; from now on `workload` and `pods` answer."""
        lists = (self._workload_list(resource) for resource in _LISTED.values())
        await asyncio.gather(self._own_kinds(), self._replica_sets(), self._pod_list(), *lists)
        self._lineage.settle()
        surveyed = self._lineage.workloads()
        for one in surveyed:
            w = one.workload
            self._workloads[Key(w.kind, w.namespace, w.name)] = w
        return surveyed

    async def secrets(self) -> AsyncIterator[SecretContent]:
        """Yield every readable Secret once, its values sealed."""
        async for raw in self._each(SECRETS):
            content = secret_of(raw)
            if content is not None:
                yield content

    async def config_maps(self) -> AsyncIterator[ConfigMapContent]:
        """Yield every readable ConfigMap once."""
        async for raw in self._each(CONFIG_MAPS):
            head, texts = decode(HEAD, raw), texts_of(raw)
            if head is not None and texts:
                namespace, name = head.metadata.place
                values = {key: Sealed(text.encode()) for key, text in texts.items()}
                yield ConfigMapContent(namespace=namespace, name=name, values=values)

    async def _workload_list(self, resource: Resource) -> None:
        # A kind that is not installed is refused like any other to who may not list it.
        known = await self._discovery.resource(resource.api_version, resource.kind)
        if isinstance(known, Absent):
            return
        async for raw in self._each(resource):
            child = child_of(raw)
            if child is None:
                continue
            controller = child.controller
            if controller is not None and controller.kind == "CronJob":
                self._lineage.add_child(child.metadata.uid, controller)
            else:
                self._lineage.add(surveyed_of(_object(raw, resource)), controller)

    async def _replica_sets(self) -> None:
        """Of a controlled ReplicaSet only its controller matters; a bare one is a workload."""
        resource = WORKLOADS["ReplicaSet"]
        async for raw in self._each(REPLICA_SETS, accept=METADATA_LIST):
            child = child_of(raw)
            if child is None:
                continue
            if child.controller is not None:
                self._lineage.add_child(child.metadata.uid, child.controller)
                continue
            body = await read_object(
                self._transport, resource, child.metadata.namespace, child.metadata.name
            )
            if isinstance(body, bytes):
                self._lineage.add(surveyed_of(_object(body, resource)))

    async def _pod_list(self) -> None:
        async for raw in self._each(PODS):
            child = child_of(raw)
            if child is None:
                continue
            obj = _object(raw, PODS)
            if child.controller is None:
                self._lineage.add(surveyed_of(obj))
            volumes = obj.get("spec", {}).get("volumes") or ()
            automounted = any(v.get("name", "").startswith(_AUTOMOUNT_PREFIX) for v in volumes)
            self._lineage.add_pod(parse_pod(obj), child, automounted=automounted)

    async def _own_kinds(self) -> None:
        """A cluster without our kinds has none; a caller who may not see them audits without."""
        async for raw in self._each(TOKEN_CHECKS, needed=False):
            check = parse_tokencheck(msgspec.json.decode(raw))
            self._checks[Key("TokenCheck", check.namespace, check.name)] = check
        async for raw in self._each(TOKEN_PROVIDERS, needed=False):
            provider = parse_tokenprovider(msgspec.json.decode(raw))
            self._providers[provider.name] = provider

    async def _each(
        self, resource: Resource, *, accept: str = JSON, needed: bool = True
    ) -> AsyncIterator[Raw]:
        async with aclosing(self._reach.objects(resource, accept=accept, needed=needed)) as listed:
            async for page in listed:
                for number, raw in enumerate(page):
                    if number % _BREATH == 0:
                        await asyncio.sleep(0)  # the next page is read from its socket meanwhile
                    yield raw

    # The inventory

    def all_pods(self) -> Iterable[PodRecord]:
        """Return all Pods that could be listed."""
        return self._lineage.all_pods()

    def checks(self) -> tuple[TokenCheck, ...]:
        """Return the TokenChecks that exist and could be read."""
        return tuple(self._checks.values())

    def check(self, key: Key) -> TokenCheck | None:
        """Return one of them."""
        return self._checks.get(key)

    def provider(self, name: str) -> TokenProvider | None:
        """Return the TokenProvider, None when there is none or it could not be read."""
        return self._providers.get(name)

    def issuing(self, issuer: str | None = None) -> tuple[TokenProvider, ...]:  # noqa: ARG002 - of the port
        """Return none: what an admin has the operator do is not what a caller does."""
        return ()

    def matching(self, kind: str) -> tuple[TokenProvider, ...]:
        """Return those that anybody may ask, by name; none where the caller asks nobody."""
        every = self._providers.values() if self._asks else ()
        found = (one for one in every if kind in one.match and one.asks_as_anybody)
        return tuple(sorted(found, key=lambda one: one.name))

    async def workload(self, namespace: str, ref: WorkloadRef) -> Workload | Unread:
        """Return the workload as it was listed."""
        found = self._workloads.get(Key(ref.kind, namespace, ref.name))
        if found is not None:
            return found
        resource = _LISTED.get(ref.kind)
        if resource is None or self._reach.unread(resource, namespace) is not None:
            return await self._direct.workload(namespace, ref)
        return Absent(what=what_of(resource, namespace, ref.name))

    async def pods(self, workload: Workload) -> tuple[PodRecord, ...] | Unread:
        """Return the Pods of the workload, those of older revisions included."""
        return self._reach.unread(PODS, workload.namespace) or self._lineage.pods_of(workload)

    def keep(self, content: SecretContent) -> None:
        """Let `secret` answer with this one until `drop`."""
        self._kept[content.meta.namespace, content.meta.name] = content

    def drop(self, namespace: str, name: str) -> None:
        """Hold the Secret no longer."""
        self._kept.pop((namespace, name), None)

    async def secret(self, namespace: str, name: str) -> SecretContent | Unread:
        """Return the Secret that is kept; one that is not does not exist, or was not listed.

        Who may not list may still be allowed to read by name.
        """
        kept = self._kept.get((namespace, name))
        if kept is not None:
            return kept
        what = what_of(SECRETS, namespace, name)
        match self._reach.unread(SECRETS, namespace):
            case None:
                return Absent(what=what)
            case Denied():
                return await self._direct.secret(namespace, name)
            case _:
                return Failed(what=what)

    async def config_map_value(self, namespace: str, name: str, key: str) -> str | Unread:
        """Return one text value of a ConfigMap, read now."""
        return await self._direct.config_map_value(namespace, name, key)

    async def namespace_labels(self, name: str) -> Mapping[str, str] | Unread:
        """Return the labels of a Namespace, read now."""
        return await self._direct.namespace_labels(name)

    # How far it reaches

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Return what could not be listed."""
        return self._reach.gaps

    @property
    def notes(self) -> tuple[str, ...]:
        """Return that TokenChecks were not seen, when they were not."""
        return self._reach.notes

    @property
    def namespaces(self) -> int:
        """Return how many Namespaces were looked at."""
        return len(self._reach.namespaces)


def _object(raw: Raw | bytes, resource: Resource) -> dict[str, Any]:
    """Return the whole object; lists leave out kind and apiVersion of their items."""
    obj: dict[str, Any] = msgspec.json.decode(raw)
    return {**obj, "apiVersion": resource.api_version, "kind": resource.kind}
