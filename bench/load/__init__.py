"""Stages that ask how the operator grows, and what it does under more than it should get.

``scale`` (many checks among many Secrets), ``burst`` (much at once), ``noisy`` (one team that makes
very much), ``teams`` (one ClusterTokenCheck for many), ``soak`` (hours of change). Each is an async
function of :class:`~bench.stages.run.Run` that returns a list of :class:`Point`: what was asked of
the operator, and the figures. An :class:`~bench.load.outcome.Outcome` is kept as JSON, and
:mod:`bench.load.tables` and :mod:`bench.load.curves` make the page of it.
"""

from bench.load.outcome import LoadStage, Outcome, Point
from bench.load.stages.burst import burst
from bench.load.stages.noisy import noisy
from bench.load.stages.scale import scale
from bench.load.stages.soak import soak
from bench.load.stages.teams import teams

__all__ = ["LOADS", "LoadStage", "Outcome", "Point"]

LOADS: dict[str, LoadStage] = {
    "scale": scale,
    "burst": burst,
    "noisy": noisy,
    "teams": teams,
    "soak": soak,
}
