"""The chart's NetworkPolicy: what it opens, in line with the guard that the operator dials by."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from controlplane import Api, ControlPlane
from controlplane.launch import CHART, render_chart
from networks import Rule, opens
from tokencheck.clients.egress.addresses import checked_address
from tokencheck.clients.ranges import NEVER, PRIVATE

GOLDEN = yaml.safe_load((Path(__file__).parent / "chart" / "network.yaml").read_text())
PUBLIC = yaml.safe_load((CHART / "files" / "public.yaml").read_text())
METADATA = "169.254.169.254"


def policies(**values: object) -> list[Rule]:
    return [
        one for one in render_chart({"networkPolicy": values}) if one["kind"] == "NetworkPolicy"
    ]


def policy(**values: object) -> Rule:
    (found,) = policies(enabled=True, **values)
    return found


def told(rule: Rule, peers: str) -> str:
    """A rule as a line of the golden file."""
    blocks = [peer["ipBlock"] for peer in rule.get(peers, ()) if "ipBlock" in peer]
    if blocks == PUBLIC:
        who = ["PUBLIC"]
    else:
        who = [
            " but ".join([block["cidr"], *block.get("except", ())])
            if (block := peer.get("ipBlock"))
            else " ".join(f"{key} {value}" for key, value in peer.items())
            for peer in rule.get(peers, ())
        ]
    ports = " ".join(f"{port['port']}/{port['protocol']}" for port in rule["ports"])
    return f"{', '.join(who) or 'everybody'}: {ports}"


def test_nothing_is_closed_before_it_is_asked_for() -> None:
    assert policies() == []


@pytest.mark.parametrize("case", GOLDEN)
def test_it_opens_exactly_this(case: str) -> None:
    spec = policy(**GOLDEN[case]["values"])["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert [told(rule, "from") for rule in spec["ingress"]] == GOLDEN[case]["ingress"]
    assert [told(rule, "to") for rule in spec["egress"]] == GOLDEN[case]["egress"]


def test_it_is_about_the_pods_of_the_operator_and_their_port() -> None:
    manifests = render_chart({"networkPolicy": {"enabled": True}, "port": 9090})
    (found,) = [one for one in manifests if one["kind"] == "NetworkPolicy"]
    (deployment,) = [one["spec"] for one in manifests if one["kind"] == "Deployment"]
    assert found["spec"]["podSelector"] == deployment["selector"]
    (container,) = deployment["template"]["spec"]["containers"]
    (rule,) = found["spec"]["ingress"]
    assert [port["port"] for port in rule["ports"]] == [
        port["containerPort"] for port in container["ports"]
    ]


@pytest.mark.parametrize("case", GOLDEN)
def test_the_api_server_takes_it(bare_controlplane: ControlPlane, case: str) -> None:
    found = policy(**GOLDEN[case]["values"])
    taken(bare_controlplane.api(), found)


def taken(api: Api, manifest: Rule) -> None:
    """A dry run of the API server, which refuses what it does not know."""
    path = api.path("networking.k8s.io/v1/NetworkPolicy", "default")
    manifest["metadata"]["namespace"] = "default"
    query = {"dryRun": "All", "fieldManager": "test", "force": "true", "fieldValidation": "Strict"}
    answer = api.request(
        "PATCH",
        f"{path}/{manifest['metadata']['name']}",
        manifest,
        content_type="application/apply-patch+yaml",
        query=query,
    )
    assert answer["spec"]["podSelector"] == manifest["spec"]["podSelector"]


@cache
def public_rules() -> list[Rule]:
    rules: list[Rule] = policy(egress={"ports": [443]})["spec"]["egress"]
    return rules


def edges() -> list[IPv4Address | IPv6Address]:
    """The first and the last address of each network that the guard knows, and their neighbours."""
    found = set()
    for network in (*NEVER, *PRIVATE):
        last = 2**network.max_prefixlen - 1
        kind = type(network.network_address)
        for edge in (int(network.network_address), int(network.broadcast_address)):
            found |= {kind(min(max(edge + step, 0), last)) for step in (-1, 0, 1)}
    nat64 = int(IPv6Address("64:ff9b::"))
    found |= {IPv6Address(nat64 + int(one)) for one in found if one.version == 4}
    return sorted(found, key=lambda one: (one.version, int(one)))


def agrees(address: IPv4Address | IPv6Address) -> None:
    dialled = not isinstance(checked_address(str(address), ()), str)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return  # dialled as IPv4
    assert opens(public_rules(), address, 443) == dialled, address


def test_at_every_edge_what_is_open_is_what_the_operator_dials_without_a_listing() -> None:
    for address in edges():
        agrees(address)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6), st.ip_addresses(network="2000::/3")))
@example(ip_address(METADATA))
@example(ip_address("64:ff9b::a9fe:a9fe"))
@example(ip_address("64:ff9b::808:808"))
@example(ip_address("8.8.8.8"))
def test_what_is_open_is_what_the_operator_dials_without_a_listing(
    address: IPv4Address | IPv6Address,
) -> None:
    agrees(address)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"enabled": "yes"}, "at '/networkPolicy/enabled'"),
        ({"policy": True}, "additional properties 'policy' not allowed"),
        ({"egress": {"ports": [0]}}, "at '/networkPolicy/egress/ports/0'"),
        ({"egress": {"ports": ["https"]}}, "at '/networkPolicy/egress/ports/0'"),
        ({"egress": {"dns": {"ports": []}}}, "at '/networkPolicy/egress/dns/ports'"),
        ({"egress": {"apiServer": {"ports": []}}}, "at '/networkPolicy/egress/apiServer/ports'"),
        ({"egress": {"apiServer": {"cidrs": ["any"]}}}, "/apiServer/cidrs/0'"),
        ({"egress": {"cidrs": ["10.0.0.0/8"]}}, "at '/networkPolicy/egress/cidrs/0'"),
        ({"egress": {"cidrs": [{"cidr": "10.0.0.0/8"}]}}, "missing property 'ports'"),
        ({"egress": {"cidrs": [{"cidr": "10.0.0.0/8", "ports": []}]}}, "/cidrs/0/ports'"),
        ({"egress": {"cidrs": [{"cidr": "login.example.com", "ports": [1]}]}}, "/cidrs/0/cidr'"),
        ({"egress": {"extra": [{}]}}, "at '/networkPolicy/egress/extra/0'"),
        ({"egress": {"extra": [{"to": [{}]}]}}, "at '/networkPolicy/egress/extra/0/to/0'"),
        ({"egress": {"extra": [{"ports": []}]}}, "at '/networkPolicy/egress/extra/0/ports'"),
        ({"ingress": {"from": [{"pods": {}}]}}, "additional properties 'pods' not allowed"),
    ],
    ids=str,
)
def test_values_that_mean_nothing_or_would_open_everything_are_refused(
    values: dict, said: str
) -> None:
    with pytest.raises(RuntimeError) as refused:
        policies(**values)
    assert said in str(refused.value)
