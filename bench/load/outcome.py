"""What a load stage found out, to be read again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.stages.run import Run
from bench.summary import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One load, and what it came to.

    Attributes:
        title: of its column.
        group: heading of the table that it stands in, "" for one table.
        sizes: the load in numbers, the axes of curves.
        figures: names end in their unit.
    """

    title: str
    group: str = ""
    sizes: dict[str, float]
    figures: Figures


LoadStage = Callable[[Run], Awaitable[list[Point]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run of one stage: what, when, on what."""

    stage: str
    scale: str
    date: str
    machine: dict[str, str]
    versions: dict[str, str]
    points: list[Point]

    def groups(self) -> dict[str, list[Point]]:
        """The points by the table that they stand in."""
        found: dict[str, list[Point]] = {}
        for point in self.points:
            found.setdefault(point.group, []).append(point)
        return found

    def write(self, folder: Path) -> Path:
        """Everything is in ``STAGE.json`` of the folder, rounded nowhere."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.stage}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")
        return path


def outcome_in(path: Path) -> Outcome:
    """What :meth:`Outcome.write` kept."""
    kept = json.loads(path.read_text())
    return Outcome(**kept | {"points": [Point(**point) for point in kept["points"]]})
