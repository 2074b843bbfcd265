"""What this process remembers between passes.

One small record a token, forgotten with its check.
"""

from collections.abc import Collection

from tokencheck.model.keys import Key
from tokencheck.model.ports import Remembered


class Recollection:
    """Implements `model.ports.Memory` in the process; used from one event loop."""

    def __init__(self) -> None:
        """Start empty."""
        self._tokens: dict[Key, dict[str, Remembered]] = {}

    def recall(self, key: Key, token: str) -> Remembered | None:
        """Return what is remembered of the token, or None."""
        return self._tokens.get(key, {}).get(token)

    def remember(self, key: Key, token: str, remembered: Remembered) -> None:
        """Replace what is remembered of the token."""
        self._tokens.setdefault(key, {})[token] = remembered

    def retain(self, key: Key, names: Collection[str]) -> None:
        """Forget the tokens of the check that are not among `names`."""
        tokens = self._tokens.get(key, {})
        for gone in tokens.keys() - set(names):
            del tokens[gone]

    def forget(self, key: Key) -> None:
        """Forget all tokens of the check."""
        self._tokens.pop(key, None)
