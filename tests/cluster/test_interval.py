"""A check is looked at again on its interval although nothing happens, and nothing is written."""

from __future__ import annotations

from cluster.shop import Shop, eventually, listed
from controlplane import OperatorProcess

GOOD = ("True", "AllChecksPassed")


def test_a_check_is_judged_again_within_its_interval_and_its_status_stays(
    shop: Shop, operator: OperatorProcess
) -> None:
    """The time of the last verdict is a metric: an alert on its age tells an operator that died."""
    labels = f'{{namespace="{shop.namespace}",name="checkout"}}'

    def judged() -> float:
        return operator.metrics().get(f"tokencheck_last_success_timestamp_seconds{labels}", 0)

    shop.secret("payments", shop.signer.token())
    expected = listed("payments", providerRef={"name": shop.provider()})
    shop.check("checkout", expected, interval="30s")
    before = shop.reads("checkout", *GOOD)
    eventually(judged)
    for _ in range(2):
        last = judged()
        eventually(lambda last=last: judged() > last, timeout_s=40)
    assert 29 < judged() - last < 35
    assert shop.admin.get("TokenCheck", "checkout", shop.namespace) == before
