"""`tokencheck audit --ask` shows tokens to the vendors of the cluster's TokenProviders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeAlias

import pytest

from cluster.cli import tokencheck
from cluster.shop import Shop, env, pod_spec
from controlplane import Api, ControlPlane
from loopthread import LoopThread
from vendorapi import VendorApi

Vendors: TypeAlias = LoopThread[VendorApi]
LIVES, DEAD = (f"ghp_{letter * 36}" for letter in "ab")


@pytest.fixture
def vendors(admin: Api, namespace: str) -> Iterator[Vendors]:
    with LoopThread(VendorApi()) as running:
        running.do(lambda api: api.lives.__setitem__(LIVES, {"scopes": ["repo"]}))
        admin.apply(running.inner.provider("GitHub", namespace, match={"kinds": ["GitHub"]}))
        yield running
        admin.delete("TokenProvider", namespace)


def test_tokens_are_shown_once_where_it_is_said_and_only_with_ask(
    shop: Shop, vendors: Vendors, controlplane: ControlPlane
) -> None:
    for name, text in (("lives", LIVES), ("dead", DEAD), ("copy", DEAD)):
        shop.secret(name, text)
        shop.workload(name, pod_spec(env(name)), replicas=0)
    args = ("audit", "-n", shop.namespace, "-o", "json")
    done = tokencheck(*args, kubeconfig=controlplane.kubeconfig("admin"))
    assert {row["result"] for row in json.loads(done.stdout)["tokens"]} == {"Skip"}
    assert vendors.inner.said == b""
    done = tokencheck(*args, "--ask", kubeconfig=controlplane.kubeconfig("admin"))
    found = {row["secret"]: row["result"] for row in json.loads(done.stdout)["tokens"]}
    assert found == {"lives": "Pass", "dead": "Fail", "copy": "Fail"}
    assert done.returncode == 1
    told = f"2 tokens to GitHub at {vendors.inner.place} (TokenProvider {shop.namespace})"
    assert told in done.stderr
    assert vendors.inner.asked == {LIVES: 1, DEAD: 1}
    for text in (LIVES, DEAD):
        assert text not in done.stdout + done.stderr
