"""Which Pods a workload has: through owner references, by way of ReplicaSets and Jobs."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec import Raw

from tokencheck.clients.kube.decode import OWNED, Place, decode
from tokencheck.clients.kube.fleet import Course, Fleet
from tokencheck.clients.kube.resources import (
    CONTROLLER_REVISIONS,
    JOBS,
    PODS,
    REPLICA_SETS,
    Resource,
)
from tokencheck.model.evidence import Unread
from tokencheck.model.keys import Key
from tokencheck.model.workload import PodRecord, Workload

_REVISION_HASH = "controller-revision-hash"
# What stands between a workload and its Pods; kinds that are not listed own them directly or by
# ReplicaSets.
_BETWEEN = {
    "Deployment": (REPLICA_SETS,),
    "CronJob": (JOBS,),
    "StatefulSet": (),
    "DaemonSet": (),
    "ReplicaSet": (),
    "Job": (),
    "Pod": (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """An object between a workload and its Pods, or a revision of one."""

    uid: str
    owner_uid: str
    revision: int
    hash: str


class MakeFleet(Protocol):
    """Makes the fleet of a resource with the reach that the scope allows."""

    def __call__(self, course: Course[Any]) -> Fleet[Any]:
        """Return a fleet that follows nothing yet."""


class PodView:
    """The Pods of the workloads that somebody asked for, and word of their changes."""

    def __init__(
        self,
        make: MakeFleet,
        record_of_pod: Callable[[Raw | bytes], PodRecord | None],
        tell: Callable[[Key], None],
    ) -> None:
        """Follow nothing yet; `tell` is called with a workload when its Pods changed."""
        self._tell = tell
        self._pods = make(
            Course(
                resource=PODS,
                record=record_of_pod,
                on_change=self._pod_changed,
                on_state=self._state_changed,
                whole=True,
            )
        )
        self._between = {
            r: make(
                Course(
                    resource=r,
                    record=_child_of,
                    on_change=self._child_changed,
                    on_state=self._state_changed,
                    whole=True,
                )
            )
            for r in (REPLICA_SETS, JOBS, CONTROLLER_REVISIONS)
        }
        self._keys: dict[str, Key] = {}  # by UID of the workload
        self._uids: dict[Key, str] = {}
        self._used: dict[Key, set[Resource]] = {}
        # namespace -> UID of the controller -> what it has
        self._pods_of: dict[str, dict[str, set[Place]]] = defaultdict(lambda: defaultdict(set))
        self._children_of: dict[str, dict[str, dict[Place, Child]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        self._parent_of: dict[str, str] = {}

    def fleets(self) -> list[Fleet[Any]]:
        """Return all fleets of this view."""
        return [self._pods, *self._between.values()]

    async def pods(self, workload: Workload) -> tuple[PodRecord, ...] | Unread:
        """Return the Pods of a workload by name; from now on their changes are told."""
        between = _BETWEEN.get(workload.kind, (REPLICA_SETS,))
        unread = await self._look(workload, (*between, PODS))
        if unread is not None:
            return unread
        namespace = workload.namespace
        children = self._children_of[namespace].get(workload.uid, {}).values()
        owners = {workload.uid, *(child.uid for child in children)}
        places = {p for uid in owners for p in self._pods_of[namespace].get(uid, ())}
        return tuple(pod for p in sorted(places) if (pod := self._pods.get(p)) is not None)

    async def newest_hash(self, workload: Workload) -> str:
        """Return the hash of a DaemonSet's newest ControllerRevision, "" when not known."""
        if await self._look(workload, (CONTROLLER_REVISIONS,)) is not None:
            return ""
        children = self._children_of[workload.namespace].get(workload.uid, {}).values()
        newest = max(children, key=lambda child: child.revision, default=None)
        return newest.hash if newest else ""

    def release(self, key: Key) -> None:
        """Follow the Pods of a workload no longer."""
        for resource in self._used.pop(key, set()):
            self._fleet(resource).drop((key.namespace, ""))
        self._keys.pop(self._uids.pop(key, ""), None)
        if not any(fleet.uses(key.namespace) for fleet in self.fleets()):
            self._pods_of.pop(key.namespace, None)
            for children in self._children_of.pop(key.namespace, {}).values():
                for child in children.values():
                    self._parent_of.pop(child.uid, None)

    async def _look(self, workload: Workload, resources: tuple[Resource, ...]) -> Unread | None:
        key = Key(workload.kind, workload.namespace, workload.name)
        if self._uids.get(key) != workload.uid:
            self._keys.pop(self._uids.get(key, ""), None)  # another one of the same name
            self._uids[key] = workload.uid
            self._keys[workload.uid] = key
        used = self._used.setdefault(key, set())
        for resource in resources:
            if resource not in used:
                used.add(resource)
                self._fleet(resource).use((workload.namespace, ""))
        for resource in resources:
            unread = await self._fleet(resource).cover(workload.namespace)
            if unread is not None:
                return unread
        return None

    def _fleet(self, resource: Resource) -> Fleet[Any]:
        return self._pods if resource is PODS else self._between[resource]

    def _pod_changed(self, place: Place, old: PodRecord | None, new: PodRecord | None) -> None:
        by_owner = self._pods_of[place[0]]
        if old is not None and (new is None or new.owner_uid != old.owner_uid):
            by_owner[old.owner_uid].discard(place)
            if not by_owner[old.owner_uid]:
                del by_owner[old.owner_uid]
        if new is not None:
            by_owner[new.owner_uid].add(place)
        if old != new and self._pods.in_sync(place):
            for pod in (old, new):
                if pod is not None:
                    self._tell_owner(pod.owner_uid)

    def _child_changed(self, place: Place, old: Child | None, new: Child | None) -> None:
        by_owner = self._children_of[place[0]]
        if old is not None:
            by_owner[old.owner_uid].pop(place, None)
            self._parent_of.pop(old.uid, None)
            if not by_owner[old.owner_uid]:
                del by_owner[old.owner_uid]
        if new is not None:
            by_owner[new.owner_uid][place] = new
            self._parent_of[new.uid] = new.owner_uid
        child = new or old
        if old != new and child is not None:
            self._tell_owner(child.uid)

    def _tell_owner(self, uid: str) -> None:
        key = self._keys.get(uid) or self._keys.get(self._parent_of.get(uid, ""))
        if key is not None:
            self._tell(key)

    def _state_changed(self, place: Place) -> None:
        for key in list(self._used):
            if key.namespace == place[0]:
                self._tell(key)


def _child_of(raw: Raw | bytes) -> Child | None:
    owned = decode(OWNED, raw)
    if owned is None:
        return None
    return Child(
        uid=owned.metadata.uid,
        owner_uid=owned.owner,
        revision=owned.revision,
        hash=owned.metadata.labels.get(_REVISION_HASH, ""),
    )
