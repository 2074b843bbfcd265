"""Deployments of the world, and who rolls them out: no controller acts on them here."""

from __future__ import annotations

from cluster.shop import Object, template
from controlplane import Api

_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


class Workloads:
    """One Deployment for each check that follows one."""

    def __init__(self, api: Api, namespace: str) -> None:
        """None stands yet."""
        self._api = api
        self._namespace = namespace

    def stand(self, name: str) -> None:
        """It stands, and its first release is rolled out."""
        if self._api.find("Deployment", name, self._namespace) is None:
            self.release(name, 0)
            self.roll_out(name)

    def release(self, name: str, number: int) -> None:
        """It has a new template, which is not rolled out."""
        image = f"example.com/app:{number}"
        pod = template(name, {"containers": [{"name": "app", "image": image}]})
        body = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": pod}
        self._api.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name, "namespace": self._namespace},
                "spec": body,
            }
        )

    def roll_out(self, name: str) -> None:
        """Its newest template is rolled out."""
        found: Object | None = self._api.find("Deployment", name, self._namespace)
        if found is not None:
            seen = {"observedGeneration": found["metadata"]["generation"]}
            body = {"status": seen | dict.fromkeys(_COUNTS, 1)}
            self._api.patch("Deployment", name, body, self._namespace, subresource="status")
