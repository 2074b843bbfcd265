"""Namespaces of teams whose Deployments two ClusterTokenChecks select, in a world that never rests.

All of it is random but in the order of the seed: labels by which a namespace or a workload is
selected, workloads that come and go, people who write a TokenCheck themselves, the template.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from cluster.shop import API, Object, template
from controlplane import Api
from faults.estates import MAKER, OPT_OUT

SELECTED, NEVER = ("team-a", "team-b"), "team-never"
LABEL, TIER = "example.com/selected", "example.com/tier"
OLDER, YOUNGER = "older", "younger"  # the older one selects the workloads of one tier alone
EACH = 4  # Deployments of a namespace
INTERVALS = ("1h", "2h", "3h")


class Teams:
    """Changes what ClusterTokenChecks are about."""

    def __init__(self, api: Api, seed: int) -> None:
        """Nothing stands yet."""
        self._api = api
        self._random = random.Random(f"teams {seed}")
        self.given_up: set[str] = set()  # uids of TokenChecks that their author deletes
        self._places = [(s, f"w{n}") for s in (*SELECTED, NEVER) for n in range(EACH)]

    def build(self) -> None:
        """Namespaces, Deployments and both ClusterTokenChecks stand."""
        for name in (*SELECTED, NEVER):
            labels = {LABEL: "yes"} if name in SELECTED else {}
            meta = {"name": name, "labels": labels}
            self._api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        for place in self._places:
            self._deploy(*place)
        self._select(OLDER, {"matchLabels": {TIER: "web"}})
        self._select(YOUNGER, {})

    def step(self) -> None:
        """One change."""
        changes: dict[Callable[[], None], int] = {
            self._move: 4,
            self._come_or_go: 4,
            self._write_or_delete: 4,
            self._opt: 3,
            self._label_a_namespace: 1,
            self._renew: 2,
        }
        self._random.choices(list(changes), list(changes.values()))[0]()

    def _move(self) -> None:
        """A workload is of the other ClusterTokenCheck."""
        self._label(TIER, "web")

    def _opt(self) -> None:
        self._label(OPT_OUT, "false")

    def _label(self, key: str, value: str) -> None:
        """A workload has this label, or has it no more."""
        space, name = self._random.choice(self._places)
        labels = {key: self._random.choice((value, None))}
        if self._api.find("Deployment", name, space):
            self._api.patch("Deployment", name, {"metadata": {"labels": labels}}, space)

    def _come_or_go(self) -> None:
        space, name = self._random.choice(self._places)
        if self._api.find("Deployment", name, space):
            self._api.delete("Deployment", name, space)
        else:
            self._deploy(space, name)

    def _write_or_delete(self) -> None:
        """Somebody writes the TokenCheck of a workload himself, or deletes his."""
        space, workload = self._random.choice(self._places)
        name = f"own-{workload}"
        found = self._api.find("TokenCheck", name, space)
        if found:
            self.given_up.add(found["metadata"]["uid"])
            self._api.delete("TokenCheck", name, space)
            return
        meta = {"name": name, "namespace": space}
        of = {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload}
        spec = {"workloadRef": of, "suspend": True}
        self._api.create({"apiVersion": API, "kind": "TokenCheck", "metadata": meta, "spec": spec})

    def _label_a_namespace(self) -> None:
        labels = {LABEL: self._random.choice(("yes", None))}
        self._api.patch("Namespace", SELECTED[1], {"metadata": {"labels": labels}})

    def _renew(self) -> None:
        name = self._random.choice((OLDER, YOUNGER))
        body = {"spec": {"template": {"spec": {"interval": self._random.choice(INTERVALS)}}}}
        self._api.patch(MAKER, name, body)

    def _deploy(self, space: str, name: str) -> None:
        pod = template(name, {"containers": [{"name": "app", "image": "example.com/app:1"}]})
        labels = {TIER: "web"} if self._random.random() < 0.5 else {}
        meta: Object = {"name": name, "namespace": space, "labels": labels}
        body = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": pod}
        made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": body}
        self._api.apply(made)

    def _select(self, name: str, workloads: Object) -> None:
        spec = {
            "namespaceSelector": {"matchLabels": {LABEL: "yes"}},
            "workloads": {"kinds": ["Deployment"], "selector": workloads},
            "template": {"spec": {"interval": INTERVALS[0]}},
        }
        self._api.apply(
            {"apiVersion": API, "kind": MAKER, "metadata": {"name": name}, "spec": spec}
        )
