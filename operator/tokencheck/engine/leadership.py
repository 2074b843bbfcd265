"""What this process leads, asked right before each write.

Belief in a Lease ends by our own clock, whatever we do or do not do meanwhile: a process that was
frozen finds that it leads nothing the moment it wakes. The clock must count suspended time too.
"""

from collections.abc import Callable

from tokencheck.engine.shares import shard_of
from tokencheck.model.keys import Key

ALONE = float("inf")


class Leadership:
    """Which shards this process leads, and which it keeps warm to lead next."""

    def __init__(
        self, leases: tuple[str, ...], monotonic: Callable[[], float], *, until: float = -ALONE
    ) -> None:
        """Lead nothing.

        Args:
            leases: their names, one a shard.
            monotonic: seconds that only grow.
            until: `ALONE` of a process that needs no Lease: it leads all, for ever.
        """
        self.leases = leases
        self._monotonic = monotonic
        self._until = [until] * len(leases)
        self._warm = frozenset(range(len(leases)))

    def leads(self, key: Key) -> bool:
        """Return whether this process may write the status of `key` now."""
        return self.holds(self.shard_of(key))

    def holds(self, shard: int) -> bool:
        """Return whether the Lease of a shard is ours now."""
        return self._monotonic() < self._until[shard]

    def leads_any(self) -> bool:
        """Return whether any Lease is ours now: then we ask providers, for our own checks."""
        return any(self.holds(shard) for shard in range(len(self.leases)))

    def shard_of(self, key: Key) -> int:
        """Return the shard of an object: that of its namespace."""
        return shard_of(key.namespace, len(self.leases))

    def believe(self, shard: int, until: float) -> None:
        """Lead a shard until then, in monotonic seconds, unless told again."""
        self._until[shard] = until

    def stop(self, shard: int) -> None:
        """Lead a shard no more, from now on."""
        self._until[shard] = -ALONE

    # What is worth judging

    def concerns(self, key: Key) -> bool:
        """Return whether the verdict of `key` is this process's business.

        It is when we lead its shard or are the next to lead it.
        """
        shard = self.shard_of(key)
        return shard in self._warm or self.holds(shard)

    def warm(self, shards: frozenset[int]) -> frozenset[int]:
        """Keep these shards judged and ready to be led; return those for which that is new or over.

        All are, until this is called.
        """
        changed, self._warm = shards ^ self._warm, shards
        return changed
