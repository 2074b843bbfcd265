"""One API server for one stage: the CRDs, the namespaces, the provider and the identity."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import objects
from bench.http import Http
from bench.tokens import Signer
from bench.usage import usage_of
from controlplane import ControlPlane
from controlplane.launch import CHECKOUT, NAMESPACE, grant_operator

_CRDS = (CHECKOUT / "crds" / "tokenchecks.yaml", CHECKOUT / "crds" / "tokenproviders.yaml")
# An audit log of every write would cost the API server CPU that belongs to the contenders.
_NO_AUDIT = Path(__file__).parent / "audit-none.yaml"
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
        """How many writes the API server has answered, by resource."""
        text = (await self.http.request("GET", "/metrics")).decode()
        found: dict[str, int] = {}
        for line in text.splitlines():
            if not line.startswith("apiserver_request_total{"):
                continue
            labels, _, value = line.rpartition(" ")
            if any(f'verb="{verb}"' in labels for verb in _WRITES):
                resource = labels.partition('resource="')[2].partition('"')[0]
                found[resource] = found.get(resource, 0) + int(float(value))
        return found


@asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    """A fresh API server; everything that was started has ended after the block."""
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
                kubeconfig=grant_operator(plane, namespace=NAMESPACE),
            )
