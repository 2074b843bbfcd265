"""An API server that is short of breath, a team that makes very much at once, and rest.

The operator obeys what it is asked, verdicts go on, and nobody's checks wait behind another's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cluster.replicas import clear
from cluster.road import Road, operator_behind, watches
from cluster.shop import API, Shop, eventually, is_current, listed, ready
from cluster.statuses import Object
from controlplane import Api, ControlPlane, OperatorProcess
from faultproxy import FaultProxy, Seen

Behind = tuple[Road, OperatorProcess]
PATIENCE_S = 90.0
GOOD = ("True", "AllChecksPassed")
EXPIRED = ("False", "TokenExpired")
NOISY_CHECKS = 400
REFUSED_S = 10.0
WATCHES = 12  # those of Kopf once or twice; the others list first, to know where they stand
MOST_A_SECOND = 25.0  # a dozen watches and lists, each in growing pauses, and each once more


@pytest.fixture
def behind(
    controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Behind]:
    clear(controlplane.api())  # or informers run before the test has refused them anything
    with operator_behind(controlplane, tmp_path_factory.mktemp("operator")) as both:
        yield both


def is_list(seen: Seen) -> bool:
    return seen.verb in ("get", "watch") and seen.path.endswith(("/secrets", "/namespaces"))


def is_read(seen: Seen) -> bool:
    return seen.verb == "get" and "/secrets/" in seen.path


def version(found: Object) -> int:
    return int(found["metadata"]["resourceVersion"])


def good(shop: Shop) -> None:
    shop.secret("payments", shop.signer.token())
    shop.check("payments", listed("payments", providerRef={"name": shop.provider()}))
    shop.reads("payments", *GOOD, timeout_s=PATIENCE_S)


def make_noise(admin: Api, namespace: str, checks: int) -> None:
    """Many checks in a namespace of their own, eight at a time."""

    def make(number: int) -> None:
        meta = {"name": f"noisy-{number}", "namespace": namespace}
        spec = {"tokens": [listed(f"none-{number}")]}
        admin.create({"apiVersion": API, "kind": "TokenCheck", "metadata": meta, "spec": spec})

    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    with ThreadPoolExecutor(8) as makers:
        list(makers.map(make, range(checks)))


def test_a_verdict_follows_although_lists_are_throttled(behind: Behind, shop: Shop) -> None:
    """A fresh check is judged from a direct read; its status is written meanwhile."""
    road, operator = behind
    road.do(lambda proxy: proxy.refuse(429, is_list, headers={"Retry-After": "30"}))
    good(shop)
    assert operator.metrics()['tokencheck_api_retries_total{reason="Throttled"}'] > 0


def test_a_verdict_comes_late_but_right_when_reads_are_throttled(
    behind: Behind, shop: Shop
) -> None:
    """Never is it Unknown in between: to be asked to wait is no answer about the token."""
    road, _ = behind
    good(shop)
    asked = sum(is_read(seen) for seen in list(road.proxy.seen))
    road.do(lambda proxy: proxy.refuse(429, is_read, times=1, headers={"Retry-After": "3"}))
    began = time.monotonic()
    shop.secret("payments", shop.signer.expired())
    shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
    assert time.monotonic() - began >= 3.0
    assert sum(is_read(seen) for seen in list(road.proxy.seen)) >= asked + 2
    shop.seen("payments", lambda one: ready(one) == EXPIRED)
    said = [ready(one.object) for one in shop.history("payments")]
    assert said[-2:] == [GOOD, EXPIRED]


def test_a_minute_of_503_for_kopf_holds_up_no_known_check_and_loses_no_new_one(
    behind: Behind, shop: Shop
) -> None:
    """Longer than Kopf's own pauses would last, after which it would end its process."""
    road, running = behind
    good(shop)

    def of_kopf(seen: Seen) -> bool:
        return seen.verb in ("get", "watch") and seen.path.endswith("/tokenchecks")

    road.do(lambda proxy: proxy.refuse(503, of_kopf))
    road.do(lambda proxy: proxy.cut(watches("tokenchecks")))
    refused_until = time.monotonic() + 65
    shop.secret("payments", shop.signer.expired())
    shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
    assert time.monotonic() < refused_until, "known checks waited for Kopf"
    shop.check("new", listed("payments", providerRef={"name": shop.namespace}))
    time.sleep(max(0.0, refused_until - time.monotonic()))
    shop.secret("payments", shop.signer.token())
    shop.reads("payments", *GOOD, timeout_s=PATIENCE_S)
    road.do(FaultProxy.allow)
    shop.reads("new", *GOOD, timeout_s=PATIENCE_S)
    assert running.get("/healthz")[0] == 200
    assert running.metrics()["tokencheck_passes_failed_total"] == 0


