"""Percentiles, rates and slopes of what was measured."""

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


def steepest(samples: Sequence[tuple[float, float]], *, over: float) -> float:
    """The fastest growth between two samples that are at least so far apart; 0 of too few.

    Args:
        samples: (when, total so far), in order of time.
        over: of the unit of time.
    """
    fastest, end = 0.0, 0
    for begun, first in samples:
        while end < len(samples) and samples[end][0] < begun + over:
            end += 1
        if end == len(samples):
            break
        ended, last = samples[end]
        fastest = max(fastest, (last - first) / (ended - begun))
    return fastest


def most_within(times: Sequence[float], length: float) -> int:
    """The most of these times that lie within any interval of this length."""
    ordered, first, most = sorted(times), 0, 0
    for last, at in enumerate(ordered):
        while ordered[first] <= at - length:
            first += 1
        most = max(most, last - first + 1)
    return most


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """How much the second grows for each unit of the first, by least squares; 0 of one sample."""
    mean_x = sum(x for x, _ in samples) / len(samples)
    mean_y = sum(y for _, y in samples) / len(samples)
    width = sum((x - mean_x) ** 2 for x, _ in samples)
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / width if width else 0.0
