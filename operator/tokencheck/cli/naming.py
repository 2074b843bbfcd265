"""What a command is about: a TokenCheck by name, or a workload as `deploy/NAME`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tokencheck.clients.kube.resources import is_name
from tokencheck.model.errors import UsageError

CHECK_KIND = "TokenCheck"
# As kubectl shortens them; the kind itself and its plural are known besides.
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "deploy": "Deployment",
        "deployment": "Deployment",
        "sts": "StatefulSet",
        "statefulset": "StatefulSet",
        "ds": "DaemonSet",
        "daemonset": "DaemonSet",
        "rs": "ReplicaSet",
        "replicaset": "ReplicaSet",
        "job": "Job",
        "cj": "CronJob",
        "cronjob": "CronJob",
        "po": "Pod",
        "pod": "Pod",
        "rollout": "Rollout",
        "tchk": CHECK_KIND,
        "tokencheck": CHECK_KIND,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An object in the command's namespace; kind `TokenCheck` or that of a workload."""

    kind: str
    name: str

    def __str__(self) -> str:
        """Return ``Deployment/checkout``."""
        return f"{self.kind}/{self.name}"


def named(text: str) -> Named:
    """Return what `text` names: ``checkout`` is a TokenCheck, ``deploy/checkout`` a workload.

    Raises:
        UsageError: the kind is not known, or nothing can be called so.
    """
    kind, slash, name = text.rpartition("/")
    if not is_name(name):
        raise UsageError("No object can have this name. Write NAME, or KIND/NAME as kubectl does.")
    if "/" in kind:
        raise UsageError(f"{text!r} names no object. Write NAME, or KIND/NAME as kubectl does.")
    if not slash:
        return Named(kind=CHECK_KIND, name=name)
    lowered = kind.lower()
    # Kinds that nobody knows here are taken as they are written: the TokenCheck names them so too.
    found = _KINDS.get(lowered) or _KINDS.get(lowered.removesuffix("s"))
    return Named(kind=found or kind, name=name)
