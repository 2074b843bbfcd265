"""Which IP addresses may be dialled. Pure.

Sources: the IANA special-purpose address registries for IPv4 and IPv6, RFC 6890, and what cloud
providers serve credentials on. What is not known to be public is refused.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Refused always: no service of a provider can be there.
NEVER: tuple[tuple[str, Network], ...] = tuple(
    (kind, ip_network(network))
    for kind, networks in {
        "cloud metadata": (
            "168.63.129.16/32",  # Azure wire server
            "100.100.100.200/32",  # Alibaba Cloud
            "192.0.0.192/32",  # Oracle Cloud
            "fd00:ec2::254/128",  # AWS
            "fd20:ce::254/128",  # Google Cloud
        ),
        "link-local": ("169.254.0.0/16", "fe80::/10"),  # 169.254.169.254 is nearly everybody's
        "unspecified": ("0.0.0.0/8", "::/128"),
        "multicast": ("224.0.0.0/4", "ff00::/8"),
        "IPv6 transition": (
            "::ffff:0:0:0/96",  # SIIT, RFC 2765
            "64:ff9b:1::/48",  # local NAT64, RFC 8215: the place of the IPv4 address is not known
            "2001::/32",  # Teredo
            "2002::/16",  # 6to4
            "192.88.99.0/24",
        ),
        "reserved": (
            "240.0.0.0/4",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "2001::/23",
            "2001:db8::/32",
            "3fff::/20",
            "fec0::/10",
        ),
    }.items()
    for network in networks
)
# Refused unless the provider's network.cidrs lists them.
PRIVATE: tuple[tuple[str, Network], ...] = tuple(
    (kind, ip_network(network))
    for kind, networks in {
        "loopback": ("127.0.0.0/8", "::1/128"),
        "private": (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",  # carrier-grade NAT, Pods of some clouds
            "198.18.0.0/15",  # benchmarks, and the inside of some VPNs
            "fc00::/7",
        ),
    }.items()
    for network in networks
)
_PUBLIC_IPV6 = IPv6Network("2000::/3")  # all that was ever given to anybody
_COMPATIBLE = IPv6Network("::/96")  # deprecated IPv4-compatible addresses, RFC 4291 section 2.5.5.1
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: how an IPv6-only cluster reaches IPv4


def checked_address(text: str, listed: Sequence[Network]) -> Address | str:
    """Return the address to dial, or the kind of address for which it is refused.

    An address that carries another one is judged, and dialled, as that one where the kernel would
    reach it (IPv4-mapped), judged as that one where a gateway would (NAT64), and refused elsewhere.

    Args:
        text: as the resolver gave it.
        listed: networks of the provider's network.cidrs.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return "not an address"
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return "scoped"
        address = address.ipv4_mapped or address
    refused = _kind_of(address, listed)
    if refused is None and isinstance(address, IPv6Address) and address in _NAT64:
        refused = _kind_of(IPv4Address(int(address) & 0xFFFF_FFFF), listed)
    return address if refused is None else refused


def _kind_of(address: Address, listed: Sequence[Network]) -> str | None:
    for kind, network in NEVER:
        if address in network:
            return kind
    for kind, network in PRIVATE:
        if address in network:
            return None if any(address in one for one in listed) else kind
    if isinstance(address, IPv6Address) and address not in _NAT64:
        if address in _COMPATIBLE:
            return "IPv6 transition"
        return None if address in _PUBLIC_IPV6 else "reserved"
    return None
