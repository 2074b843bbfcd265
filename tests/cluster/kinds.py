"""Kinds of workloads that are not Kubernetes' own: their CRDs, and the rights to read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from controlplane import Api

Object = dict[str, Any]
# Plural -> kind, group, version: Argo's, and one that nobody has ever heard of.
FOREIGN = {
    "rollouts": ("Rollout", "argoproj.io", "v1alpha1"),
    "fleets": ("Fleet", "example.com", "v1beta2"),
}


def rights(*plurals: str) -> Object:
    """Values of the chart with which the operator may read these kinds."""
    extra = [{"apiGroup": FOREIGN[plural][1], "resources": [plural]} for plural in plurals]
    return {"workloads": {"extra": extra}}


@contextmanager
def served(admin: Api, plural: str) -> Iterator[str]:
    """The API server serves the kind meanwhile; gives its apiVersion."""
    kind, group, version = FOREIGN[plural]
    manifest = _crd(plural, kind, group, version)
    name = manifest["metadata"]["name"]
    admin.apply(manifest)
    try:
        admin.wait("CustomResourceDefinition", name, until=_established)
        yield f"{group}/{version}"
    finally:
        admin.delete("CustomResourceDefinition", name)


def _crd(plural: str, kind: str, group: str, version: str) -> Object:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {
        "name": version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": anything},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [served],
        },
    }


def _established(found: Object) -> bool:
    told = found.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Established" and one["status"] == "True" for one in told)
