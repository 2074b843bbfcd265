"""What a pass may read, in one value."""

from dataclasses import dataclass, field
from datetime import datetime

from tokencheck.api.tokencheck import Requester
from tokencheck.gather.finds import Finds
from tokencheck.gather.keyring import NoKeyring
from tokencheck.model.ports import Interest, Inventory, Keyring, Memory, Reviews
from tokencheck.model.rights import Right


class NoReviews:
    """For who reads with his own rights: nothing is asked for anybody else."""

    async def allowed(
        self, requester: Requester, right: Right, now: datetime
    ) -> tuple[bool | None, datetime]:
        """Return that it is not known."""
        del requester, right
        return None, now


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The world as a pass sees it.

    Args:
        own_namespace: where a TokenProvider's ConfigMaps stand; "" when there is none (command
            line, files).
        fingerprint_key: HMAC key of this process or installation.
        finds: what was found in values before.
        keyring: keys that providers' servers gave; by default nobody is asked.
        reviews: rights of authors; by default nobody is asked.
    """

    inventory: Inventory
    memory: Memory
    interest: Interest
    own_namespace: str
    fingerprint_key: bytes
    finds: Finds = field(default_factory=Finds)
    keyring: Keyring = field(default_factory=NoKeyring)
    reviews: Reviews = field(default_factory=NoReviews)
