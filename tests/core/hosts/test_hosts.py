"""Whom TokenProviders have the operator dial, and what that needs of a network."""

from __future__ import annotations

import ast
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from networks import opens
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.clients.egress.addresses import checked_address
from tokencheck.clients.ranges import NEVER, may_be_dialled
from tokencheck.core.hosts.dialled import Dialled, dialled, told_place
from tokencheck.core.hosts.egress import egress_of, values_of

CASES = yaml.safe_load((Path(__file__).parent / "hosts.yaml").read_text())
PORT = 8443


def provider(spec: dict[str, Any], number: int = 0) -> TokenProvider:
    allowed = {"allowedNamespaces": {"all": True}}
    return parse_tokenprovider({"metadata": {"name": f"p{number}"}, "spec": allowed | spec})


def found_in(specs: list[dict[str, Any]]) -> list[Dialled]:
    every = (dialled(provider(spec, number)) for number, spec in enumerate(specs))
    return [one for one in every if one is not None]


@pytest.mark.parametrize("case", CASES)
def test_whom_the_operator_may_dial(case: str) -> None:
    found = found_in(CASES[case]["providers"])
    servers = [server for one in found for server in one.servers]
    assert [told_place(server.place) for server in servers] == CASES[case]["hosts"]
    about = [" ".join(server.about) for server in servers]
    assert about == CASES[case].get("about", ["keys"] * len(servers))


@pytest.mark.parametrize("case", CASES)
def test_what_a_network_policy_has_to_open(case: str) -> None:
    found = found_in(CASES[case]["providers"])
    values = values_of(egress_of(found, NEVER, may_be_dialled))
    egress = {"ports": CASES[case]["ports"], "cidrs": CASES[case]["cidrs"]}
    assert values == {"networkPolicy": {"enabled": True, "egress": egress}}


def test_the_order_of_providers_changes_nothing() -> None:
    specs = [spec for case in CASES.values() for spec in case["providers"]]
    forth, back = found_in(specs), found_in(specs)[::-1]
    assert egress_of(forth, NEVER, may_be_dialled) == egress_of(back, NEVER, may_be_dialled)


def test_whoever_asks_a_server_of_a_provider_is_known_here(checkout: Path) -> None:
    """A new one is to be listed too: `core.hosts.dialled`, and a case in hosts.yaml."""
    package = checkout / "operator" / "tokencheck"
    asking = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Destination"
    }
    assert asking == {"gather/ask_keys.py", "gather/ask_token.py"}


def networks(version: int) -> st.SearchStrategy[str]:
    bits = 32 if version == 4 else 128
    return st.builds(
        lambda address, prefix: str(ip_network((int(address), prefix), strict=False)),
        st.ip_addresses(v=version),
        st.integers(0, bits),
    ).filter(lambda text: ip_network(text).version == version)


NETWORKS = st.one_of(
    networks(4), networks(6), st.sampled_from([str(one) for one in NEVER]), st.just("0.0.0.0/0")
)
ADDRESSES = st.one_of(
    st.ip_addresses(v=4),
    st.ip_addresses(v=6),
    st.sampled_from([ip_address("169.254.169.254"), ip_address("100.100.100.200")]),
    st.sampled_from(NEVER).flatmap(lambda one: st.ip_addresses(network=one)),
    st.sampled_from(["10.0.0.0/8", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7"]).flatmap(
        lambda text: st.ip_addresses(network=text)
    ),
)


@given(st.lists(NETWORKS, max_size=4), ADDRESSES)
def test_of_listed_networks_all_that_is_dialled_is_open_and_nothing_that_never_is(
    cidrs: list[str], address: IPv4Address | IPv6Address
) -> None:
    keys = {"type": "URL", "url": f"https://keys.auth.svc:{PORT}/jwks"}
    found = found_in([{"jwt": {"keys": keys}, "network": {"cidrs": cidrs}}])
    rules = [
        {
            "ports": [{"port": port, "protocol": "TCP"} for port in one["ports"]],
            "to": [{"ipBlock": {key: one[key] for key in ("cidr", "except") if key in one}}],
        }
        for one in values_of(egress_of(found, NEVER, may_be_dialled))["networkPolicy"]["egress"][
            "cidrs"
        ]
    ]
    listed = [ip_network(text) for text in cidrs]
    if any(address in one for one in NEVER):
        assert not opens(rules, address, PORT)
    elif any(address in one for one in listed):
        mapped = isinstance(address, IPv6Address) and address.ipv4_mapped
        refused = isinstance(checked_address(str(address), listed), str)
        assert opens(rules, address, PORT) or refused or mapped
    else:
        assert not opens(rules, address, PORT)
