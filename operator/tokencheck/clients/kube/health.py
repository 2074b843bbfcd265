"""How the watches are, for metrics and probes."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tokencheck.clients.kube.fleet import Fleet
from tokencheck.clients.kube.informer import Informer
from tokencheck.clients.kube.watching import Restart, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How the informers of one resource are, for metrics and health.

    Args:
        informers: how many run; synced: whether all of them are.
        denied: whether any may not list or watch.
        last_activity: monotonic seconds at which the one that is silent longest heard something.
        restarts: ends of streams since start.
    """

    resource: str
    informers: int
    synced: bool
    denied: bool
    last_activity: float
    restarts: Mapping[Restart, int]


def watch_of_one(informer: Informer[Any]) -> Watch:
    """Return how an informer is that belongs to no fleet."""
    return Watch(
        resource=informer.target.name,
        informers=1,
        synced=informer.state is State.SYNCED,
        denied=informer.state is State.DENIED,
        last_activity=informer.last_activity,
        restarts=MappingProxyType(dict(informer.restarts)),
    )


def watch_of(fleet: Fleet[Any]) -> Watch:
    """Return how the informers of a fleet are."""
    informers = list(fleet.informers())
    return Watch(
        resource=fleet.course.resource.plural,
        informers=len(informers),
        synced=all(i.state is State.SYNCED for i in informers),
        denied=any(i.state is State.DENIED for i in informers),
        last_activity=min((i.last_activity for i in informers), default=0.0),
        restarts=MappingProxyType(dict(fleet.restarts)),
    )
