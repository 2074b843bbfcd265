"""What a pass may read, in one value."""

from dataclasses import dataclass, field

from tokencheck.gather.finds import Finds
from tokencheck.model.ports import Interest, Inventory, Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The world as a pass sees it.

    Args:
        own_namespace: where a TokenProvider's ConfigMaps stand; "" when there is none (command
            line, files).
        fingerprint_key: HMAC key of this process or installation.
        finds: what was found in values before.
    """

    inventory: Inventory
    memory: Memory
    interest: Interest
    own_namespace: str
    fingerprint_key: bytes
    finds: Finds = field(default_factory=Finds)
