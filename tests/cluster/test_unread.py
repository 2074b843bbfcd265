"""What the API server does not answer is asked again soon, however long it lasts."""

from __future__ import annotations

from pathlib import Path

from cluster.road import operator_behind
from cluster.shop import Shop, eventually, listed
from controlplane import ControlPlane
from faultproxy import FaultProxy, Seen


def test_a_secret_that_cannot_be_read_for_long_is_read_again_every_few_seconds(
    controlplane: ControlPlane, shop: Shop, tmp_path: Path
) -> None:
    """Pauses that grew to a minute would leave the tenth read to the second minute of a fault."""
    asked = []

    def met(seen: Seen) -> bool:
        is_read = seen.path.endswith(f"/{shop.namespace}/secrets/payments")
        asked.extend([seen] if is_read else [])
        return is_read

    with operator_behind(controlplane, tmp_path) as (road, running):
        shop.provider()
        shop.secret("payments", shop.signer.token())
        shop.check("payments", listed("payments", providerRef={"name": shop.namespace}))
        shop.reads("payments", "True", "AllChecksPassed")
        road.do(lambda proxy: proxy.refuse(503, met))
        shop.secret("payments", shop.signer.expired())
        shop.reads("payments", "Unknown", "ReadFailed")
        eventually(lambda: len(asked) >= 11, timeout_s=60)
        road.do(FaultProxy.allow)
        shop.reads("payments", "False", "TokenExpired")
        assert running.metrics()["tokencheck_passes_failed_total"] == 0
