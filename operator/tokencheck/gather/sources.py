"""What a pass may read, in one value."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tokencheck.gather.finds import Finds
from tokencheck.gather.keyring import NoKeyring
from tokencheck.gather.unasked import NoLiveness
from tokencheck.model.admission import BypassProof
from tokencheck.model.ports import (
    Extents,
    Interest,
    Inventory,
    Keyring,
    Liveness,
    Memory,
    Policies,
    Reviews,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The world as a pass sees it.

    Args:
        own_namespace: where a TokenProvider's ConfigMaps and credentials stand; "" when there is
            none (command line, files).
        watched: whether a Secret of that name there may be watched.
        fingerprint_key: HMAC key of this process or installation.
        finds: what was found in values before.
        keyring: keys that providers' servers gave; by default nobody is asked.
        liveness: what providers say of tokens; by default nobody is asked.
        reviews: rights of authors; None: nobody is asked for anybody else.
        permissions: rights of tokens' owners; None: nobody is asked for them.
        extents: where resources are; None: as if no server listed any.
        guards_bypass: whether it is proven that nobody breaks the glass in a namespace without the
            right; who knows it makes the checks there due when it changes.
        policies: what RBAC grants to whom; None: nobody reads it.
    """

    inventory: Inventory
    memory: Memory
    interest: Interest
    own_namespace: str
    fingerprint_key: bytes
    watched: Callable[[str], bool] = lambda _: False
    guards_bypass: Callable[[str], BypassProof] = lambda _: BypassProof.AWAITED
    finds: Finds = field(default_factory=Finds)
    keyring: Keyring = field(default_factory=NoKeyring)
    liveness: Liveness = field(default_factory=NoLiveness)
    reviews: Reviews | None = None
    permissions: Reviews | None = None
    extents: Extents | None = None
    policies: Policies | None = None
