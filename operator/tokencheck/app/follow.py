"""Interest in objects: a pass says on what its verdict depends; index and watches follow."""

from collections.abc import Callable, Iterable

from tokencheck.clients.kube.cache import Cache
from tokencheck.model.keys import MATCHING, Key
from tokencheck.notice.index import ReferenceIndex


class Followers:
    """Implements `model.ports.Interest` over the index (who is due) and the cache (the watches)."""

    def __init__(
        self, index: ReferenceIndex, cache: Cache, counted: Callable[[Key], None] = lambda _: None
    ) -> None:
        """Join both.

        Args:
            index: who is due.
            cache: the watches.
            counted: told of each TokenProvider that another number of checks follows now.
        """
        self._index = index
        self._cache = cache
        self._counted = counted

    def follow(self, key: Key, references: frozenset[Key]) -> None:
        """Replace what makes `key` due; the index first, so that no change is lost between."""
        self._tell(self._index.references(key) ^ references)
        self._index.replace(key, references)
        self._cache.follow(key, references)

    def also(self, key: Key, references: frozenset[Key]) -> None:
        """Add to what makes `key` due."""
        self.follow(key, self._index.references(key) | references)

    def leave(self, key: Key, references: frozenset[Key]) -> None:
        """Take away from what makes `key` due."""
        self.follow(key, self._index.references(key) - references)

    def unfollow(self, key: Key) -> None:
        """Make `key` due by nothing any more."""
        self._tell(self._index.references(key))
        self._index.forget(key)
        self._cache.unfollow(key)

    def _tell(self, changed: Iterable[Key]) -> None:
        for one in changed:
            if one.kind == MATCHING.kind and one != MATCHING:
                self._counted(one)

    def is_fresh(self, key: Key) -> bool:
        """Return whether live watches see all that `key` depends on."""
        return self._cache.is_fresh(key)

    def followers(self, key: Key) -> int:
        """Return how many checks are made due by this object."""
        return len(self._index.affected(key))
