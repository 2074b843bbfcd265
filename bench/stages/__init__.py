"""The stages: each seeds one cluster and measures every contender on it.

A stage is an async function of :class:`~bench.stages.run.Run` that returns the figures of each
contender; names end in their unit.
"""

from bench.stages.audit import audit
from bench.stages.cold import cold
from bench.stages.expiry import expiry
from bench.stages.latency import latency
from bench.stages.memory import memory
from bench.stages.run import Run, Stage

__all__ = ["STAGES", "Run", "Stage"]

STAGES: dict[str, Stage] = {
    "latency": latency,
    "expiry": expiry,
    "memory": memory,
    "audit": audit,
    "cold": cold,
}
