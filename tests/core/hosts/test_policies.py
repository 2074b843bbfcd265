"""Policies that open the way to providers: by networks for all plugins, by names for Cilium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tokencheck.api.tokenprovider import parse_tokenprovider
from tokencheck.clients.ranges import NEVER, PRIVATE, may_be_dialled
from tokencheck.core.hosts.dialled import Dialled, dialled
from tokencheck.core.hosts.egress import egress_of, values_of
from tokencheck.core.hosts.policies import cilium_policy_of, network_policy_of
from tokencheck.core.hosts.public import public_blocks

HERE = Path(__file__).parent
CILIUM = yaml.safe_load((HERE / "policies.yaml").read_text())
HOSTS = yaml.safe_load((HERE / "hosts.yaml").read_text())
PUBLIC = public_blocks((*NEVER, *PRIVATE))
PODS = {"matchLabels": {"app.kubernetes.io/name": "tokencheck"}}


def found_in(specs: list[dict[str, Any]]) -> list[Dialled]:
    allowed = {"allowedNamespaces": {"all": True}}
    objects = (
        {"metadata": {"name": f"p{number}"}, "spec": allowed | spec}
        for number, spec in enumerate(specs)
    )
    every = (dialled(parse_tokenprovider(obj)) for obj in objects)
    return [one for one in every if one is not None]


def told(rule: dict[str, Any]) -> str:
    """A rule of Cilium as a line of the table."""
    ports = [port["port"] for one in rule.get("toPorts", ()) for port in one["ports"]]
    names = [one["matchName"] for one in rule.get("toFQDNs", ())]
    services = [
        f"{one['k8sService']['namespace']}/{one['k8sService']['serviceName']}"
        for one in rule.get("toServices", ())
    ]
    kinds = {"name": names, "service": services, "address": rule.get("toCIDR", [])}
    ((kind, peers),) = [(kind, peers) for kind, peers in kinds.items() if peers]
    return f"{kind} {', '.join(peers)}: {', '.join(ports) or 'all'}"


@pytest.mark.parametrize("case", CILIUM)
def test_what_cilium_is_told_to_open(case: str) -> None:
    policy = cilium_policy_of(found_in(CILIUM[case]["providers"]), may_be_dialled)
    assert policy["spec"]["endpointSelector"] == PODS
    dns, api_server, *rules = policy["spec"]["egress"]
    assert [told(rule) for rule in rules] == CILIUM[case]["opens"]
    assert api_server == {"toEntities": ["kube-apiserver"]}
    (asked,) = dns["toPorts"]
    # Without it Cilium learns no name's addresses.
    assert asked["rules"] == {"dns": [{"matchPattern": "*"}]}


@pytest.mark.parametrize("case", HOSTS)
def test_the_plain_policy_opens_what_the_values_of_the_chart_open(case: str) -> None:
    egress = egress_of(found_in(HOSTS[case]["providers"]), NEVER, may_be_dialled)
    policy = network_policy_of(egress, PUBLIC)["spec"]
    assert (policy["podSelector"], policy["policyTypes"]) == (PODS, ["Egress"])
    told = [
        ([port["port"] for port in rule["ports"]], [one["ipBlock"] for one in rule.get("to", ())])
        for rule in policy["egress"]
    ]
    values = values_of(egress)["networkPolicy"]["egress"]
    public = [(values["ports"], PUBLIC)] if values["ports"] else []
    private = [(one.pop("ports"), [one]) for one in values["cidrs"]]
    assert told == [([53, 53], []), ([443, 6443], []), *public, *private]
