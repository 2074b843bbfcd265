"""A scene of one ClusterTokenCheck: which TokenChecks it may make, and which must stand at its end.

The Deployments here have no tokens: what becomes of verdicts is told by the other scenes.
"""

from __future__ import annotations

from typing import Any

from cluster.shop import API, Object, is_current, pod_spec
from faults.kills.ends import end_of
from faults.kills.stage import Stage

KIND = "ClusterTokenCheck"
OF_WEB = "deployment-web"  # the name of the TokenCheck of Deployment web
BY_HAND, LATER = "mine", "own"
_KEPT = ("name", "labels", "annotations")


class SpreadStage(Stage):
    """Deployments web and db; somebody has written the TokenCheck of db himself."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._lawful: set[str] = set()  # intervals that a TokenCheck that was made may say
        self.wanted: set[str] = set()  # names of those that must stand at the end
        self.by_hand: dict[str, Object] = {}

    # What happens

    def build(self) -> None:
        """All stands but the ClusterTokenCheck."""
        self.workload("web", pod_spec())
        self.workload("db", pod_spec())
        self.write(BY_HAND, "Deployment/db")

    def write(self, name: str, workload: str) -> None:
        """Somebody writes a TokenCheck himself."""
        self.by_hand[name] = self.check(name, workload=workload, suspend=True)

    def select(self, interval: str) -> None:
        """The ClusterTokenCheck stands, of this namespace's Deployments alone, and says so much."""
        self._lawful.add(interval)
        self.wanted = {OF_WEB}
        here = {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}
        template = {"spec": {"interval": interval}}
        spec = {"namespaceSelector": here, "workloads": {"kinds": ["Deployment"]}}
        manifest = {"apiVersion": API, "kind": KIND, "metadata": {"name": self.namespace}}
        self.admin.apply(manifest | {"spec": spec | {"template": template}})

    def clear(self) -> None:
        """Nothing is left, and nothing makes it again."""
        self.admin.delete(KIND, self.namespace)
        for name in ("web", "db"):
            self.delete("Deployment", name)
        self.admin.delete_all("TokenCheck", self.namespace)
        self.close()

    # What became of it

    def over(self) -> bool:
        """Whether all that must stand does, is judged and counted, and nothing else does."""
        found = self._found()
        names = {one["metadata"]["name"] for one in found}
        if names != self.wanted | self.by_hand.keys() or not all(map(is_current, found)):
            return False
        one = self.admin.find(KIND, self.namespace)
        if one is None:
            return not self._lawful
        counts = one.get("status", {}).get("workloads", {})
        return is_current(one) and counts.get("checked") == len(self.wanted) and self._recorded()

    def _recorded(self) -> bool:
        """Whether the watch has shown all that stands."""
        found = self._found()
        last = [self.history(one["metadata"]["name"])[-1:] for one in found]
        shown = [of[0].object["metadata"]["resourceVersion"] for of in last if of]
        return shown == [one["metadata"]["resourceVersion"] for one in found]

    def remains(self) -> str:
        """All that stands, as text that two runs have in common."""
        told = []
        for one in self._found():
            meta = one["metadata"]
            owners = [(o["kind"], o["name"]) for o in meta.get("ownerReferences", ())]
            kept = {key: meta[key] for key in _KEPT if key in meta}
            whole = kept | {"owners": owners, "spec": one["spec"], "said": one.get("status", {})}
            told.append({"status": whole})
        return end_of(self.namespace, *told, self.admin.find(KIND, self.namespace))

    def wrong(self) -> list[str]:
        """Each TokenCheck that was made for nothing or by a template that never was; each that
        somebody had written and that was touched."""
        wrong = []
        for name in self.statuses.names("TokenCheck", self.namespace):
            for one in self.history(name):
                found = one.object
                if name in self.by_hand:
                    if _written(found) != _written(self.by_hand[name]):
                        wrong.append(f"{name}, written by hand, became {_written(found)}")
                elif name != OF_WEB:
                    wrong.append(f"{name} was made for nothing")
                elif found["spec"].get("interval") not in self._lawful:
                    wrong.append(f"{name} says {found['spec']}")
        return wrong

    def doubled(self) -> list[str]:
        """Each that was made more than once: it has lost its baseline."""
        uids = {one.object["metadata"]["uid"] for one in self.history(OF_WEB)}
        return [f"{OF_WEB} was made {len(uids)} times"] if len(uids) > 1 else []

    def _found(self) -> list[Object]:
        found = self.admin.list("TokenCheck", self.namespace)
        return sorted(found, key=lambda one: str(one["metadata"]["name"]))


def _written(found: Object) -> tuple[object, ...]:
    meta = found["metadata"]
    return meta["uid"], meta["generation"], meta.get("labels"), meta.get("ownerReferences")
