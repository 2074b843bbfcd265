"""What a NetworkPolicy lets out, as a network plugin reads it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

Rule = dict[str, Any]


def opens(rules: list[Rule], address: IPv4Address | IPv6Address, port: int) -> bool:
    """Whether one of the egress rules has this address in an ipBlock, on this TCP port."""
    return any(
        port in [one["port"] for one in rule["ports"] if one["protocol"] == "TCP"]
        and any(_in_block(peer["ipBlock"], address) for peer in rule.get("to", ()))
        for rule in rules
    )


def _in_block(block: Rule, address: IPv4Address | IPv6Address) -> bool:
    excepted = (ip_network(part) for part in block.get("except", ()))
    return address in ip_network(block["cidr"]) and not any(address in part for part in excepted)
