"""The public addresses of the world, as ipBlocks of a NetworkPolicy."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from tokencheck.core.hosts.egress import Network, parts_within

_IPV4, _IPV6 = IPv4Network("0.0.0.0/0"), IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")  # how a cluster without IPv4 reaches it


def public_blocks(closed: Sequence[Network]) -> list[dict[str, Any]]:
    """Return them without what is in the `closed` networks, which no name leads to by itself."""
    return [
        {"cidr": str(network), "except": [str(part) for part in parts]}
        for network, parts in _networks(closed)
    ]


def _networks(closed: Sequence[Network]) -> Iterator[tuple[Network, tuple[Network, ...]]]:
    yield _IPV4, parts_within(_IPV4, closed)
    yield _NAT64, tuple(_behind_nat64(one) for one in parts_within(_IPV4, closed))
    yield _IPV6, parts_within(_IPV6, closed)


def _behind_nat64(network: Network) -> Network:
    """Source: RFC 6052 section 2.2, the last 32 bits are the IPv4 address."""
    first = int(_NAT64.network_address) + int(network.network_address)
    return ip_network((first, _NAT64.prefixlen + network.prefixlen))
