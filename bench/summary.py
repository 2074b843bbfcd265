"""Percentiles of measured times."""

from __future__ import annotations

import math
from collections.abc import Sequence

Figures = dict[str, float]
_PERCENTILES = {"p50": 0.50, "p90": 0.90, "p99": 0.99, "max": 1.0}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def spread(name: str, values: Sequence[float], unit: str, factor: float) -> Figures:
    """p50, p90, p99 and max, as ``NAME_p99_UNIT``, each value times ``factor``."""
    return {
        f"{name}_{label}_{unit}": percentile(values, share) * factor
        for label, share in _PERCENTILES.items()
    }
