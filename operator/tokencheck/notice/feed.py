"""Changes in, due keys out."""

from tokencheck.model.change import Cause, Change
from tokencheck.model.keys import Key
from tokencheck.notice.index import ReferenceIndex
from tokencheck.notice.queue import Queue

# Whoever may annotate a check may ask for a pass, which writes its status.
REQUEST_EVERY_S = 1.0


class Feed:
    """Where every watcher tells what it saw.

    Args:
        index: which checks depend on what.
        queue: takes what is due.
        own_kinds: kinds that have a pass of their own, so that a change of such an object makes
            it due itself.
    """

    def __init__(self, index: ReferenceIndex, queue: Queue, own_kinds: frozenset[str]) -> None:
        """Join index and queue."""
        self._index = index
        self._queue = queue
        self._own_kinds = own_kinds
        self._asked: dict[Key, float] = {}  # when the last pass on request is, in monotonic seconds

    def notice(self, change: Change) -> None:
        """Make due everything that `change` touches; one look-up where nobody references it.

        A deletion makes due as well: the pass finds the object gone and forgets it.
        """
        own_status = change.cause is Cause.RESYNC and change.key.kind in self._own_kinds
        if not own_status:  # what we wrote ourselves is no news to those who depend on the object
            for key in self._index.affected(change.key):
                self._add(key, change)
        if change.key.kind in self._own_kinds:
            self._add(change.key, change, self._wait(change))

    def _add(self, key: Key, change: Change, wait: float = 0.0) -> None:
        self._queue.add(key, change.cause, change.seen_at, wait)

    def _wait(self, change: Change) -> float:
        """Return how long a pass on request has to wait, so that there is one a second at most."""
        if change.gone:
            self._asked.pop(change.key, None)
        if change.cause is not Cause.REQUESTED:
            return 0.0
        last = self._asked.get(change.key, -REQUEST_EVERY_S)
        # A request that waits already takes this one along.
        due = last if last > change.seen_at else max(change.seen_at, last + REQUEST_EVERY_S)
        self._asked[change.key] = due
        return due - change.seen_at
