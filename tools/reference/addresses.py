"""The chart's copy of the addresses that the operator never dials by itself."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

import yaml

from tokencheck.clients.ranges import NEVER, PRIVATE
from tokencheck.core.hosts.egress import Network, parts_within

_HEAD = """\
# Written by `make docs` from operator/tokencheck/clients/egress/addresses.py.
# Networks with public addresses, and what in them no name of a provider leads to unless listed.
"""
_IPV4, _IPV6 = IPv4Network("0.0.0.0/0"), IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")  # how a cluster without IPv4 reaches it


def render_public() -> str:
    """Return them as ipBlocks of a NetworkPolicy."""
    closed = (*NEVER, *PRIVATE)
    excepted = {
        _IPV4: parts_within(_IPV4, closed),
        _NAT64: tuple(_behind_nat64(one) for one in parts_within(_IPV4, closed)),
        _IPV6: parts_within(_IPV6, closed),
    }
    blocks = [
        {"cidr": str(network), "except": [str(part) for part in parts]}
        for network, parts in excepted.items()
    ]
    return _HEAD + yaml.safe_dump(blocks, sort_keys=False)


def _behind_nat64(network: Network) -> Network:
    """Source: RFC 6052 section 2.2, the last 32 bits are the IPv4 address."""
    first = int(_NAT64.network_address) + int(network.network_address)
    return ip_network((first, _NAT64.prefixlen + network.prefixlen))
