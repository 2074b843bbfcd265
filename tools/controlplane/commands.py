"""The command lines of the servers: nothing here starts anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FILES = Path(__file__).parent / "files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where one control plane keeps its files and listens.

    Args:
        instead: programs by name that are taken from elsewhere than from ``programs``.
    """

    programs: Path
    folder: Path
    etcd_port: int
    peer_port: int
    api_port: int
    kwok_port: int
    instead: Mapping[str, Path] = field(default_factory=dict)

    def program(self, name: str) -> str:
        """The path of a program."""
        return str(self.instead.get(name, self.programs / name))

    @property
    def ca_file(self) -> Path:
        """The certificate that kube-apiserver makes for itself: what clients trust."""
        return self.folder / "apiserver" / "apiserver.crt"

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return f"https://127.0.0.1:{self.api_port}"

    @property
    def audit_log(self) -> Path:
        """One JSON object a line."""
        return self.folder / "audit.log"

    def kubeconfig(self, user: str) -> Path:
        """Where the kubeconfig of a user stands."""
        return self.folder / f"{user.replace(':', '-')}.kubeconfig"


def etcd(at: Layout) -> list[str]:
    """Etcd without fsync: its data is thrown away."""
    client = f"http://127.0.0.1:{at.etcd_port}"
    peer = f"http://127.0.0.1:{at.peer_port}"
    return [
        at.program("etcd"),
        f"--data-dir={at.folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        # The most that etcd is made for; by default it refuses writes at a quarter of it.
        f"--quota-backend-bytes={8 << 30}",
        # As kubeadm sets it: quiet watches of older API servers hear where etcd stands.
        "--watch-progress-notify-interval=5s",
        "--log-level=error",
    ]


def kube_apiserver(at: Layout, extra: Sequence[str]) -> list[str]:
    """The API server with RBAC, token users and an audit log; ``extra`` flags come last."""
    return [
        at.program("kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{at.etcd_port}",
        f"--cert-dir={at.ca_file.parent}",
        f"--secure-port={at.api_port}",
        "--bind-address=127.0.0.1",
        # An address that is never used (TEST-NET-1): without one the server looks for a default
        # route, and a machine without network has none.
        "--advertise-address=192.0.2.1",
        "--endpoint-reconciler-type=none",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={at.folder / 'sa.pub'}",
        f"--service-account-signing-key-file={at.folder / 'sa.key'}",
        "--service-cluster-ip-range=10.96.0.0/24",
        f"--token-auth-file={at.folder / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged",
        f"--audit-policy-file={FILES / 'audit-policy.yaml'}",
        f"--audit-log-path={at.audit_log}",
        "--profiling=false",
        *extra,
    ]


def kube_controller_manager(at: Layout) -> list[str]:
    """All controllers, each with its own service account."""
    return [
        at.program("kube-controller-manager"),
        f"--kubeconfig={at.kubeconfig('system:kube-controller-manager')}",
        f"--flex-volume-plugin-dir={at.folder / 'plugins'}",  # it makes it, by default below /usr
        "--leader-elect=false",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={at.folder / 'sa.key'}",
        f"--root-ca-file={at.ca_file}",
        "--secure-port=0",
        # Rollouts of many Pods shall wait for nobody's rate limit.
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        # A machine that was busy for a minute is no reason to evict every Pod.
        "--node-monitor-grace-period=10m",
    ]


def kube_scheduler(at: Layout) -> list[str]:
    """The default scheduler."""
    return [
        at.program("kube-scheduler"),
        f"--kubeconfig={at.kubeconfig('system:kube-scheduler')}",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]


def kwok(at: Layout) -> list[str]:
    """KWOK with the stages of this folder, for every node."""
    return [
        at.program("kwok"),
        f"--kubeconfig={at.kubeconfig('kwok')}",
        "--manage-all-nodes",
        f"--server-address=127.0.0.1:{at.kwok_port}",
        f"--config={FILES / 'stages.yaml'}",
    ]
