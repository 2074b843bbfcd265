"""The inventory by plain reads: each object is asked for when a pass wants it.

For a command that looks at one check with the caller's rights. Nothing is watched or kept, but our
own kinds, which are read before the pass.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import Raw

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import ANNOTATION_OWNER, NAMESPACE_OWNER, TokenCheck, WorkloadRef
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.clients.kube.decode import (
    CONFIG_MAP,
    LABELLED,
    OWNED,
    PAGE,
    decode,
    own_annotations,
    secret_of,
)
from tokencheck.clients.kube.discovery import Discovery
from tokencheck.clients.kube.media import JSON, METADATA_LIST
from tokencheck.clients.kube.objects import get_object
from tokencheck.clients.kube.reads import read_object, what_of
from tokencheck.clients.kube.resources import (
    CONFIG_MAPS,
    JOBS,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    SECRETS,
    Resource,
)
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.workloads.parse import parse_workload
from tokencheck.core.workloads.pods import parse_pod
from tokencheck.model.errors import ClusterError
from tokencheck.model.evidence import Absent, Denied, Failed, SecretContent, Unread
from tokencheck.model.keys import Key
from tokencheck.model.workload import PodRecord, Workload

_PAGE_SIZE = "500"
_OWN_PODS = ("StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Pod")  # they own them directly


class DirectReads:
    """Implements `model.ports.Inventory` with a GET or a LIST for each question."""

    def __init__(self, transport: Transport) -> None:
        """Read through `transport`; no check and no provider is known yet."""
        self._transport = transport
        self._discovery = Discovery(transport)
        self._checks: dict[Key, TokenCheck] = {}
        self._providers: dict[str, TokenProvider] = {}

    async def load_check(self, key: Key) -> TokenCheck | Unread:
        """Return the TokenCheck as it is now; from then on `check` returns it."""
        found = await get_object(self._transport, key)
        if isinstance(found, Unread):
            return found
        self._checks[key] = check = parse_tokencheck(found)
        return check

    async def load_providers(self, names: Iterable[str]) -> tuple[Unread, ...]:
        """Know these TokenProviders as they are now; return those that could not be read."""
        unread = []
        for name in sorted(set(names)):
            found = await get_object(self._transport, Key("TokenProvider", "", name))
            if isinstance(found, Unread):
                unread.append(found)
            else:
                self._providers[name] = parse_tokenprovider(found)
        return tuple(unread)

    def check(self, key: Key) -> TokenCheck | None:
        """Return the TokenCheck that `load_check` read."""
        return self._checks.get(key)

    def provider(self, name: str) -> TokenProvider | None:
        """Return the TokenProvider that `load_providers` read."""
        return self._providers.get(name)

    def issuing(self, issuer: str | None = None) -> tuple[TokenProvider, ...]:  # noqa: ARG002 - of the port
        """Return none: what an admin has the operator do is not what a caller does."""
        return ()

    def matching(self, kind: str) -> tuple[TokenProvider, ...]:  # noqa: ARG002 - of the port
        """Return none: the operator alone shows tokens to anybody."""
        return ()

    async def workload(self, namespace: str, ref: WorkloadRef) -> Workload | Unread:
        """Return the workload that `ref` names in `namespace`."""
        resource = await self._discovery.resource(ref.api_version, ref.kind)
        if not isinstance(resource, Resource):
            return replace(resource, what=f"{ref.kind} {namespace}/{ref.name}: {resource.what}")
        body = await read_object(self._transport, resource, namespace, ref.name)
        if not isinstance(body, bytes):
            return body
        obj: Mapping[str, Any] = msgspec.json.decode(body)
        return parse_workload({**obj, "apiVersion": resource.api_version, "kind": resource.kind})

    async def secret(self, namespace: str, name: str) -> SecretContent | Unread:
        """Return the Secret with its values sealed."""
        body = await read_object(self._transport, SECRETS, namespace, name)
        if not isinstance(body, bytes):
            return body
        return secret_of(body) or Failed(what=what_of(SECRETS, namespace, name))

    async def config_map_value(self, namespace: str, name: str, key: str) -> str | Unread:
        """Return one text value of a ConfigMap."""
        what = what_of(CONFIG_MAPS, namespace, name)
        body = await read_object(self._transport, CONFIG_MAPS, namespace, name)
        if not isinstance(body, bytes):
            return body
        config_map = decode(CONFIG_MAP, body)
        if config_map is None:
            return Failed(what=what)
        text = (config_map.data or {}).get(key)
        return Absent(what=what, key_only=True) if text is None else text

    async def pods(self, workload: Workload) -> tuple[PodRecord, ...] | Unread:
        """Return the Pods of the workload, those of older revisions included."""
        if workload.kind == "Pod":
            body = await read_object(self._transport, PODS, workload.namespace, workload.name)
            return (parse_pod(msgspec.json.decode(body)),) if isinstance(body, bytes) else body
        owners = await self._owners(workload)
        if not isinstance(owners, frozenset):
            return owners
        raws = await self._list(PODS, workload.namespace, JSON)
        if not isinstance(raws, list):
            return raws
        pods = (parse_pod(msgspec.json.decode(raw)) for raw in raws)
        return tuple(sorted((p for p in pods if p.owner_uid in owners), key=lambda p: p.name))

    async def namespace_labels(self, name: str) -> Mapping[str, str] | Unread:
        """Return the labels of a Namespace, and its owner annotation under its own name."""
        body = await read_object(self._transport, NAMESPACES, "", name)
        if not isinstance(body, bytes):
            return body
        namespace = decode(LABELLED, body)
        if namespace is None:
            return Failed(what=what_of(NAMESPACES, "", name))
        owner = own_annotations(namespace.metadata.annotations).get(ANNOTATION_OWNER)
        return namespace.metadata.labels | ({NAMESPACE_OWNER: owner} if owner else {})

    async def _owners(self, workload: Workload) -> frozenset[str] | Unread:
        """Return the UIDs that the workload's Pods may name as their controller."""
        if workload.kind in _OWN_PODS:
            return frozenset({workload.uid})
        between = JOBS if workload.kind == "CronJob" else REPLICA_SETS
        raws = await self._list(between, workload.namespace, METADATA_LIST)
        if not isinstance(raws, list):
            return raws
        owned = (decode(OWNED, raw) for raw in raws)
        children = {o.metadata.uid for o in owned if o is not None and o.owner == workload.uid}
        return frozenset({workload.uid, *children})

    async def _list(self, resource: Resource, namespace: str, accept: str) -> list[Raw] | Unread:
        what = f"{resource.plural} in namespace {namespace}"
        path = resource.path(namespace)
        items: list[Raw] = []
        params = {"limit": _PAGE_SIZE}
        while path is not None:
            try:
                answer = await self._transport.get(path, params, accept=accept)
            except ClusterError:
                return Failed(what=what)
            if answer.status in (401, 403):
                return Denied(what=what)
            page = decode(PAGE, answer.body) if answer.status == 200 else None
            if page is None:
                return Failed(what=what)
            items += page.items or []
            if not page.metadata.continue_:
                return items
            params["continue"] = page.metadata.continue_
        return Absent(what=what)