def test_credentials_that_are_refused_for_a_while_make_no_storm_and_no_verdict(
    behind: Behind, shop: Shop
) -> None:
    """Kopf would log in again at once, and again: it waits until our kinds could be listed."""
    road, operator = behind
    good(shop)
    road.do(lambda proxy: proxy.refuse(401))
    road.do(FaultProxy.cut)
    asked = len(road.proxy.seen)
    time.sleep(REFUSED_S)
    new = Counter((seen.verb, seen.path) for seen in list(road.proxy.seen)[asked:])
    print("\n".join(f"{times:>4} {of}" for of, times in new.most_common()))
    assert new.total() < MOST_A_SECOND * REFUSED_S
    assert sum(times for (verb, _), times in new.items() if verb == "watch") <= WATCHES
    assert operator.metrics()['tokencheck_api_credentials_failing{reason="Refused"}'] == 1
    shop.secret("payments", shop.signer.expired())
    road.do(FaultProxy.allow)
    shop.seen("payments", lambda one: ready(one) == EXPIRED, timeout_s=30.0)
    said = [ready(one.object) for one in shop.history("payments")]
    assert said[-2:] == [GOOD, EXPIRED]


def test_at_rest_nothing_is_polled_that_is_watched(behind: Behind, shop: Shop) -> None:
    """A comparison now and then, once each; for the rest, watches and the Lease."""
    road, _ = behind
    good(shop)
    time.sleep(3)  # Events, and what the start still asks
    before = len(road.proxy.seen)
    time.sleep(20)
    new = list(road.proxy.seen)[before:]
    reads = Counter(
        seen.path for seen in new if seen.verb == "get" and "continue" not in seen.query
    )
    assert not {path: times for path, times in reads.items() if times > 1}, new
    assert not [seen for seen in new if is_read(seen)]
    writes = [seen for seen in new if seen.verb in ("patch", "post")]
    assert not [seen for seen in writes if "/leases/" not in seen.path]


def test_a_team_that_makes_very_much_at_once_holds_nobody_up(
    behind: Behind, shop: Shop, admin: Api
) -> None:
    """Of its long backlog only a few are told before another team's changed token is."""
    road, operator = behind
    good(shop)
    noisy = f"{shop.namespace}-noisy"

    def unjudged() -> list[Object]:
        return [one for one in admin.list("TokenCheck", noisy) if not is_current(one)]

    try:
        # No status of theirs arrives before all of them and the changed token are in the queue.
        road.do(lambda proxy: proxy.keep_back(lambda seen: noisy in seen.path))
        make_noise(admin, noisy, NOISY_CHECKS)
        eventually(
            lambda: operator.metrics()["tokencheck_queue_depth"] > NOISY_CHECKS / 2, timeout_s=60
        )
        shop.secret("payments", shop.signer.expired())
        time.sleep(1)
        road.do(FaultProxy.send_on)
        told = version(shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S))
        eventually(lambda: not unjudged(), timeout_s=PATIENCE_S)
        before = [one for one in admin.list("TokenCheck", noisy) if version(one) < told]
        assert len(before) < NOISY_CHECKS / 4
    finally:
        admin.delete("Namespace", noisy)


def test_a_namespace_whose_status_writes_hang_holds_up_no_other(
    behind: Behind, shop: Shop, admin: Api
) -> None:
    """As behind a webhook of theirs that never answers: they take half of the workers."""
    road, operator = behind
    good(shop)
    hung = f"{shop.namespace}-hung"
    try:
        road.do(lambda proxy: proxy.keep_back(lambda seen: hung in seen.path))
        make_noise(admin, hung, 60)
        eventually(lambda: operator.metrics()["tokencheck_queue_depth"] > 40, timeout_s=60)
        shop.secret("payments", shop.signer.expired())
        shop.reads("payments", *EXPIRED, timeout_s=9.0)
        assert operator.metrics()["tokencheck_queue_depth"] > 40
    finally:
        road.do(FaultProxy.send_on)
        admin.delete("Namespace", hung)
