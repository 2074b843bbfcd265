"""A status that was written and not confirmed is told all the same, and once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.replicas import clear
from cluster.road import Road, operator_behind
from cluster.shop import Shop, listed
from controlplane import ControlPlane
from faultproxy import FaultProxy
from faults.onroad import statuses
from faults.proxy import Fate
from faults.proxy import Road as FatefulRoad

PATIENCE_S = 25.0
WAYS = {
    "its answer is lost": Fate(lost="answer"),
    "its answer is an error": Fate(status=500, hidden=True),
    "its answer ends in the middle": Fate(cut=True),
    "the server gets it twice": Fate(twice=True),
}


def fateful(kubeconfig: Path) -> FaultProxy:
    return FatefulRoad(kubeconfig, "no canary")


@pytest.fixture(scope="module")
def road(controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    clear(controlplane.api())
    folder = tmp_path_factory.mktemp("operator")
    with operator_behind(controlplane, folder, made=fateful) as (made, _):
        yield made


@pytest.mark.parametrize("way", WAYS)
def test_a_verdict_is_told_when(shop: Shop, road: Road, way: str) -> None:
    shop.secret("payments", shop.signer.token())
    shop.check("payments", listed("payments", providerRef={"name": shop.provider()}))
    shop.reads("payments", "True", "AllChecksPassed", timeout_s=PATIENCE_S)
    fates = [WAYS[way]]
    road.do(
        lambda it: it.of_requests.append(
            lambda seen: fates.pop() if fates and statuses(seen) else None
        )
    )
    try:
        shop.secret("payments", shop.signer.expired())
        shop.reads("payments", "False", "TokenExpired", timeout_s=PATIENCE_S)
        assert not fates
        shop.wait_event("payments", "TokenExpired", timeout_s=PATIENCE_S)
    finally:
        road.do(FatefulRoad.calm)
    told = [one for one in shop.events("payments") if one["reason"] == "TokenExpired"]
    assert len(told) == 1
