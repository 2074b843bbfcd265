"""What RBAC grants in a cluster: rules, and who has them where.

Source: rbac.authorization.k8s.io/v1; kubernetes.io, "Using RBAC Authorization".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
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

    @property
    def words(self) -> int:
        """Return of how many words it is made: what it costs to keep it and to look at it."""
        on = len(self.groups) + len(self.resources) + len(self.names)
        return on + len(self.verbs)


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
        as_of: when it was read, where that is longer ago than was asked for; None where it is not.
    """

    bound: Mapping[Subject, tuple[Bound, ...]]
    rules: Mapping[Place, tuple[Rule, ...]]
    as_of: datetime | None = None


class Unseen(StrEnum):
    """Why it is not known what RBAC grants, or what of that is excess."""

    DENIED = "Denied"  # the operator may not list Roles and bindings
    UNANSWERED = "Unanswered"  # they could not be read, and may be at the next try
    TOO_MUCH = "TooMuch"  # the cluster has more of them than are read
    UNPLACED = "Unplaced"  # nobody says whether what the spec names is in namespaces
