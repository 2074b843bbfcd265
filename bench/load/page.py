"""Writes what load stages found into ``docs/``: tables, and curves beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.load.curves import AXES, draw
from bench.load.outcome import Outcome
from bench.load.tables import write_page


def write_loads(outcomes: Sequence[Outcome], docs: Path) -> None:
    """``benchmarks.md`` has the tables of these outcomes, and the curves stand beside it."""
    for outcome in outcomes:
        drawn = draw(outcome, docs) if outcome.stage == "scale" else {}
        images = [
            (f"Cost over the number of {AXES[axis]}", path.name) for axis, path in drawn.items()
        ]
        write_page(outcome, docs / "benchmarks.md", images)
