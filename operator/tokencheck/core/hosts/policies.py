"""Policies of the network that let the operator out to providers, DNS and the API server.

Such policies add up: each opens, none closes what another one opens. So they are for who does not
use the one of the chart.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from tokencheck.core.hosts.dialled import Dialled
from tokencheck.core.hosts.egress import Admits, Egress, Network, listed_of, written_of

_NAME = "tokencheck-providers"
_PODS = {"matchLabels": {"app.kubernetes.io/name": "tokencheck"}}  # as the chart labels them
_DNS, _API_SERVER = 53, (443, 6443)  # as the chart has them by default
_SERVICE = 2  # NAME.NAMESPACE
_SUFFIXES = (".svc", ".svc.cluster.local")
# Source: docs.cilium.io, "Layer 3 Policies", DNS based: names are learned from the answers that go
# through Cilium's DNS proxy, which a rule for DNS has to send there.
_CLUSTER_DNS = {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns"}


def network_policy_of(egress: Egress, public: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the NetworkPolicy that opens what the chart's opens by the same egress.

    Args:
        public: ipBlocks of the public addresses.
    """
    rules: list[dict[str, Any]] = [
        {"ports": _ports([_DNS], "UDP", "TCP")},
        {"ports": _ports(_API_SERVER, "TCP")},
    ]
    if egress.ports:
        blocks = [{"ipBlock": block} for block in public]
        rules.append({"ports": _ports(egress.ports, "TCP"), "to": blocks})
    for one in egress.openings:
        block: dict[str, Any] = {"cidr": str(one.network)}
        block |= {"except": [str(part) for part in one.besides]} if one.besides else {}
        rules.append({"ports": _ports(one.ports, "TCP"), "to": [{"ipBlock": block}]})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": _NAME},
        "spec": {"podSelector": _PODS, "policyTypes": ["Egress"], "egress": rules},
    }


def cilium_policy_of(every: Iterable[Dialled], admits: Admits) -> dict[str, Any]:
    """Return the CiliumNetworkPolicy that opens the servers by name, and no others.

    A name outside of the cluster is one of toFQDNs, whose addresses Cilium learns from DNS. That of
    a Service stands for its Pods, on all of their ports: theirs need not be that of the Service. An
    address that is written as such is a network of its own.
    """
    names: dict[int, set[str]] = {}
    addresses: dict[int, set[Network]] = {}
    services: set[tuple[str, str]] = set()
    for one in every:
        for place in (server.place for server in one.servers):
            written, service = written_of(place.host), _service_of(place.host)
            if written is not None:
                if admits(place.host, listed_of(one)):
                    addresses.setdefault(place.port, set()).add(written)
            elif service is not None:
                services.add(service)
            else:
                names.setdefault(place.port, set()).add(place.host)
    rules = [*_cluster_rules(), *_service_rules(services)]
    rules += [
        {"toFQDNs": [{"matchName": name} for name in sorted(names[port])]} | _to(port)
        for port in sorted(names)
    ]
    rules += [
        {"toCIDR": sorted(map(str, addresses[port]))} | _to(port) for port in sorted(addresses)
    ]
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": _NAME},
        "spec": {"endpointSelector": _PODS, "egress": rules},
    }


def _cluster_rules() -> list[dict[str, Any]]:
    asked = {"ports": [{"port": str(_DNS), "protocol": "ANY"}]}
    return [
        {
            "toEndpoints": [{"matchLabels": _CLUSTER_DNS}],
            "toPorts": [asked | {"rules": {"dns": [{"matchPattern": "*"}]}}],
        },
        {"toEntities": ["kube-apiserver"]},
    ]


def _service_rules(services: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"toServices": [{"k8sService": {"serviceName": name, "namespace": namespace}}]}
        for name, namespace in sorted(services)
    ]


def _service_of(host: str) -> tuple[str, str] | None:
    """Return name and namespace of the Service that a host is; None for any other host."""
    for suffix in _SUFFIXES:
        parts = host.removesuffix(suffix).split(".")
        if host.endswith(suffix) and len(parts) == _SERVICE:
            return parts[0], parts[1]
    return None


def _to(port: int) -> dict[str, Any]:
    return {"toPorts": [{"ports": [{"port": str(port), "protocol": "TCP"}]}]}


def _ports(ports: Iterable[int], *protocols: str) -> list[dict[str, Any]]:
    return [{"port": port, "protocol": protocol} for port in ports for protocol in protocols]
