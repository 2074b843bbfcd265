"""Whose turn it is: first come first served within a namespace, namespaces in turn."""

from collections import deque
from collections.abc import Callable

from tokencheck.model.keys import Key


class Lanes:
    """Keys that are ready: a thousand of one namespace cannot hold up the first of another."""

    def __init__(self) -> None:
        """Start empty."""
        self._lanes: dict[str, deque[Key]] = {}
        self._turns: deque[str] = deque()

    def push(self, key: Key) -> None:
        """Put `key` at the end of its namespace's line."""
        lane = self._lanes.get(key.namespace)
        if lane is None:
            lane = self._lanes[key.namespace] = deque()
            self._turns.append(key.namespace)
        lane.append(key)

    def pop(self, may_go: Callable[[str], bool]) -> Key | None:
        """Take the first key of the next namespace that may go, or None when none may.

        Args:
            may_go: asked of a namespace; one that may not keeps its turn.
        """
        namespace = next(filter(may_go, self._turns), None)
        if namespace is None:
            return None
        self._turns.remove(namespace)
        lane = self._lanes[namespace]
        key = lane.popleft()
        if lane:
            self._turns.append(namespace)
        else:
            del self._lanes[namespace]
        return key
