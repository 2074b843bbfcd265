"""The networks of the egress guard, for who writes them down elsewhere: NetworkPolicies.

The guard itself asks `egress.addresses`; nothing is decided here.
"""

from collections.abc import Iterable, Sequence

from tokencheck.clients.egress import addresses
from tokencheck.clients.egress.addresses import Network, checked_address


def _networks(table: Iterable[tuple[str, Network]]) -> tuple[Network, ...]:
    return tuple(network for _, network in table)


NEVER: tuple[Network, ...] = _networks(addresses.NEVER)
"""Never dialled, whatever a provider lists."""

PRIVATE: tuple[Network, ...] = _networks(addresses.PRIVATE)
"""Dialled only where a provider lists them."""


def may_be_dialled(address: str, listed: Sequence[Network]) -> bool:
    """Return whether the guard lets a connection to this address through."""
    return not isinstance(checked_address(address, listed), str)
