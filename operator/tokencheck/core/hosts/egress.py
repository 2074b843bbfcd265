"""The same as destinations of a NetworkPolicy, which knows addresses and ports and no names.

A name may lead to every public address, and to the private networks that its provider lists: so its
port is opened towards these. An address that is written as such is opened alone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)
from typing import Any, TypeAlias

from tokencheck.core.hosts.dialled import Dialled

Network: TypeAlias = IPv4Network | IPv6Network
Admits: TypeAlias = Callable[[str, Sequence[Network]], bool]
"""(address, listed networks) -> whether the operator dials it at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A network that is open on some ports.

    Args:
        besides: the parts of it that stay closed.
    """

    network: Network
    ports: tuple[int, ...]
    besides: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """What has to be open for the servers of all providers.

    Args:
        ports: towards public addresses.
    """

    ports: tuple[int, ...]
    openings: tuple[Opening, ...]


def egress_of(every: Iterable[Dialled], never: Sequence[Network], admits: Admits) -> Egress:
    """Return what has to be open, and of listed networks nothing that is never dialled.

    Args:
        never: networks that the operator never dials, listed or not.
    """
    public: set[int] = set()
    open_to: dict[Network, set[int]] = {}
    for one in every:
        listed = listed_of(one)
        for place in (server.place for server in one.servers):
            written = written_of(place.host)
            if written is None:
                public.add(place.port)
            for network in listed if written is None else (written,):
                if written is None or admits(place.host, listed):
                    open_to.setdefault(network, set()).add(place.port)
    return Egress(ports=tuple(sorted(public)), openings=tuple(_openings(open_to, never)))


def values_of(egress: Egress) -> dict[str, Any]:
    """Return the values of the chart that open this and nothing else for providers."""
    cidrs = [
        {"cidr": str(one.network), "ports": list(one.ports)}
        | ({"except": [str(part) for part in one.besides]} if one.besides else {})
        for one in egress.openings
    ]
    egress_values = {"ports": list(egress.ports), "cidrs": cidrs}
    return {"networkPolicy": {"enabled": True, "egress": egress_values}}


def parts_within(network: Network, parts: Iterable[Network]) -> tuple[Network, ...]:
    """Return those of `parts` that are inside of `network`, each address once, sorted."""
    inside = [one for one in parts if _within(one, network)]
    return tuple(collapse_addresses(inside))  # type: ignore[type-var]  # all of one version


def listed_of(one: Dialled) -> tuple[Network, ...]:
    """Return the private networks that the names of its servers may lead to."""
    return tuple(ip_network(text) for text in one.cidrs)


def written_of(host: str) -> Network | None:
    """Return the only address of a host that is written as one; None for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped  # it is dialled as that
    return ip_network(address)


def _openings(open_to: dict[Network, set[int]], never: Sequence[Network]) -> Iterator[Opening]:
    for network in sorted(open_to, key=_order):
        if any(_within(network, closed) for closed in never):
            continue
        yield Opening(
            network=network,
            ports=tuple(sorted(open_to[network])),
            besides=parts_within(network, never),
        )


def _within(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.subnet_of(other)


def _order(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen
