"""Who controls whom, in one listing: from a Pod, by ReplicaSets and Jobs, to its workload."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from msgspec import Raw, Struct
from msgspec.json import Decoder

from tokencheck.clients.kube.decode import decode
from tokencheck.model.census import Surveyed
from tokencheck.model.workload import PodRecord, Site, Workload

_MAX_STEPS = 8  # a CronJob's Pod is two steps away; a loop must end
# The kubelet's own Pods are controlled by their Node, which is no workload.
_NO_WORKLOAD = ("Node",)


class Controller(Struct, rename="camel"):
    """An owner reference, with what names its object."""

    uid: str = ""
    kind: str = ""
    name: str = ""
    api_version: str = ""
    controller: bool = False


class _Meta(Struct, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    owner_references: list[Controller] = []


class Child(Struct):
    """Any object that may be controlled."""

    metadata: _Meta

    @property
    def controller(self) -> Controller | None:
        """Return what controls it, None when it is its own master."""
        return next(
            (
                owner
                for owner in self.metadata.owner_references
                if owner.controller and owner.kind not in _NO_WORKLOAD
            ),
            None,
        )


_CHILD = Decoder(Child)


def child_of(raw: Raw | bytes) -> Child | None:
    """Return whose the object is, or None when it is no object."""
    return decode(_CHILD, raw)


class Lineage:
    """The workloads of a listing, and the Pods of each."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._surveyed: dict[str, Surveyed] = {}  # by UID
        self._controllers: dict[str, Controller] = {}  # by UID of the child
        self._pods: dict[str, list[PodRecord]] = defaultdict(list)  # by UID of the workload
        self._unplaced: list[tuple[PodRecord, Controller | None, bool]] = []
        self._automounting: set[str] = set()
        self._by_pods: dict[str, dict[Site, None]] = {}  # sites of workloads known by Pods alone

    def add(self, surveyed: Surveyed, controller: Controller | None = None) -> None:
        """Add a workload, and what controls it if something does."""
        self._surveyed[surveyed.workload.uid] = surveyed
        if controller is not None:
            self._controllers[surveyed.workload.uid] = controller

    def add_child(self, uid: str, controller: Controller) -> None:
        """Add an object between a workload and its Pods."""
        self._controllers[uid] = controller

    def add_pod(self, pod: PodRecord, child: Child, *, automounted: bool) -> None:
        """Add a Pod; whose it is turns out when everything is listed."""
        self._unplaced.append((pod, child.controller, automounted))

    def settle(self) -> None:
        """Give each Pod to its workload; a controller that was not listed becomes one by its Pods.

        Everything has been added: lists that run at the same time may end in any order.
        """
        for pod, controller, automounted in self._unplaced:
            root = self.root_of(controller)
            uid = root.uid if root is not None else pod.uid
            if root is not None and (uid in self._by_pods or uid not in self._surveyed):
                self._widen(root, pod)
            self._pods[uid].append(pod)
            if automounted:
                self._automounting.add(uid)
        self._unplaced.clear()

    def root_of(self, controller: Controller | None) -> Controller | None:
        """Return the farthest controller that is known of."""
        for _ in range(_MAX_STEPS):
            above = self._controllers.get(controller.uid) if controller is not None else None
            if above is None or (controller is not None and self._rules(controller, above)):
                break
            controller = above
        return controller

    def workloads(self) -> tuple[Surveyed, ...]:
        """Return the workloads that no other one controls."""
        roots = (
            one
            for uid, one in self._surveyed.items()
            if uid not in self._controllers or self._controllers[uid].uid not in self._surveyed
        )
        return tuple(self._seen(one) for one in roots)

    def pods_of(self, workload: Workload) -> tuple[PodRecord, ...]:
        """Return the Pods of a workload."""
        return tuple(self._pods.get(workload.uid, ()))

    def all_pods(self) -> Iterable[PodRecord]:
        """Yield all Pods."""
        return (pod for pods in self._pods.values() for pod in pods)

    def _rules(self, controller: Controller, above: Controller) -> bool:
        """Return whether a listed workload is under something that is none: then it is the root."""
        return controller.uid in self._surveyed and above.uid not in self._surveyed

    def _seen(self, one: Surveyed) -> Surveyed:
        """Tell by the Pods what was mounted by itself; a manifest only says the default."""
        uid = one.workload.uid
        return replace(one, automounts=uid in self._automounting) if uid in self._pods else one

    def _widen(self, root: Controller, pod: PodRecord) -> None:
        sites = self._by_pods.setdefault(root.uid, {})
        sites.update(dict.fromkeys(pod.volumes))
        workload = Workload(
            api_version=root.api_version,
            kind=root.kind,
            namespace=pod.namespace,
            name=root.name,
            uid=root.uid,
            generation=0,
            template_hash="",
            sites=tuple(sites),
        )
        self._surveyed[root.uid] = Surveyed(workload=workload)
