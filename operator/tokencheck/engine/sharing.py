"""Which shards this replica shall lead, and which it keeps warm: told by who lives and who holds.

Replicas see each other by beats in one shared Lease. A beat that does not change for the duration
of a Lease, by our own clock, is of a replica that is gone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tokencheck.engine.shares import share_out, successors

FORGET_S = 60.0  # a dead replica's entry is taken out by whoever lives


@dataclass(frozen=True, slots=True)
class _Beat:
    word: str
    since: float


class Sharing:
    """Who lives, and what follows from it for us."""

    def __init__(
        self, me: str, shards: int, monotonic: Callable[[], float], *, alive_s: float
    ) -> None:
        """See nobody but ourselves yet; a replica lives for `alive_s` after its last beat."""
        self._me = me
        self._shards = shards
        self._monotonic = monotonic
        self._alive_s = alive_s
        self._beats: dict[str, _Beat] = {}
        self._count = 0

    def see(self, beats: Mapping[str, str]) -> bool:
        """Take the beats as they stand; return whether replicas came or went."""
        now = self._monotonic()
        before = self.replicas()
        self._beats = {
            replica: self._kept(replica, word, now)
            for replica, word in beats.items()
            if replica != self._me
        }
        return self.replicas() != before

    def _kept(self, replica: str, word: str, now: float) -> _Beat:
        known = self._beats.get(replica)
        return known if known is not None and known.word == word else _Beat(word, now)

    def replicas(self) -> frozenset[str]:
        """Return the identities of all that live, ours among them."""
        oldest = self._monotonic() - self._alive_s
        return frozenset(r for r, beat in self._beats.items() if beat.since > oldest) | {self._me}

    def next_beats(self) -> dict[str, str | None]:
        """Return what to announce: our next beat, and no entry for those long gone."""
        oldest = self._monotonic() - FORGET_S
        self._count += 1
        gone = {r: None for r, beat in self._beats.items() if beat.since < oldest}
        return {**gone, self._me: str(self._count)}

    def wanted(self, held: Mapping[int, str]) -> frozenset[int]:
        """Return the shards that shall be ours, by their present holders."""
        return self._ours(share_out(self._shards, self.replicas(), held))

    def warm(self, held: Mapping[int, str]) -> frozenset[int]:
        """Return the shards that are ours to lead, now or next."""
        leaders = share_out(self._shards, self.replicas(), held)
        return self._ours(leaders) | self._ours(successors(self._shards, self.replicas(), leaders))

    def _ours(self, shares: Mapping[int, str]) -> frozenset[int]:
        return frozenset(shard for shard, replica in shares.items() if replica == self._me)
