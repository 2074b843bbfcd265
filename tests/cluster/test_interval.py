"""A check is looked at again on its interval although nothing happens: nothing is written, and
nothing is read whose version stands."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from cluster.replicas import clear
from cluster.road import Road, operator_behind, watches
from cluster.shop import Shop, eventually, listed
from controlplane import ControlPlane, OperatorProcess

GOOD = ("True", "AllChecksPassed")
Behind = tuple[Road, OperatorProcess]


@pytest.fixture
def behind(
    controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Behind]:
    clear(controlplane.api())
    with operator_behind(controlplane, tmp_path_factory.mktemp("operator")) as both:
        yield both


def test_a_check_is_judged_again_within_its_interval_and_its_status_stays(
    shop: Shop, behind: Behind
) -> None:
    """The time of the last verdict is a metric: an alert on its age tells an operator that died."""
    road, operator = behind
    labels = f'{{namespace="{shop.namespace}",name="checkout"}}'

    def judged() -> float:
        return operator.metrics().get(f"tokencheck_last_success_timestamp_seconds{labels}", 0)

    shop.secret("payments", shop.signer.token())
    expected = listed("payments", providerRef={"name": shop.provider()})
    shop.check("checkout", expected, interval="30s")
    before = shop.reads("checkout", *GOOD)
    eventually(judged)
    read = road.proxy.count("get", f"/{shop.namespace}/secrets/payments")
    assert read
    for _ in range(2):
        last = judged()
        eventually(lambda last=last: judged() > last, timeout_s=40)
    assert 29 < judged() - last < 35
    assert shop.admin.get("TokenCheck", "checkout", shop.namespace) == before
    assert road.proxy.count("get", f"/{shop.namespace}/secrets/payments") == read


def test_a_secret_that_may_be_read_and_no_more_be_watched_is_read_on_the_interval(
    shop: Shop, behind: Behind
) -> None:
    road, _ = behind
    shop.secret("payments", shop.signer.token())
    expected = listed("payments", providerRef={"name": shop.provider()})
    shop.check("checkout", expected, interval="30s")
    shop.reads("checkout", *GOOD)
    road.do(lambda proxy: proxy.refuse(403, lambda seen: seen.path.endswith("/secrets")))
    road.do(lambda proxy: proxy.cut(watches("secrets")))
    time.sleep(1)
    shop.secret("payments", shop.signer.expired())
    shop.reads("checkout", "False", "TokenExpired", timeout_s=60)
