"""What a cluster has of workloads, namespaces and TokenChecks, as ClusterTokenChecks see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from tokencheck.api.clustertokencheck import ClusterTokenCheck
from tokencheck.api.tokencheck import Spec, WorkloadRef


class Place(NamedTuple):
    """A namespace and a name in it."""

    namespace: str
    name: str


class Whose(NamedTuple):
    """A workload as a TokenCheck names it."""

    namespace: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A TokenCheck that is there.

    Args:
        maker: UID of the ClusterTokenCheck that controls it, as it says; "" without.
        ref: of whose tokens it checks.
        spec: all else that it says, with every default filled in; None without a maker.
        stamps: who asked for it, as the API server stamped it.
        verdict: Valid, Invalid or Unknown, whatever its gate makes of Ready; Unknown until its spec
            as it is now was judged.
        reason: of what is worst.
        annotated: whether it has any annotation.
        ending: whether it is being deleted, and something holds it.
    """

    uid: str
    resource_version: str
    maker: str
    ref: WorkloadRef | None = None
    spec: Spec | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    stamps: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    verdict: str = "Unknown"
    reason: str = "Pending"
    annotated: bool = False
    ending: bool = False

    @property
    def essence(self) -> tuple[object, ...]:
        """Return all that decides about it; its version moves with every write of its status."""
        whose = (self.uid, self.maker, self.ref, self.ending)
        return (*whose, self.spec, self.labels, self.stamps, self.verdict, self.reason)


# Plurals of what must be listed, or nothing is done: absence counts only where it was seen.
NEEDED = frozenset({"clustertokenchecks", "namespaces", "tokenchecks"})
Labels: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """All of it at one moment.

    Args:
        cluster_checks: by name.
        namespaces: labels of each.
        workloads: labels of each, by kind; a kind that could not be listed is not there.
        checks: all TokenChecks.
        unread: plurals of what could not be listed, and is therefore not known.
    """

    cluster_checks: Mapping[str, ClusterTokenCheck]
    namespaces: Mapping[str, Labels]
    workloads: Mapping[str, Mapping[Place, Labels]]
    checks: Mapping[Place, Standing]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """Make a TokenCheck that is not there."""

    place: Place
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """Bring a TokenCheck up to date that is not any more as its ClusterTokenCheck wants it.

    Args:
        labels, stamps: to be written, None for one to be taken away.
    """

    place: Place
    standing: Standing
    spec: Mapping[str, Any]
    labels: Mapping[str, str | None]
    stamps: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Delete a TokenCheck that nothing wants any more."""

    place: Place
    standing: Standing


Step: TypeAlias = Make | Renew | Remove


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many workloads a ClusterTokenCheck selects, and what becomes of them.

    Args:
        checked: places of the TokenChecks of it that are there and wanted.
        hand_written: workloads with a TokenCheck that no ClusterTokenCheck made.
        opted_out: by their label.
        others: of an older ClusterTokenCheck.
        taken: places where another TokenCheck stands: of another workload or maker, or ending.
    """

    selected: int = 0
    checked: tuple[Place, ...] = ()
    hand_written: int = 0
    opted_out: int = 0
    others: int = 0
    taken: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one ClusterTokenCheck wants done, in order, and how it stands."""

    steps: tuple[Step, ...] = ()
    tally: Tally = Tally()
