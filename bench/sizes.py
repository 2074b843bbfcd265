"""How much the load stages ask of the operator."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes of all load stages; those with several values are measured for each.

    Attributes:
        checks: TokenChecks; of ``noisy`` the largest, of ``soak`` the smallest.
        secrets: other Secrets of 1.5 KB.
        helm_releases: of 1 MB each, among them.
        workloads: Deployments, each with a ReplicaSet, that checks of ``scale`` name, and those
            that get their checks in ``teams``.
        pods: Pods of these.
        changes_per_s, changes_s: Secret changes of ``scale``, ``noisy`` and ``teams``.
        ends_per_s, ends_s: tokens that end spread out; ``ends_at_once`` in one second.
        rotated, rotated_s: Secrets of ``burst``, and in how many seconds they change.
        shared: checks that name one Secret.
        victims: checks of other namespaces in ``noisy`` and ``teams``.
        teams: namespaces that one ClusterTokenCheck selects.
        duration_s: of ``soak``; ``sample_s`` between two looks.
    """

    checks: tuple[int, ...]
    secrets: tuple[int, ...]
    helm_releases: int
    workloads: int
    pods: int
    settle_s: float
    idle_s: int
    changes_per_s: int
    changes_s: int
    ends_per_s: int
    ends_s: int
    ends_at_once: int
    rotated: int
    rotated_s: int
    shared: int
    victims: int
    teams: int
    duration_s: int
    sample_s: float

    def chosen(self, **given: object) -> Sizes:
        """With what the command line says; None changes nothing."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})


FULL_LOAD = Sizes(
    checks=(1_000, 10_000, 50_000),
    secrets=(20_000, 50_000, 100_000),
    helm_releases=50,
    workloads=5_000,
    pods=20_000,
    settle_s=10.0,
    idle_s=60,
    changes_per_s=40,
    changes_s=30,
    ends_per_s=20,
    ends_s=30,
    ends_at_once=2_000,
    rotated=10_000,
    rotated_s=10,
    shared=5_000,
    victims=100,
    teams=40,
    duration_s=3600,
    sample_s=10.0,
)

SMALL_LOAD = Sizes(
    checks=(50, 150),
    secrets=(200, 600),
    helm_releases=2,
    workloads=120,
    pods=40,
    settle_s=2.0,
    idle_s=5,
    changes_per_s=10,
    changes_s=4,
    ends_per_s=5,
    ends_s=4,
    ends_at_once=20,
    rotated=100,
    rotated_s=5,
    shared=50,
    victims=10,
    teams=4,
    duration_s=60,
    sample_s=2.0,
)
LOAD_SIZES = {"full": FULL_LOAD, "small": SMALL_LOAD}
