"""For what runs once and ends: nothing is remembered, nothing is followed."""

from collections.abc import Collection

from tokencheck.gather.sources import Sources
from tokencheck.gather.unasked import NoLiveness
from tokencheck.model.keys import Key
from tokencheck.model.ports import Inventory, Liveness, Remembered

OWN_NAMESPACE = "tokencheck-system"


class NoMemory:
    """Implements `model.ports.Memory` by forgetting everything at once."""

    def recall(self, key: Key, token: str) -> Remembered | None:  # noqa: ARG002 - the port's signature
        """Return None."""
        return None

    def remember(self, key: Key, token: str, remembered: Remembered) -> None:
        """Keep nothing."""

    def retain(self, key: Key, names: Collection[str]) -> None:
        """Change nothing."""

    def forget(self, key: Key) -> None:
        """Change nothing."""


class NoInterest:
    """Implements `model.ports.Interest`: no change is waited for."""

    def follow(self, key: Key, references: frozenset[Key]) -> None:
        """Change nothing."""

    def also(self, key: Key, references: frozenset[Key]) -> None:
        """Change nothing."""

    def leave(self, key: Key, references: frozenset[Key]) -> None:
        """Change nothing."""

    def unfollow(self, key: Key) -> None:
        """Change nothing."""

    def is_fresh(self, key: Key) -> bool:  # noqa: ARG002 - the port's signature
        """Return False: nothing is followed."""
        return False

    def followers(self, key: Key) -> int:  # noqa: ARG002 - the port's signature
        """Return 0."""
        return 0


def sources_once(
    inventory: Inventory,
    fingerprint_key: bytes,
    own_namespace: str = OWN_NAMESPACE,
    *,
    liveness: Liveness | None = None,
) -> Sources:
    """Return the sources of a command.

    Args:
        inventory: what it reads.
        fingerprint_key: any random bytes; they end with the process.
        own_namespace: where the operator's ConfigMaps with keys stand.
        liveness: what providers say of tokens; None: nobody is asked.
    """
    return Sources(
        inventory=inventory,
        memory=NoMemory(),
        interest=NoInterest(),
        own_namespace=own_namespace,
        fingerprint_key=fingerprint_key,
        liveness=liveness or NoLiveness(),
    )
