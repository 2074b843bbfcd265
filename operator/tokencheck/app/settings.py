"""How the operator's process is set up: command line, environment, defaults."""

from dataclasses import dataclass, field

from tokencheck.model.errors import UsageError
from tokencheck.model.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of `tokencheck operator`.

    Args:
        kubeconfig: path; None means the Pod's own service account.
        listen: host and port of /metrics, /healthz and /readyz.
        own_namespace: where ConfigMaps with providers' keys and Secrets with its credentials stand.
        workers: passes that run at the same time, half of them of one namespace.
        leader_elect: whether replicas elect who writes; without, this one writes at once.
        shards: into how many parts the checks are divided, by namespace, a leader each.
        review_authors: whether rights are asked for of whom the API server stamped on a TokenCheck;
            only where a policy keeps others from writing a stamp.
        cluster_checks: whether TokenChecks are made and kept for ClusterTokenChecks.
        compare_every_s: seconds between two lists of our own kinds, which find what no watch told.
        relist_every_s: the same for Secrets and all else that informers follow.
        prove_every_s: seconds between two dry runs in a namespace that admission must refuse.
        read_rbac_every_s: seconds between two reads of all Roles and bindings, however often checks
            need them.
    """

    kubeconfig: str | None = None
    context: str | None = None
    listen_host: str = "127.0.0.1"
    listen_port: int = 8080
    scope: Scope = Scope.CLUSTER
    namespaces: tuple[str, ...] = ()
    secrets: tuple[tuple[str, str], ...] = field(default_factory=tuple)
    own_namespace: str = "tokencheck-system"
    log_level: str = "INFO"
    workers: int = 24
    leader_elect: bool = True
    shards: int = 1
    review_authors: bool = False
    cluster_checks: bool = False
    compare_every_s: float = 60.0
    relist_every_s: float = 60.0
    prove_every_s: float = 60.0
    read_rbac_every_s: float = 300.0

    def watches(self, name: str) -> bool:
        """Return whether a Secret of its own namespace is among those that it may watch."""
        match self.scope:
            case Scope.CLUSTER:
                return True
            case Scope.NAMESPACES:
                return self.own_namespace in self.namespaces
            case Scope.NAMED:  # pragma: no branch - mypy proves it the last
                return (self.own_namespace, name) in self.secrets


def parse_listen(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``.

    Raises:
        UsageError: when it is not of that form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 <= int(port) <= 65_535:
        raise UsageError(f"--listen must be HOST:PORT, such as 0.0.0.0:8080; {text!r} is not")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - an empty host means every address


def parse_names(text: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def parse_secrets(text: str) -> tuple[tuple[str, str], ...]:
    """Return (namespace, name) pairs of ``NS/NAME,NS/NAME``.

    Raises:
        UsageError: when an entry is not of that form.
    """
    pairs = []
    for entry in parse_names(text):
        namespace, slash, name = entry.partition("/")
        if not slash or not namespace or not name:
            raise UsageError(f"--secrets must be NAMESPACE/NAME,…; {entry!r} is not")
        pairs.append((namespace, name))
    return tuple(pairs)
