"""What a replica knows of one Lease for which it stands."""

import asyncio
from dataclasses import dataclass, field

from tokencheck.engine.claim import Sighting
from tokencheck.model.lease import Lease


@dataclass(slots=True)
class Candidacy:
    """What we know of one Lease, and what became of our last request about it.

    Args:
        sighting: what was last seen; None before the first time.
        unsure: whether it must be read before anything is decided.
        asked_at: monotonic seconds when the renewal that we live on was asked for; None when the
            Lease is not ours.
        trouble: why our last request failed, in words; "" when it did not.
        leads: whether we led when it was last told.
    """

    shard: int
    name: str
    sighting: Sighting | None = None
    unsure: bool = True
    asked_at: float | None = None
    trouble: str = ""
    leads: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def lease(self) -> Lease | None:
        """Return the Lease as last seen."""
        return self.sighting.lease if self.sighting else None

    def see(self, lease: Lease | None, now: float) -> bool:
        """Keep what was seen, and return whether it is news."""
        self.unsure = False
        if self.sighting is not None and self.sighting.lease == lease:
            return False
        vanished = lease is None and self.sighting is not None
        self.sighting = Sighting(lease=lease, since=now, vanished=vanished)
        return True
