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
    """p50, p90, p99 and max, as ``NAME_p99_UNIT``, each value times ``factor``; {} of no values."""
    if not values:
        return {}
    return {
        f"{name}_{label}_{unit}": percentile(values, share) * factor
        for label, share in _PERCENTILES.items()
    }


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """How much the second grows for each unit of the first, by least squares; 0 of one sample."""
    mean_x = sum(x for x, _ in samples) / len(samples)
    mean_y = sum(y for _, y in samples) / len(samples)
    width = sum((x - mean_x) ** 2 for x, _ in samples)
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / width if width else 0.0
