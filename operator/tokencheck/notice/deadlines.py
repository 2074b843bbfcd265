"""One deadline per key on a heap."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from tokencheck.model.keys import Key

_SLACK = 64  # stale entries that are cheaper to keep than to sweep


class Deadlines:
    """Moments at which keys fall due, on whatever scale of seconds the caller keeps to.

    A replaced or cancelled moment stays on the heap until it surfaces (lazy deletion); when most
    of the heap is stale it is rebuilt, so that its size stays within twice the number of keys.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._heap: list[tuple[float, int, Key]] = []
        self._current: dict[Key, tuple[float, int]] = {}
        self._sequence = 0  # keys of one moment fall due in the order in which they were set

    def set(self, key: Key, moment: float) -> bool:
        """Make `moment` the deadline of `key`; return whether it is now the earliest of all."""
        self._sequence += 1
        self._current[key] = (moment, self._sequence)
        heappush(self._heap, (moment, self._sequence, key))
        if len(self._heap) > 2 * len(self._current) + _SLACK:
            self._heap = [(at, number, name) for name, (at, number) in self._current.items()]
            heapify(self._heap)
        return self._heap[0][2] == key

    def cancel(self, key: Key) -> None:
        """Leave `key` without a deadline."""
        self._current.pop(key, None)

    def earliest(self) -> float | None:
        """Return the earliest moment, or None when there is none."""
        heap = self._heap
        while heap and self._current.get(heap[0][2]) != heap[0][:2]:
            heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now: float, limit: int) -> Iterator[Key]:
        """Take at most `limit` keys whose moment has come, earliest first."""
        for _ in range(limit):
            earliest = self.earliest()
            if earliest is None or earliest > now:
                return
            key = heappop(self._heap)[2]
            del self._current[key]
            yield key

    def __len__(self) -> int:
        """Return how many keys have a deadline."""
        return len(self._current)

    @property
    def heap_size(self) -> int:
        """Return how many entries the heap holds, stale ones included."""
        return len(self._heap)
