"""A Lease, and where Leases stand. Source: coordination.k8s.io/v1, LeaseSpec."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One Lease as read.

    Args:
        holder: identity of who holds it; "" when it is free.
        duration_s: for how long it may not be taken after it was last renewed, as its holder says.
        renewed_at: by the holder's wall clock, for people: nothing is decided by it.
        transitions: how often it went to another holder.
        resource_version: the fence of the next write; "" of one that is to be created.
        beats: of the Lease that all replicas share: by replica, a word that changes while it lives.
    """

    name: str
    holder: str = ""
    duration_s: float = 0.0
    acquired_at: datetime | None = None
    renewed_at: datetime | None = None
    transitions: int = 0
    resource_version: str = ""
    beats: Mapping[str, str] = field(default_factory=dict)


class LeaseStore(Protocol):
    """Where Leases stand. All methods raise ClusterError: no answer came, or a refusal."""

    async def read(self, name: str) -> Lease | None:
        """Return the Lease as it is now, or None when there is none."""

    async def write(self, lease: Lease) -> Lease | None:
        """Create the Lease, or replace the version that it was read as.

        Returns:
            the Lease as it stands, or None when somebody else was first: read it again.
        """

    async def announce(self, beats: Mapping[str, str | None]) -> None:
        """Let all replicas see that one lives, by a beat that differs from the one before.

        None takes the entry of a replica away.
        """


REPLICAS = "tokencheck-replicas"
"""Name of the Lease that nobody holds and in which replicas see each other."""


def lease_names(shards: int) -> tuple[str, ...]:
    """Return the names of the Leases that are held, one a shard."""
    if shards == 1:
        return ("tokencheck",)
    return tuple(f"tokencheck-shard-{shard}" for shard in range(shards))


Observer = Callable[[str, Lease | None], None]
"""Told (name, Lease or None when it is gone) of what a watch saw."""
