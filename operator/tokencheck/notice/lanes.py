"""Whose turn it is: first come first served within a namespace, namespaces in turn."""

from collections import deque

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

    def pop(self) -> Key | None:
        """Take the first key of the namespace whose turn it is, or None when nobody waits."""
        if not self._turns:
            return None
        namespace = self._turns.popleft()
        lane = self._lanes[namespace]
        key = lane.popleft()
        if lane:
            self._turns.append(namespace)
        else:
            del self._lanes[namespace]
        return key
