"""One API server for one stage: the CRDs, the namespaces, the provider and the identity."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import objects
from bench.http import Http
from bench.tokens import Signer
from bench.usage import usage_of
from controlplane import ControlPlane
from controlplane.launch import CHECKOUT, NAMESPACE, grant_operator

_CRDS = sorted((CHECKOUT / "crds").glob("*.yaml"))
# An audit log of every write would cost the API server CPU that belongs to the contenders.
_NO_AUDIT = Path(__file__).parent / "audit-none.yaml"
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_WRITES = ("POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What a stage works with."""

    plane: ControlPlane
    http: Http
    signer: Signer
    stranger: Signer
    kubeconfig: Path
    """The contenders' identity: the ServiceAccount and the rights that the chart gives."""

    @property
    def folder(self) -> Path:
        """For logs and keys; removed at the end."""
        return self.plane.folder

    def server_cpu_s(self) -> float:
        """CPU time that the API server and etcd have used so far."""
        return sum(usage_of(server.pid).cpu_s for server in self.plane.servers.values())

    async def writes(self) -> dict[str, int]:
        """How many writes the API server has answered, by resource; dry runs write nothing."""
        found: dict[str, int] = {}
        for labels, value in await self._answered():
            if labels["verb"] in _WRITES and not labels["dry_run"]:
                resource = labels["resource"]
                found[resource] = found.get(resource, 0) + value
        return found

    async def written(self, resource: str) -> dict[str, int]:
        """How many objects of a resource were made, changed and deleted so far, by verb.

        Dry runs, refusals and subresources, a status among them, do not count.
        """
        found = dict.fromkeys(_WRITES, 0)
        for labels, value in await self._answered():
            if (
                labels["resource"] == resource
                and labels["verb"] in found
                and labels["code"].startswith("2")
                and not (labels["subresource"] or labels["dry_run"])
            ):
                found[labels["verb"]] += value
        return found

    async def _answered(self) -> list[tuple[dict[str, str], int]]:
        """The labels and the value of each counter of answered requests."""
        text = (await self.http.request("GET", "/metrics")).decode()
        return list(counters_of(text, "apiserver_request_total"))


def counters_of(text: str, name: str) -> Iterator[tuple[dict[str, str], int]]:
    """The labels and the value of each counter of this name on a page of metrics."""
    for line in text.splitlines():
        if line.startswith(f"{name}{{"):
            labels, _, value = line.rpartition(" ")
            yield dict(_LABEL.findall(labels)), int(float(value))


@asynccontextmanager
async def cluster(values: Mapping[str, Any] | None = None) -> AsyncIterator[Cluster]:
    """A fresh API server; everything that was started has ended after the block.

    Args:
        values: of the chart, which gives the operator's rights.
    """
    flags = (f"--audit-policy-file={_NO_AUDIT}",)
    with ControlPlane(parts=(), tenants=(), apiserver_flags=flags) as plane:
        plane.install(*_CRDS)
        admin = json.loads(plane.kubeconfig().read_text())["users"][0]["user"]["token"]
        signer = Signer()
        async with Http(plane.at.server, plane.at.ca_file, admin) as http:
            for name in objects.NAMESPACES:
                await http.request("POST", "/api/v1/namespaces", objects.namespace(name))
            providers = objects.CHECKS.replace("tokenchecks", "tokenproviders")
            await http.request("POST", providers, objects.provider(signer.jwks()))
            yield Cluster(
                plane=plane,
                http=http,
                signer=signer,
                stranger=Signer(),
                kubeconfig=grant_operator(plane, values, namespace=NAMESPACE),
            )
