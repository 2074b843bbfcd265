"""How much is seeded and for how long: ``full`` is what targets are judged at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The size of every stage."""

    name: str
    checks: int
    other_secrets: int
    changes_per_s: int
    changes_s: int
    settle_s: float
    idle_s: int
    expiry_checks: int
    expiries_per_s: int
    expiry_s: int
    burst: int
    memory_secrets: int
    audit_secrets: int
    audit_workloads: int
    audit_pods: int
    audit_runs: int
    cold_runs: int


FULL = Scale(
    name="full",
    checks=1_000,
    other_secrets=20_000,
    changes_per_s=40,
    changes_s=30,
    settle_s=5.0,
    idle_s=20,
    expiry_checks=10_000,
    expiries_per_s=20,
    expiry_s=60,
    burst=2_000,
    memory_secrets=50_000,
    audit_secrets=10_000,
    audit_workloads=2_000,
    audit_pods=5_000,
    audit_runs=3,
    cold_runs=40,
)
SMALL = Scale(
    name="small",
    checks=100,
    other_secrets=2_000,
    changes_per_s=40,
    changes_s=6,
    settle_s=2.0,
    idle_s=5,
    expiry_checks=500,
    expiries_per_s=20,
    expiry_s=8,
    burst=200,
    memory_secrets=5_000,
    audit_secrets=1_000,
    audit_workloads=200,
    audit_pods=500,
    audit_runs=1,
    cold_runs=10,
)
SCALES = {scale.name: scale for scale in (FULL, SMALL)}
