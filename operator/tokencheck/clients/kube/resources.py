"""Which resources are read, and where the API serves them: here alone names become paths."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tokencheck.model.keys import Key

GROUP_VERSION = "tokencheck.dev/v1alpha1"
# Looser than the API's own rules, and still free of everything that could leave its place in a
# path.
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.:]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind and its place in the API.

    Args:
        plural: as in paths and RBAC.
        metadata_only: watched as PartialObjectMetadata: spec, data and status never enter the
            process.
    """

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True
    metadata_only: bool = False

    def path(self, namespace: str = "", name: str = "") -> str | None:
        """Return the path of all objects, a namespace's, or one; None for an impossible name."""
        parts = [self._prefix]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        if any(not is_name(part) for part in (namespace, name) if part):
            return None
        return "/".join(parts)

    def key(self, namespace: str, name: str) -> Key:
        """Return the key of one object."""
        return Key(self.kind, namespace, name)

    @property
    def _prefix(self) -> str:
        return (
            f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        )


def is_name(text: str) -> bool:
    """Return whether an object may be called so. Source: RFC 1123; colons, as RBAC allows."""
    return _NAME.fullmatch(text) is not None and ".." not in text


SECRETS = Resource(api_version="v1", kind="Secret", plural="secrets", metadata_only=True)
CONFIG_MAPS = Resource(api_version="v1", kind="ConfigMap", plural="configmaps")
NAMESPACES = Resource(
    api_version="v1", kind="Namespace", plural="namespaces", namespaced=False, metadata_only=True
)
PODS = Resource(api_version="v1", kind="Pod", plural="pods")
REPLICA_SETS = Resource(
    api_version="apps/v1", kind="ReplicaSet", plural="replicasets", metadata_only=True
)
JOBS = Resource(api_version="batch/v1", kind="Job", plural="jobs", metadata_only=True)
CONTROLLER_REVISIONS = Resource(
    api_version="apps/v1", kind="ControllerRevision", plural="controllerrevisions"
)
TOKEN_CHECKS = Resource(api_version=GROUP_VERSION, kind="TokenCheck", plural="tokenchecks")
TOKEN_PROVIDERS = Resource(
    api_version=GROUP_VERSION, kind="TokenProvider", plural="tokenproviders", namespaced=False
)
CLUSTER_TOKEN_CHECKS = Resource(
    api_version=GROUP_VERSION,
    kind="ClusterTokenCheck",
    plural="clustertokenchecks",
    namespaced=False,
)
VALIDATING_POLICIES = Resource(
    api_version="admissionregistration.k8s.io/v1",
    kind="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies",
    namespaced=False,
)
POLICY_BINDINGS = Resource(
    api_version="admissionregistration.k8s.io/v1",
    kind="ValidatingAdmissionPolicyBinding",
    plural="validatingadmissionpolicybindings",
    namespaced=False,
)
MUTATING_POLICIES = Resource(
    api_version="admissionregistration.k8s.io/v1",
    kind="MutatingAdmissionPolicy",
    plural="mutatingadmissionpolicies",
    namespaced=False,
)
MUTATING_BINDINGS = Resource(
    api_version="admissionregistration.k8s.io/v1",
    kind="MutatingAdmissionPolicyBinding",
    plural="mutatingadmissionpolicybindings",
    namespaced=False,
)
_RBAC = "rbac.authorization.k8s.io/v1"
ROLES = Resource(api_version=_RBAC, kind="Role", plural="roles")
ROLE_BINDINGS = Resource(api_version=_RBAC, kind="RoleBinding", plural="rolebindings")
CLUSTER_ROLES = Resource(
    api_version=_RBAC, kind="ClusterRole", plural="clusterroles", namespaced=False
)
CLUSTER_ROLE_BINDINGS = Resource(
    api_version=_RBAC, kind="ClusterRoleBinding", plural="clusterrolebindings", namespaced=False
)

WORKLOADS: Mapping[str, Resource] = MappingProxyType(
    {
        kind: Resource(api_version=api_version, kind=kind, plural=plural)
        for api_version, kind, plural in (
            ("apps/v1", "Deployment", "deployments"),
            ("apps/v1", "StatefulSet", "statefulsets"),
            ("apps/v1", "DaemonSet", "daemonsets"),
            ("apps/v1", "ReplicaSet", "replicasets"),
            ("batch/v1", "Job", "jobs"),
            ("batch/v1", "CronJob", "cronjobs"),
            ("v1", "Pod", "pods"),
        )
    }
)
"""Workloads by kind, whole objects. `discovery` finds other kinds with `spec.template`."""

OWN = MappingProxyType({r.kind: r for r in (TOKEN_CHECKS, TOKEN_PROVIDERS, CLUSTER_TOKEN_CHECKS)})
"""Our own kinds."""
