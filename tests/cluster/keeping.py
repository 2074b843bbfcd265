"""An operator that keeps the TokenChecks of ClusterTokenChecks, with what the chart installs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.ending import end
from cluster.shop import API, Shop
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.launch import SERVED, grant_operator, install_policies

KIND = "ClusterTokenCheck"
MADE_BY = "tokencheck.dev/cluster-check"
POLICIES = {"admission": {"statusWriters": ["admin"]}}
VALUES = POLICIES | {"clusterTokenChecks": {"enabled": True}}


@contextmanager
def keeper_on(plane: ControlPlane, folder: Path) -> Iterator[OperatorProcess]:
    """It runs with the rights and policies of the chart; its log is in ``folder``."""
    install_policies(plane, VALUES)
    config = grant_operator(plane, VALUES)
    args = ("--cluster-token-checks", *(("--review-authors",) if SERVED else ()))
    process = OperatorProcess(config, folder / "operator.log", args=args, plane=plane)
    try:
        yield process.start()
    finally:
        end(process)
        install_policies(plane, POLICIES)


def apply(api: Api, name: str, **spec: Any) -> dict[str, Any]:
    """A ClusterTokenCheck of the namespace of this name alone says this."""
    only = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    body = {"namespaceSelector": only, "copyLabels": ["team"]} | spec
    return api.apply({"apiVersion": API, "kind": KIND, "metadata": {"name": name}, "spec": body})


def names(shop: Shop, *, of: str = "") -> set[str]:
    """The TokenChecks that were made."""
    selector = f"{MADE_BY}={of or shop.namespace}"
    found = shop.admin.list("TokenCheck", shop.namespace, labelSelector=selector)
    return {one["metadata"]["name"] for one in found}
