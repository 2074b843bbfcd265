"""What a pass may read, in one value."""

from dataclasses import dataclass

from tokencheck.model.ports import Interest, Inventory, Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The world as a pass sees it.

    Args:
        own_namespace: where a TokenProvider's ConfigMaps stand; "" when there is none (command
            line, files).
        fingerprint_key: HMAC key of this process or installation.
    """

    inventory: Inventory
    memory: Memory
    interest: Interest
    own_namespace: str
    fingerprint_key: bytes
