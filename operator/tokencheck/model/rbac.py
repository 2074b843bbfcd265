"""What RBAC grants in a cluster: rules, and who has them where.

Source: rbac.authorization.k8s.io/v1; kubernetes.io, "Using RBAC Authorization".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Place: TypeAlias = tuple[str, str]  # namespace ("" for the whole cluster), name


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Each of the verbs on each of the resources in each of the groups.

    Args:
        groups: "" for the core group.
        resources: plurals, with the subresource if any.
        names: of the only objects that are meant; empty means all.
    """

    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Return how many rights it comes to."""
        on = len(self.groups) * len(self.resources) * max(1, len(self.names))
        return on * len(self.verbs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a binding names.

    Args:
        kind: ``User``, ``Group`` or ``ServiceAccount``.
        namespace: of a ServiceAccount, else "".
    """

    kind: str
    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Of one binding, to whom it names: which role, and where.

    Args:
        namespace: in which the rules count; "" for the whole cluster.
        role: of a ClusterRole without a namespace.
    """

    namespace: str
    role: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Rbac:
    """All Roles and bindings of a cluster, as they were read.

    Args:
        bound: subject -> its bindings.
        rules: role -> its rules about resources; those of aggregated ClusterRoles are in it, as
            the API server keeps them.
    """

    bound: Mapping[Subject, tuple[Bound, ...]]
    rules: Mapping[Place, tuple[Rule, ...]]
