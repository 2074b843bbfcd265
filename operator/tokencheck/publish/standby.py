"""What a process would have written if it led: judged and held back, due when it takes over.

The leader judges the same and writes it; its status comes by our watch and settles what we hold
back, without another look at any Secret. What is left when we take over is what the leader did not
get to.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from tokencheck.api.quantity import seen_by
from tokencheck.model.keys import Key
from tokencheck.model.ports import Memory

# When each process saw what both judged: of two that agree these may differ.
_TIMES = frozenset({"lastTransitionTime", "changedTime", "since", "seenTime"})

Patches = tuple[Mapping[str, Any], ...]


class Standby:
    """The checks that are not known to stand as we would have them; of one event loop."""

    def __init__(self, memory: Memory) -> None:
        """Hold nothing back; `memory` learns when the leader saw values change."""
        self._memory = memory
        self._held: dict[Key, Patches] = {}  # empty: a status came that we did not expect

    def __len__(self) -> int:
        """Return how many checks are held back."""
        return len(self._held)

    def judged(self, key: Key, patches: Patches, status: Mapping[str, Any] | None) -> None:
        """Take the end of a pass.

        Args:
            patches: the merge patches of the status that were held back, in their order.
            status: as it stands now; None when the object is gone.
        """
        self._held.pop(key, None)
        if patches and status is not None and not self._settled(key, patches, status):
            self._held[key] = patches

    def told(self, key: Key, status: Mapping[str, Any]) -> None:
        """Take a status that another process wrote."""
        patches = self._held.get(key, ())
        if patches and self._settled(key, patches, status):
            del self._held[key]
        else:
            self._held[key] = patches

    def take(self, ours: Callable[[Key], bool]) -> list[Key]:
        """Return, and hold no more, what was held back of the objects that are ours now."""
        due = [key for key in self._held if ours(key)]
        for key in due:
            del self._held[key]
        return due

    def _settled(self, key: Key, patches: Patches, status: Mapping[str, Any]) -> bool:
        wanted: object = status
        for patch in patches:
            wanted = merged(wanted, patch)
        if without_times(wanted) != without_times(status):
            return False
        self._learn(key, status.get("tokens") or ())
        return True

    def _learn(self, key: Key, tokens: Iterable[Mapping[str, Any]]) -> None:
        """Adopt when the leader saw each value change: it is what stands written."""
        for token in tokens:
            known = self._memory.recall(key, token["name"])
            changed_at = seen_by(token.get("changedTime"))
            if known is not None and changed_at is not None:
                learnt = replace(known, changed_at=changed_at, witnessed=True)
                self._memory.remember(key, token["name"], learnt)


def merged(value: object, patch: object) -> object:
    """Return `value` with a JSON merge patch applied. Source: RFC 7386 section 2."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(value) if isinstance(value, Mapping) else {}
    for name, part in patch.items():
        if part is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), part)
    return result


def without_times(value: object) -> object:
    """Return a status without the times that are each process's own."""
    if isinstance(value, Mapping):
        return {name: without_times(v) for name, v in value.items() if name not in _TIMES}
    if isinstance(value, list | tuple):
        return [without_times(v) for v in value]
    return value
