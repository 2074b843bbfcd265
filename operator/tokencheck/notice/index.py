"""Which objects depend on which: the way from a changed Secret to the checks that it touches."""

from tokencheck.model.keys import Key

_NOTHING: frozenset[Key] = frozenset()


class ReferenceIndex:
    """References of each check, readable in both directions.

    What is referenced need not exist: a Secret that is absent is an entry like any other, so that
        its
    creation finds the checks that wait for it.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._by_check: dict[Key, frozenset[Key]] = {}
        self._by_reference: dict[Key, set[Key]] = {}

    def replace(self, check: Key, references: frozenset[Key]) -> None:
        """Make `references` all that `check` depends on; cost grows with the difference only."""
        before = self._by_check.get(check, _NOTHING)
        for gone in before - references:
            dependants = self._by_reference[gone]
            dependants.discard(check)
            if not dependants:
                del self._by_reference[gone]
        for new in references - before:
            self._by_reference.setdefault(new, set()).add(check)
        if references:
            self._by_check[check] = references
        else:
            self._by_check.pop(check, None)

    def affected(self, key: Key) -> frozenset[Key]:
        """Return the checks that depend on `key`; cost grows with their number only."""
        return frozenset(self._by_reference.get(key, _NOTHING))

    def references(self, check: Key) -> frozenset[Key]:
        """Return all that `check` depends on."""
        return self._by_check.get(check, _NOTHING)

    def forget(self, check: Key) -> None:
        """Keep nothing of `check`."""
        self.replace(check, _NOTHING)

    def __len__(self) -> int:
        """Return how many different objects are referenced."""
        return len(self._by_reference)
