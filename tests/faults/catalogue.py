"""All classes of faults. A new one is a line of one of these lists."""

from __future__ import annotations

from faults.fault import Fault
from faults.oncluster import cluster_faults
from faults.onoperator import operator_faults
from faults.onroad import road_faults
from faults.onservers import server_faults


def catalogue(canary: str) -> list[Fault]:
    """Every class; what a fault makes up holds the canary."""
    return [*road_faults(canary), *operator_faults(), *server_faults(), *cluster_faults()]
