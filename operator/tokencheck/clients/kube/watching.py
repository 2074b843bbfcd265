"""The words of watching: what to watch, how often, what a store is worth, why a stream ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Raw

from tokencheck.clients.kube.answers import StalledError
from tokencheck.clients.kube.decode import Place
from tokencheck.model.errors import ClusterError

R = TypeVar("R")
# Of the seconds that a watch was asked for: no server ends one before, unless it has a reason; the
# rest is for the moment that the first answer took longer than the next.
EARLY = 0.98


class State(StrEnum):
    """What the store of an informer is worth."""

    STARTING = "Starting"  # nothing known yet
    SYNCED = "Synced"  # as the server had it at `last_activity`
    DENIED = "Denied"  # no right to list or watch
    MISSING = "Missing"  # the server does not serve this resource


class Restart(StrEnum):
    """Why a stream ended; label of tokencheck_watch_restarts_total."""

    ENDED = "Ended"  # the server's own time limit, the normal case
    CUT = "Cut"
    STALLED = "Stalled"
    EXPIRED = "Expired"
    ERROR = "Error"
    REGRESSION = "Regression"
    GARBLED = "Garbled"
    DENIED = "Denied"
    MISSING = "Missing"
    UNAUTHORIZED = "Unauthorized"  # our credentials are not taken, whatever they have a right to
    THROTTLED = "Throttled"
    UNAVAILABLE = "Unavailable"


def restart_of(error: ClusterError) -> Restart:
    """Return why a stream ended by the error with which a list or a watch did."""
    if isinstance(error, StalledError):
        return Restart.STALLED
    by_status = {
        0: Restart.CUT,
        401: Restart.UNAUTHORIZED,
        403: Restart.DENIED,
        404: Restart.MISSING,
        410: Restart.EXPIRED,
        429: Restart.THROTTLED,
    }
    other = Restart.UNAVAILABLE if error.status >= 500 else Restart.ERROR
    return by_status.get(error.status, other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The times of an informer.

    Args:
        watch_s: how long the server keeps a watch open, up to a fifth less; it sends a bookmark
            just before the end.
        silent_s: how long a stream may be silent. Above `watch_s`, or quiet streams look frozen.
        compare_s: between two comparisons, for up to `compare_objects` objects; in proportion
            above.
        first_s, cap_s: the back-off. denied_cap_s: the same while denied or unauthorized, so that
            rights given back are soon seen.
        floor_s: between two streams.
        page: objects of one LIST page.
    """

    watch_s: float = 24.0
    silent_s: float = 30.0
    compare_s: float = 60.0
    compare_objects: int = 10_000
    first_s: float = 0.1
    cap_s: float = 10.0
    denied_cap_s: float = 3.0
    floor_s: float = 0.05
    page: int = 500


NORMAL = Pace()
SLOW = Pace(watch_s=110.0, silent_s=120.0, compare_s=300.0)
"""For an informer of one single object, of which there may be thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Generic[R]):
    """What an informer watches and keeps.

    Args:
        name: plural, for metrics and messages.
        path, params: of LIST and WATCH.
        metadata_only: ask for PartialObjectMetadata.
        custom: a CRD says what it is, and that may change while it is watched.
        wanted: whether an object matters; all others are dropped after their name was read.
        record: the object reduced to what is kept, or None when nothing of it is.
    """

    name: str
    path: str
    record: Callable[[Raw | bytes], R | None]
    params: Mapping[str, str] = field(default_factory=dict)
    metadata_only: bool = False
    custom: bool = False
    wanted: Callable[[Place], bool] = lambda _: True
