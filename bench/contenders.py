"""Who is measured: the operator, and the Go controller that it is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.cluster import Cluster
from bench.go_build import build_baseline
from bench.progress import Display
from controlplane.launch import OperatorProcess
from controlplane.process import Server

OPERATOR, GO, KUBECTL, PYTHON = "operator", "go", "kubectl", "python"
CONTENDERS = (OPERATOR, GO)
# The default of controller-runtime is 1, which the burst of expiries would punish.
GO_WORKERS = 8


def prepare(contenders: tuple[str, ...], display: Display) -> None:
    """What has to be built stands in the cache."""
    if GO in contenders:
        with display.step("Go controller (built once, about two minutes)", 1) as tick:
            build_baseline()
            tick()


@contextmanager
def running(name: str, cluster: Cluster) -> Iterator[Server]:
    """The contender's process was started a moment ago; it has ended after the block."""
    server = _operator(cluster) if name == OPERATOR else _go(cluster)
    try:
        yield server
        server.require_alive()
    finally:
        server.stop()


def _operator(cluster: Cluster) -> Server:
    log = cluster.folder / "operator.log"
    process = OperatorProcess(cluster.kubeconfig, log, plane=cluster.plane, elects=True)
    return process.start(ready=False).server


def _go(cluster: Cluster) -> Server:
    key = cluster.folder / "bench.pem"
    key.write_bytes(cluster.signer.pem())
    command = [
        str(build_baseline()),
        f"-kubeconfig={cluster.kubeconfig}",
        f"-public-key={key}",
        f"-workers={GO_WORKERS}",
    ]
    server = Server("Go controller", command, cluster.folder / "go.log")
    server.start()
    cluster.plane.guard(server)
    return server
