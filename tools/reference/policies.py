"""The chart's copies of the policies that are the same in every installation."""

from __future__ import annotations

from pathlib import Path

import yaml

from tokencheck.core.rights.bypass_policy import bypass_policy
from tokencheck.core.rights.guards import cluster_policy, guard_binding, provider_policy
from tokencheck.core.rights.policy import requester_binding, requester_policy
from tokencheck.model.admission import Guard

_FOLDER = Path("charts/tokencheck/files/policies")
_SOURCES = "operator/tokencheck/core/rights"
_WIDTH = 10_000  # an expression is a line


def render_policies() -> dict[Path, str]:
    """Each policy with its binding as YAML, by its path."""
    provider = provider_policy(), guard_binding(Guard.PROVIDER)
    bypass = bypass_policy(), guard_binding(Guard.BYPASS)
    cluster = cluster_policy(), guard_binding(Guard.CLUSTER)
    return {
        _FOLDER / "requester.yaml": _rendered("policy", requester_policy(), requester_binding()),
        _FOLDER / "bypass.yaml": _rendered("bypass_policy", *bypass),
        _FOLDER / "provider.yaml": _rendered("guards", *provider),
        _FOLDER / "cluster.yaml": _rendered("guards", *cluster),
    }


def _rendered(module: str, *manifests: object) -> str:
    head = f"# Written by `make docs` from {_SOURCES}/{module}.py.\n"
    return head + yaml.safe_dump_all(manifests, sort_keys=False, width=_WIDTH)
