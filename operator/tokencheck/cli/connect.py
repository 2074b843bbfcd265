"""Which cluster a command talks to: kubeconfig, context and namespace."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokencheck.model.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from tokencheck.clients.kube.transport import Transport

_IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The cluster that was chosen.

    Args:
        kubeconfig: None inside a Pod, whose service account is used.
        context: None means the current one.
        namespace: of the context; ``default`` when it names none.
    """

    kubeconfig: Path | None
    context: str | None
    namespace: str


def target_of(kubeconfig: str | None, context: str | None) -> Target:
    """Return the cluster that options and environment name; nothing is asked yet.

    Raises:
        UsageError: there is no kubeconfig, or it has no such context.
    """
    paths = _candidates(kubeconfig)
    if not paths:
        if os.environ.get(_IN_CLUSTER):
            return Target(kubeconfig=None, context=None, namespace=_own_namespace())
        raise UsageError(
            "No kubeconfig was found, so there is no cluster to talk to. Name one with --kubeconfig"
            " FILE or KUBECONFIG."
        )
    for path in paths:
        found = _context_in(_read(path), context)
        if found is not None:
            namespace = str(found.get("namespace") or _DEFAULT_NAMESPACE)
            return Target(kubeconfig=path, context=context, namespace=namespace)
    where = ", ".join(str(path) for path in paths)
    if context is None:
        raise UsageError(f"{where} has no usable current context. Name one with --context NAME.")
    raise UsageError(f"{where} has no context {context!r}. List them: kubectl config get-contexts")


@asynccontextmanager
async def transport_to(target: Target) -> "AsyncIterator[Transport]":
    """Enter an open transport with the caller's rights.

    Raises:
        ClusterError: whatever failed inside; when the server accepts no credentials, only that.
    """
    from tokencheck.clients.kube.guard import COMMAND_WRITES
    from tokencheck.clients.kube.reach import unaccepted
    from tokencheck.clients.kube.transport import Transport

    transport = await Transport.connect(
        kubeconfig=target.kubeconfig, context=target.context, writes=COMMAND_WRITES
    )
    try:
        yield transport
    except ClusterError as error:
        raise unaccepted(transport) or error from None
    finally:
        await transport.close()


def _candidates(kubeconfig: str | None) -> list[Path]:
    """Return the named file as it is, and of those in the environment the ones that exist."""
    if kubeconfig is not None:
        path = Path(kubeconfig).expanduser()
        if not path.is_file():
            raise UsageError(f"There is no kubeconfig at {path}. Name another with --kubeconfig.")
        return [path]
    if named := os.environ.get("KUBECONFIG"):
        paths = [Path(part).expanduser() for part in named.split(os.pathsep) if part]
        existing = [path for path in paths if path.is_file()]
        if not existing:
            raise UsageError(f"There is no file at {named}, which KUBECONFIG names.")
        return existing
    home = Path.home() / ".kube" / "config"
    return [home] if home.is_file() else []


def _read(path: Path) -> Mapping[str, Any]:
    """Return the content of a kubeconfig; nothing of it is ever shown."""
    import yaml

    try:
        loaded = yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    except (OSError, yaml.YAMLError, ValueError):
        raise UsageError(f"The kubeconfig {path} cannot be read as YAML.") from None
    return loaded if isinstance(loaded, dict) else {}


def _context_in(config: Mapping[str, Any], context: str | None) -> Mapping[str, Any] | None:
    """Return the named context, or the current one; None when the file has no such context."""
    wanted = context or config.get("current-context")
    for entry in config.get("contexts") or ():
        if isinstance(entry, dict) and entry.get("name") == wanted:
            found = entry.get("context")
            return found if isinstance(found, dict) else {}
    return None


def _own_namespace() -> str:
    try:
        return _POD_NAMESPACE.read_text().strip() or _DEFAULT_NAMESPACE
    except OSError:
        return _DEFAULT_NAMESPACE
