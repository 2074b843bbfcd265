"""Workloads as people type them, with the apiVersion that serves them."""

from collections.abc import Mapping
from types import MappingProxyType

from tokencheck.api.tokencheck import WorkloadRef
from tokencheck.cli.naming import named
from tokencheck.clients.kube.resources import WORKLOADS
from tokencheck.model.errors import UsageError

_API_VERSIONS: Mapping[str, str] = MappingProxyType(
    {kind: resource.api_version for kind, resource in WORKLOADS.items()}
    | {"Rollout": "argoproj.io/v1alpha1"}
)


def workload_named(text: str) -> WorkloadRef:
    """Return the workload that ``KIND/NAME`` names: ``deploy/checkout``, ``sts/db``.

    Raises:
        UsageError: it is not of this form, or the kind is none that has Pods.
    """
    found = named(text)
    api_version = _API_VERSIONS.get(found.kind)
    if api_version is None:
        kinds = ", ".join(kind.lower() for kind in _API_VERSIONS)
        raise UsageError(f"{text!r} names no workload. Write KIND/NAME, with one of: {kinds}")
    return WorkloadRef(api_version=api_version, kind=found.kind, name=found.name)
