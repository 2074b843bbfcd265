"""Changes in, due keys out."""

from tokencheck.model.change import Change
from tokencheck.model.keys import Key
from tokencheck.notice.index import ReferenceIndex
from tokencheck.notice.queue import Queue


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

    def notice(self, change: Change) -> None:
        """Make due everything that `change` touches; one look-up where nobody references it.

        A deletion makes due as well: the pass finds the object gone and forgets it.
        """
        for key in self._index.affected(change.key):
            self._add(key, change)
        if change.key.kind in self._own_kinds:
            self._add(change.key, change)

    def _add(self, key: Key, change: Change) -> None:
        self._queue.add(key, change.cause, change.seen_at)
