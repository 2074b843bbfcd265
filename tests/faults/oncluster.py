"""Faults of the cluster: rights taken and given back, a CRD made again, etcd restored."""

from __future__ import annotations

import copy
import random
import shutil
import time
from dataclasses import dataclass, field

from controlplane.api import Object
from controlplane.launch import CHECKOUT, OURS
from controlplane.process import wait_listening
from faults.excuses import Cost
from faults.fault import Fault, Idle, Site

# Rights that came back are seen at the next try: three seconds, and a list.
DENIED = Cost(fresh_s=10.0, unknown=True, untold=True)
# Everything starts again: watches are re-opened with a back-off of up to ten seconds.
RESTORED = Cost(fresh_s=40.0, late_s=20.0, unknown=True, untold=True)


@dataclass(kw_only=True)
class RightsTaken(Idle):
    """The operator may not touch one resource any more, and then may again."""

    resource: str
    _kept: list[Object] = field(default_factory=list, repr=False)

    def begin(self, site: Site, chance: random.Random) -> int:
        """Every role of the operator lacks the resource."""
        api = site.plane.api()
        kinds = ("ClusterRole", "Role")
        self._kept = [one for kind in kinds for one in _roles(site, kind)]
        for role in self._kept:
            less = copy.deepcopy(role)
            less["rules"] = [rule for rule in (self._without(r) for r in role["rules"]) if rule]
            api.replace(_unfenced(less))
        return 1

    def end(self, site: Site) -> int:
        """The roles are as they were."""
        for role in self._kept:
            site.plane.api().replace(_unfenced(role))
        return 1

    def _without(self, rule: Object) -> Object | None:
        left = [one for one in rule.get("resources") or () if one != self.resource]
        return rule | {"resources": left} if left else None


def _roles(site: Site, kind: str) -> list[Object]:
    found = site.plane.api().list(kind, labelSelector=OURS)
    version = "rbac.authorization.k8s.io/v1"
    return [one | {"apiVersion": version, "kind": kind} for one in found if one.get("rules")]


def _unfenced(role: Object) -> Object:
    meta = {
        k: v for k, v in role["metadata"].items() if k not in ("resourceVersion", "managedFields")
    }
    return role | {"metadata": meta}


@dataclass(kw_only=True)
class CrdMadeAgain(Idle):
    """The CRD of TokenChecks is deleted, all checks with it; both are made again."""

    def begin(self, site: Site, chance: random.Random) -> int:
        """Deleted, and made again."""
        name, api = "tokenchecks.tokencheck.dev", site.plane.api()
        site.rest()
        api.delete("CustomResourceDefinition", name)
        api.wait("CustomResourceDefinition", name, until=lambda it: not it, timeout_s=60)
        time.sleep(chance.random())
        site.plane.install(CHECKOUT / "crds" / "tokenchecks.yaml")
        site.refill()
        return 1


@dataclass(kw_only=True)
class Restored(Idle):
    """Etcd is put back to what it held some seconds ago: versions go backwards."""

    def begin(self, site: Site, chance: random.Random) -> int:
        """A copy is taken, the world goes on, and the copy comes back."""
        etcd = site.plane.servers["etcd"]
        data = site.plane.at.folder / "etcd"
        copied = data.with_name("etcd-copy")
        etcd.stop(kill=True)
        shutil.copytree(data, copied)
        _start_etcd(site)
        time.sleep(chance.uniform(3, 8))
        site.rest()
        site.unseen()
        site.plane.stop_apiserver(kill=True)
        etcd.stop(kill=True)
        shutil.rmtree(data)
        copied.rename(data)
        _start_etcd(site)
        site.plane.start_apiserver()
        site.rewound()
        return 2


def _start_etcd(site: Site) -> None:
    etcd = site.plane.servers["etcd"]
    etcd.start()
    site.plane.guard(etcd)
    wait_listening(etcd, site.plane.at.etcd_port)


def cluster_faults() -> list[Fault]:
    """Every class of faults of the cluster."""
    resources = (
        "secrets",
        "deployments",
        "tokenchecks",
        "tokenchecks/status",
        "tokenproviders",
        "tokenproviders/status",
        "clustertokenchecks",
        "clustertokenchecks/status",
        "namespaces",
        "pods",
        "replicasets",
        "configmaps",
        "events",
    )
    return [
        *(
            RightsTaken(
                name=f"right taken: {one}", resource=one, cost=DENIED, lasts_s=4.0, weight=0.15
            )
            for one in resources
        ),
        CrdMadeAgain(name="CRD made again", cost=RESTORED, lasts_s=0.1, weight=0.03, slow=True),
        Restored(
            name="etcd restored to its past", cost=RESTORED, lasts_s=0.1, weight=0.03, slow=True
        ),
    ]
