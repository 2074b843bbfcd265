"""A shop on a control plane that a test keeps for itself."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.shop import Shop
from cluster.statuses import Statuses
from controlplane import ControlPlane


@contextmanager
def store_on(plane: ControlPlane) -> Iterator[Shop]:
    """In a namespace of its own; every status that is written meanwhile keeps the rules."""
    api, meta = plane.api(), {"name": f"store-{secrets.token_hex(3)}"}
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    statuses = Statuses(api)
    shop = Shop(api, meta["name"], statuses)
    yield shop
    faults = statuses.end()
    assert not faults, "\n".join(faults)
    shop.close()
