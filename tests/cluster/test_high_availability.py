"""Two replicas: whatever becomes of the one that leads, no verdict is lost, wrong or said twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.clockshim import MISSING, ShiftedClock
from cluster.replicas import (
    LEASE,
    Replica,
    TwoLeaders,
    is_lease,
    is_status,
    is_write,
    replicas,
    wait,
)
from cluster.shop import Object, Shop, Signer, listed, ready, token_of
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.launch import NAMESPACE, grant_operator
from faultproxy import FaultProxy
from faults.patience import Patience

GOOD = ("True", "AllChecksPassed")
EXPIRED = ("False", "TokenExpired")
PATIENCE_S = 40.0
# What README promises of a takeover.
CRASH_S = 6.0
STOP_S = 1.0
KIND = "coordination.k8s.io/v1/Lease"
Pair = list[Replica]


@pytest.fixture
def pair(controlplane: ControlPlane, tmp_path: Path) -> Iterator[Pair]:
    with replicas(controlplane, tmp_path) as both:
        yield both


def stand(shop: Shop, *names: str) -> None:
    """Checks with a good token each."""
    provider = {"providerRef": {"name": shop.provider()}}
    for name in names or ("payments",):
        shop.secret(name, shop.signer.token())
        shop.check(name, listed(name, **provider))
    for name in names or ("payments",):
        shop.reads(name, *GOOD, timeout_s=PATIENCE_S)


def lease(admin: Api, name: str = LEASE) -> Object:
    return admin.get(KIND, name, NAMESPACE)


def holder(admin: Api) -> str:
    return str(lease(admin)["spec"].get("holderIdentity", ""))


def told_once(shop: Shop, name: str, reason: str) -> None:
    """One Event says it, and says it once."""
    shop.wait_event(name, reason, timeout_s=PATIENCE_S)
    told = [event for event in shop.events(name) if event["reason"] == reason]
    assert len(told) == 1, told
    assert "series" not in told[0], told[0]


def goes_forward(shop: Shop, name: str) -> None:
    """No status speaks of an older Secret than the one before it."""
    versions = [
        int(version)
        for one in shop.history(name)
        if (version := token_of(one.object).get("resourceVersion"))
    ]
    assert versions == sorted(versions)


def test_one_of_two_replicas_writes_and_both_know_who_leads(
    shop: Shop, pair: Pair, admin: Api
) -> None:
    stand(shop)
    leader, other = pair
    assert (leader.leads(), other.leads()) == (True, False)
    for replica in pair:
        wait(lambda it=replica: it.health()[0] == 200)
        _, body = replica.health()
        assert body["leases"][LEASE]["holder"] == holder(admin)
    assert leader.writes(is_status) > 0
    assert other.writes(is_write) == 0


def test_metrics_of_a_check_are_those_of_the_leader_alone(shop: Shop, pair: Pair) -> None:
    stand(shop)
    leader, other = pair
    shown = f'namespace="{shop.namespace}"'
    wait(lambda: any(shown in name for name in leader.process.metrics()))
    assert not [name for name in other.process.metrics() if shown in name]
    leader.kill()
    wait(lambda: any(shown in name for name in other.process.metrics()))


def test_a_leader_that_crashes_is_followed_within_six_seconds_and_nothing_is_said_twice(
    shop: Shop, pair: Pair
) -> None:
    stand(shop)
    leader, other = pair
    shop.secret("payments", shop.signer.expired())
    with Patience() as patience:
        leader.kill()
        took = wait(other.leads)
    print(f"the takeover after a crash took {took:.1f} s")
    assert took < CRASH_S * patience.worst
    shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
    told_once(shop, "payments", "TokenExpired")
    goes_forward(shop, "payments")


def test_a_leader_that_is_stopped_hands_over_at_once(shop: Shop, pair: Pair, admin: Api) -> None:
    stand(shop)
    leader, other = pair
    before = lease(admin)["spec"]
    began = time.monotonic()
    leader.process.stop()
    stopped = time.monotonic() - began
    with Patience() as patience:
        took = wait(other.leads)
    print(f"it ended in {stopped:.2f} s and the other led {took:.2f} s after that")
    # Nobody waited for the end of the Lease.
    assert took < STOP_S * patience.worst
    after = lease(admin)["spec"]
    assert after["leaseTransitions"] == before.get("leaseTransitions", 0) + 1
    shop.secret("payments", shop.signer.expired())
    shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)


def test_a_quiet_takeover_writes_nothing_and_says_nothing(shop: Shop, pair: Pair) -> None:
    """What changed under the former leader was judged by both and is settled."""
    leader, other = pair
    names = ("one", "two", "three")
    stand(shop, *names)
    for name in names[:2]:
        shop.secret(name, shop.signer.expired())
        shop.reads(name, *EXPIRED, timeout_s=PATIENCE_S)
    shop.secret("two", shop.signer.token())
    shop.reads("two", *GOOD, timeout_s=PATIENCE_S)
    told_once(shop, "one", "TokenExpired")
    wait(lambda: is_idle(leader) and is_idle(other))
    before = {name: shop.admin.get("TokenCheck", name, shop.namespace) for name in names}
    events = shop.events("one") + shop.events("two")
    leader.kill()
    wait(other.leads)
    # A change of one shows that all passes of the takeover are over.
    shop.secret("three", shop.signer.expired())
    shop.reads("three", *EXPIRED, timeout_s=PATIENCE_S)
    told_once(shop, "three", "TokenExpired")
    for name in names[:2]:
        assert shop.admin.get("TokenCheck", name, shop.namespace) == before[name]
    # How many checks name a provider is no verdict; whoever leads brings it up to date.
    written = [seen.path for seen in list(other.road.proxy.seen) if is_status(seen)]
    assert len([path for path in written if "/tokenproviders/" not in path]) == 1, written
    assert shop.events("one") + shop.events("two") == events
    # Nor does its next look at an old value change when that value came.
    shop.annotate("TokenCheck", "two", check_now="1")
    found = shop.wait(
        "two", lambda it: it["status"].get("lastHandledCheckNow") == "1", timeout_s=PATIENCE_S
    )
    was = token_of(before["two"])
    assert token_of(found)["changedTime"] == was["changedTime"]


def is_idle(replica: Replica) -> bool:
    """Whether nothing waits for a pass, after a moment for watches."""
    time.sleep(0.3)
    return replica.process.metrics()["tokencheck_queue_depth"] == 0


def test_who_stands_by_reads_a_changed_secret_once(shop: Shop, pair: Pair) -> None:
    stand(shop)
    leader, other = pair
    wait(lambda: is_idle(leader) and is_idle(other))

    def reads() -> int:
        return other.writes(lambda seen: seen.path.endswith(f"{shop.namespace}/secrets/payments"))

    before = reads()
    for _ in range(5):
        shop.secret("payments", shop.signer.expired())
        shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
        shop.secret("payments", shop.signer.token())
        shop.reads("payments", *GOOD, timeout_s=PATIENCE_S)
    wait(lambda: is_idle(leader) and is_idle(other))
    # One for each change; one more where the leader's status came before our own look.
    assert reads() - before <= 12


def test_a_leader_that_stands_still_beyond_its_lease_overwrites_nothing_when_it_goes_on(
    shop: Shop, pair: Pair
) -> None:
    stand(shop)
    leader, other = pair
    with TwoLeaders(leader, other):
        leader.freeze()
        shop.secret("payments", shop.signer.expired())
        wait(other.leads)
        shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
        written = leader.writes(is_status)
        leader.thaw()
        for token, expected in ((shop.signer.token(), GOOD), (shop.signer.expired(), EXPIRED)):
            shop.secret("payments", token)
            shop.reads("payments", *expected, timeout_s=PATIENCE_S)
        wait(lambda: leader.health()[0] == 200 and not leader.leads())
    assert leader.writes(is_status) == written
    goes_forward(shop, "payments")


def test_a_write_that_was_under_way_when_the_leader_stood_still_does_not_overwrite(
    shop: Shop, pair: Pair
) -> None:
    """It reaches the API server after the next leader has written: the fence refuses it."""
    stand(shop)
    leader, other = pair
    leader.road.do(lambda proxy: proxy.keep_back(is_status))
    shop.secret("payments", shop.signer.expired())
    wait(lambda: leader.road.proxy.held)
    leader.freeze()
    shop.secret("payments", shop.signer.token())
    wait(other.leads)
    shop.reads("payments", *GOOD, timeout_s=PATIENCE_S)
    version = shop.admin.get("Secret", "payments", shop.namespace)["metadata"]["resourceVersion"]
    shop.wait(
        "payments", lambda it: token_of(it)["resourceVersion"] == version, timeout_s=PATIENCE_S
    )
    leader.road.do(FaultProxy.send_on)
    leader.thaw()
    wait(lambda: leader.health()[0] == 200)
    shop.secret("payments", Signer().token())
    shop.reads("payments", "False", "SignatureInvalid", timeout_s=PATIENCE_S)
    goes_forward(shop, "payments")
    assert not [one for one in shop.history("payments") if ready(one.object) == EXPIRED]


def test_a_write_that_waited_is_not_sent_by_a_leader_of_the_past(shop: Shop, pair: Pair) -> None:
    """It was asked to wait (429), and led no more when it would have been sent again."""
    stand(shop)
    leader, other = pair
    leader.road.do(
        lambda proxy: proxy.refuse(429, is_status, headers={"Retry-After": "10"}, times=1)
    )
    sent = leader.writes(is_status)
    shop.secret("payments", shop.signer.expired())
    wait(lambda: leader.writes(is_status) == sent + 1)
    leader.road.do(lambda proxy: proxy.refuse(503, is_lease))
    wait(other.leads)
    shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
    time.sleep(14)  # beyond the ten seconds, and the fifth that is added to them
    assert leader.writes(is_status) == sent + 1
    told_once(shop, "payments", "TokenExpired")


def test_a_leader_that_is_cut_off_stops_before_another_begins(
    shop: Shop, pair: Pair, admin: Api
) -> None:
    stand(shop)
    leader, other = pair
    with TwoLeaders(leader, other):
        leader.road.do(lambda proxy: proxy.keep_back(lambda _: True))
        leader.road.do(FaultProxy.freeze)
        stopped = wait(lambda: not leader.leads())
        began = wait(other.leads)
        print(f"it stopped {stopped:.1f} s after the cut, the other began {began:.1f} s later")
        shop.secret("payments", shop.signer.expired())
        shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
        leader.road.do(FaultProxy.send_on)
        leader.road.do(FaultProxy.cut)
        wait(lambda: leader.health()[0] == 200)
        wait(lambda: leader.health()[1]["leases"][LEASE]["holder"] == holder(admin))
    goes_forward(shop, "payments")


def test_a_lease_that_somebody_deletes_stays_with_its_holder(
    shop: Shop, pair: Pair, admin: Api
) -> None:
    stand(shop)
    leader, other = pair
    before = holder(admin)
    with TwoLeaders(other, leader):
        admin.delete(KIND, LEASE, NAMESPACE)
        wait(lambda: admin.find(KIND, LEASE, NAMESPACE) is not None)
        wait(lambda: leader.leads() and holder(admin) == before)
    shop.secret("payments", shop.signer.expired())
    shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
    assert other.writes(is_write) == 0


def test_without_the_right_to_leases_nobody_writes_and_all_say_why(
    shop: Shop, pair: Pair, admin: Api, controlplane: ControlPlane
) -> None:
    stand(shop)
    admin.delete("RoleBinding", "tokencheck-leases", NAMESPACE)
    wait(lambda: not any(replica.leads() for replica in pair))
    wait(lambda: all(replica.health()[0] == 503 for replica in pair))
    for replica in pair:
        (reason,) = replica.health()[1]["reasons"]
        assert "nobody has led tokencheck" in reason
        assert "get, list, watch, create and patch on leases" in reason
    before = [replica.writes(is_write) for replica in pair]
    shop.secret("payments", shop.signer.expired())
    time.sleep(1)
    assert [replica.writes(is_write) for replica in pair] == before
    grant_operator(controlplane)
    shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
    wait(lambda: all(replica.health()[0] == 200 for replica in pair))
    told_once(shop, "payments", "TokenExpired")


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_no_clock_on_a_wall_moves_a_lease(
    shop: Shop, controlplane: ControlPlane, admin: Api, tmp_path: Path
) -> None:
    clock = ShiftedClock(tmp_path)
    with replicas(controlplane, tmp_path, env=clock.env) as (leader, other):
        stand(shop)
        before = holder(admin)
        with TwoLeaders(other, leader):
            for step_s in (3600, -7200, 3600):
                clock.step(step_s)
                time.sleep(6)
                assert holder(admin) == before
        leader.kill()
        clock.step(-3600)
        wait(other.leads)


def test_one_that_runs_alone_needs_no_lease_and_no_right_to_one(
    shop: Shop, controlplane: ControlPlane, admin: Api, tmp_path: Path
) -> None:
    config = grant_operator(controlplane)
    admin.delete("RoleBinding", "tokencheck-leases", NAMESPACE)
    process = OperatorProcess(config, tmp_path / "alone.log", plane=controlplane)
    try:
        process.start()
        stand(shop)
        assert process.metrics()[f'tokencheck_leader{{lease="{LEASE}"}}'] == 1.0
    finally:
        process.stop()
        grant_operator(controlplane)


def test_in_a_namespace_that_does_not_exist_it_says_what_to_do(
    controlplane: ControlPlane, launch_operator: Any
) -> None:
    process = launch_operator(
        kubeconfig=controlplane.kubeconfig(),
        args=["--own-namespace", "nowhere"],
        elects=True,
        ready=False,
    )
    wait(lambda: "nobody has led tokencheck" in process.get("/readyz")[1])
    said = process.get("/readyz")[1]
    assert "create the namespace nowhere" in said
    assert "--no-leader-elect" in said


def test_verdicts_and_leader_are_right_after_the_api_server_was_killed(
    shop: Shop, pair: Pair, controlplane: ControlPlane
) -> None:
    stand(shop)
    for down_s, token, expected in (
        (0.5, shop.signer.expired(), EXPIRED),
        (8.0, shop.signer.token(), GOOD),
    ):
        controlplane.restart_apiserver(kill=True, down_s=down_s)
        shop.secret("payments", token)
        shop.reads("payments", *expected, timeout_s=PATIENCE_S)
        wait(lambda: sum(replica.leads() for replica in pair) == 1)
    for replica in pair:
        replica.process.server.require_alive()
