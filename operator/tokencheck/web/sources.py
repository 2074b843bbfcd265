"""The facts that are asked of the running process at scrape or probe."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tokencheck.model.admission import Enforcement
from tokencheck.model.rounds import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class InformerState:
    """How one watch stands.

    Args:
        resource: plural name of what is watched (``secrets``).
        synced: whether its first full picture is there.
        alive: whether the task or thread that watches still runs, connected or not.
        denied: whether the operator lacks the right to list or watch some of it.
        last_event_at: when the API server last said anything about it: a list, an event or a
            bookmark; None before the first.
        silent_s: seconds since the API server last said anything (a list, an event or a bookmark).
        restarts: watches started again, by reason; those that can happen but did not stand there
            with 0.
    """

    resource: str
    synced: bool
    alive: bool
    denied: bool
    last_event_at: datetime | None
    silent_s: float
    restarts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseState:
    """How one Lease stands, as this process sees it.

    Args:
        name: of the Lease.
        holder: identity of who holds it; "" of one that is free, or that nobody needs.
        leads: whether this process leads by it.
        age_s: seconds since it was last seen to change: its holder renews it each second or so.
        transitions: how often it went to another holder.
        trouble: why our last request about it failed; "" when it did not.
    """

    name: str
    holder: str = ""
    leads: bool = False
    age_s: float = 0.0
    transitions: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntrospectionState:
    """How one provider stands that is asked about tokens.

    Args:
        up: whether it answered when it was last asked.
        answered_at: seconds since the epoch when it last did; None before that.
    """

    name: str
    up: bool
    answered_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderState:
    """How one provider stands that is asked for its keys.

    Args:
        up: whether it answered when it was last asked; None before that.
        keys: usable ones.
        read_at: seconds since the epoch when they came; None before that.
    """

    name: str
    up: bool | None
    keys: int
    read_at: float | None


def by_resource(states: Iterable[InformerState]) -> tuple[InformerState, ...]:
    """Return one state per resource, the worst of its watches (a namespace may have its own)."""
    merged: dict[str, InformerState] = {}
    for state in states:
        other = merged.get(state.resource)
        merged[state.resource] = state if other is None else _worse(other, state)
    return tuple(merged.values())


def _worse(one: InformerState, other: InformerState) -> InformerState:
    # The one that is silent longest: a lively neighbour must not hide it.
    events = [at for at in (one.last_event_at, other.last_event_at) if at is not None]
    return InformerState(
        resource=one.resource,
        synced=one.synced and other.synced,
        alive=one.alive and other.alive,
        denied=one.denied or other.denied,
        last_event_at=min(events, default=None),
        silent_s=max(one.silent_s, other.silent_s),
        restarts={
            r: one.restarts.get(r, 0) + other.restarts.get(r, 0)
            for r in {**one.restarts, **other.restarts}
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the facts come from; each is called at scrape or probe and must answer at once.

    Args:
        wall: this process's aware UTC time.
        queue_depth: keys that wait for a pass.
        queue_oldest_s: for how long the first of them has waited.
        stuck_s: for how long no pass has ended although there is work.
        loop_lag_s: worst lag of the event loop in the last half minute.
        passes_failed: passes that ended in an exception.
        api_requests: requests to the API server, by (verb, resource, HTTP status; ``0`` without
            an answer).
        api_retries: requests that were sent again, by reason.
        api_throttled_s: seconds that requests waited, by who made them wait.
        credentials: what may be wrong with those for the API server, and in words what is; "" where
            nothing is.
        events_dropped: Events that were not written, by reason.
        events_waiting: Events that are not written yet.
        kopf_restarts: how often the watch of our own kinds was started again.
        leases: the Leases that say who writes.
        providers: those that are asked for their keys.
        provider_requests: how often, by (provider, outcome).
        introspections: providers that are asked about tokens.
        introspection_requests: how often, by (provider, outcome).
        apiserver_skew_s: by how much the API server's clock is ahead of ours; 0 when they may
            agree.
        tasks: of the event loop; it stays the same at rest, and a leak shows here first.
        admission: namespaces with TokenChecks, and what a dry run there has shown.
        keepers_informers: of the part that keeps TokenChecks for ClusterTokenChecks; no verdict
            waits for them, so that they make no process unready.
        cluster_checks: how the rounds over ClusterTokenChecks go; None where they are not wanted.
    """

    wall: Callable[[], datetime]
    informers: Callable[[], Sequence[InformerState]]
    queue_depth: Callable[[], int]
    queue_oldest_s: Callable[[], float]
    stuck_s: Callable[[], float]
    loop_lag_s: Callable[[], float]
    passes_failed: Callable[[], int]
    api_requests: Callable[[], Mapping[tuple[str, str, str], int]]
    api_retries: Callable[[], Mapping[str, int]]
    api_throttled_s: Callable[[], Mapping[str, float]]
    events_dropped: Callable[[], Mapping[str, int]]
    events_waiting: Callable[[], int]
    kopf_restarts: Callable[[], int]
    leases: Callable[[], Sequence[LeaseState]]
    credentials: Callable[[], Mapping[str, str]] = dict
    providers: Callable[[], Sequence[ProviderState]] = tuple
    admission: Callable[[], Mapping[str, Enforcement]] = dict
    cluster_checks: Callable[[], Progress | None] = lambda: None
    keepers_informers: Callable[[], Sequence[InformerState]] = tuple
    provider_requests: Callable[[], Mapping[tuple[str, str], int]] = dict
    introspections: Callable[[], Sequence[IntrospectionState]] = tuple
    introspection_requests: Callable[[], Mapping[tuple[str, str], int]] = dict
    apiserver_skew_s: Callable[[], float]
    tasks: Callable[[], int] = int
