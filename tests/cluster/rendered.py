"""The chart as Helm renders it: the shapes of its rights, and what to ask of its objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from controlplane.launch import NAMESPACE, SERVED

_GOLDEN = Path(__file__).parent / "chart"
# The kinds of which the chart asks whether the cluster knows them, once it is installed.
PROVIDERS_KNOWN = (*SERVED, "tokencheck.dev/v1alpha1/TokenProvider")

SHAPES = {
    "cluster": {},
    "namespaces": {"secrets": {"scope": "namespaces", "namespaces": ["shop", "billing"]}},
    "named": {
        "secrets": {
            "scope": "named",
            "named": {"shop": ["payments-api", "payments-readonly"], "billing": ["oidc"]},
        },
        "workloads": {"extra": [{"apiGroup": "argoproj.io", "resources": ["rollouts"]}]},
    },
}

# What is switched by one value or two: how much of what is rendered that changes stands in files
# (cluster/golden.py). By their names, what `chart_text` is called with.
SWITCHED: dict[str, dict[str, Any]] = {
    "default": {},
    "secrets-namespaces": {"values": SHAPES["namespaces"]},
    "secrets-named": {"values": SHAPES["named"]},
    "shards": {"values": {"shards": 3}},
    "one-replica": {"values": {"replicas": 1}},
    "cluster-token-checks": {"values": {"clusterTokenChecks": {"enabled": True}}},
    "providers": {
        "values": {"providers": {"credentials": ["client"], "tokenReviews": True, "rbac": True}}
    },
    "monitoring": {
        "values": {"monitoring": dict.fromkeys(("podMonitor", "rules", "dashboard"), True)}
    },
    "network-policy": {"values": {"networkPolicy": {"enabled": True}}},
    "admission-off": {"values": {"admission": {"enabled": False}}},
    "below-1.36": {"api_versions": ()},
}

_OTHERS: dict[str, dict[str, Any]] = {
    "everything that is off by default": {
        "monitoring": {
            **dict.fromkeys(("podMonitor", "rules", "dashboard"), True),
            "labels": {"release": "prometheus"},
        },
        "providers": {"credentials": ["client"], "tokenReviews": True, "rbac": True},
        "clusterTokenChecks": {"enabled": True},
        "networkPolicy": {"enabled": True},
        "imagePullSecrets": [{"name": "registry"}],
        "podAnnotations": {"example.com/team": "platform"},
        "podLabels": {"team": "platform"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "infra", "operator": "Exists"}],
        "priorityClassName": "system-cluster-critical",
        "service": {"annotations": {"example.com/team": "platform"}},
        "serviceAccount": {"annotations": {"example.com/team": "platform"}},
        "shards": 3,
    },
    "the other monitor": {"monitoring": {"serviceMonitor": True}},
    "as little as can be": {
        "replicas": 1,
        "crds": {"install": False},
        "rbac": {"create": False},
        "admission": {"enabled": False},
        "serviceAccount": {"create": False, "name": "mine"},
    },
}


def modes() -> dict[str, dict[str, Any]]:
    """Every way in which the tests have the chart rendered: what `chart_text` is called with."""
    network = yaml.safe_load((_GOLDEN / "network.yaml").read_text())
    vendors = yaml.safe_load((_GOLDEN / "vendors.yaml").read_text())
    return {
        **SWITCHED,
        **{
            f"network: {name}": {"values": {"networkPolicy": case["values"] | {"enabled": True}}}
            for name, case in network.items()
        },
        **{
            f"vendors: {name}": {
                "values": {"vendors": case["values"]},
                "api_versions": PROVIDERS_KNOWN if case["known"] else SERVED,
            }
            for name, case in vendors.items()
        },
        **{name: {"values": values} for name, values in _OTHERS.items()},
    }


def one(manifests: list[dict], kind: str) -> dict:
    (found,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def rights_of(manifests: list[dict], account: str) -> list[str]:
    """Every right of the ServiceAccount as `where: verbs group/resources [names]`, sorted."""
    roles = {
        (m["kind"], m["metadata"].get("namespace", ""), m["metadata"]["name"]): m for m in manifests
    }
    rights = []
    for binding in manifests:
        if not binding["kind"].endswith("RoleBinding"):
            continue
        assert [subject["name"] for subject in binding["subjects"]] == [account]
        assert [subject["namespace"] for subject in binding["subjects"]] == [NAMESPACE]
        where = binding["metadata"].get("namespace", "")
        role = roles[binding["roleRef"]["kind"], where, binding["roleRef"]["name"]]
        for rule in role["rules"]:
            verbs = ",".join(sorted(rule["verbs"]))
            names = f" {sorted(rule['resourceNames'])}" if "resourceNames" in rule else ""
            rights += [
                f"{where or 'everywhere'}: {verbs} {group or 'core'}/{resource}{names}"
                for group in rule["apiGroups"]
                for resource in rule["resources"]
            ]
    return sorted(rights)
