"""Whatever breaks on the way, the end state is right, and nobody has to restart anything."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.road import Road, operator_behind, watches
from cluster.shop import (
    Object,
    Shop,
    Signer,
    condition,
    env,
    eventually,
    is_current,
    listed,
    pod_spec,
    ready,
    token_of,
)
from controlplane import ControlPlane, OperatorProcess
from faultproxy import FaultProxy, Seen

GOOD = ("True", "AllChecksPassed")
EXPIRED = ("False", "TokenExpired")
STRANGE = ("False", "SignatureInvalid")
EARLY = ("False", "NotYetValid")
COMPARE_S = 2.0
SILENT_S = 35.0  # silence on a watch is borne for half a minute
KOPF_RESTARTS = "tokencheck_kopf_restarts_total"
Behind = tuple[Road, OperatorProcess]


@pytest.fixture(scope="module")
def behind(
    controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("operator")
    with operator_behind(controlplane, folder, "--compare-every", str(COMPARE_S)) as both:
        yield both


@pytest.fixture
def road(behind: Behind) -> Iterator[Road]:
    yield behind[0]
    behind[0].do(FaultProxy.allow)


@pytest.fixture
def running(behind: Behind) -> OperatorProcess:
    return behind[1]


def stand(shop: Shop, *names: str) -> None:
    """Checks with a good token each."""
    provider = {"providerRef": {"name": shop.provider()}}
    for name in names or ("payments",):
        shop.secret(name, shop.signer.token())
        shop.check(name, listed(name, **provider))
    for name in names or ("payments",):
        shop.reads(name, *GOOD)


def wait_metric(
    process: OperatorProcess, name: str, above: float, *, timeout_s: float = 60
) -> None:
    deadline = time.monotonic() + timeout_s
    while process.metrics().get(name, 0.0) <= above:
        assert time.monotonic() < deadline, f"{name} is {process.metrics().get(name)}"
        time.sleep(0.05)


# Watches that break


def error(code: int) -> Callable[[FaultProxy], Any]:
    return lambda proxy: proxy.inject_error(code)


def garbage(proxy: FaultProxy) -> Any:
    return proxy.inject(b'{"type":"ADDED","object":{"metadata":{"na', watches("secrets"))


FAULTS = {
    "cut": FaultProxy.cut,
    "expired": error(410),
    "error": error(500),
    "timeout": error(504),
    "garbage": garbage,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_changes_around_a_broken_watch_are_all_judged(
    shop: Shop, road: Road, running: OperatorProcess, fault: str
) -> None:
    stand(shop, "before", "after", "lost")
    shop.secret("before", shop.signer.expired())
    # What the server sent and nobody received.
    road.do(lambda proxy: proxy.drop_events(lambda _: fault in ("expired", "error", "timeout")))
    shop.secret("lost", Signer().token())
    shop.check("new", listed("lost", providerRef={"name": shop.namespace}))
    road.do(FAULTS[fault])
    road.do(FaultProxy.allow)
    shop.secret("after", shop.signer.expired())
    shop.reads("before", *EXPIRED)
    shop.reads("after", *EXPIRED)
    shop.reads("lost", *STRANGE)
    shop.reads("new", *STRANGE)
    assert running.get("/healthz")[0] == 200
    for name in ("before", "after", "lost"):
        shop.secret(name, shop.signer.token())
        shop.reads(name, *GOOD)


@pytest.mark.usefixtures("running")
def test_a_change_that_one_check_has_read_is_told_to_the_other_by_no_watch(
    shop: Shop, road: Road
) -> None:
    """They share the Secret: what one of them reads is news for both."""
    stand(shop)
    shop.check("second", listed("payments", providerRef={"name": shop.namespace}))
    shop.reads("second", *GOOD)
    road.do(lambda proxy: proxy.drop_events(lambda it: it["object"]["kind"] != "TokenCheck"))
    shop.secret("payments", shop.signer.expired())
    shop.annotate("TokenCheck", "payments", check_now="1")
    shop.reads("payments", *EXPIRED)
    shop.reads("second", *EXPIRED)


def test_frozen_watches_are_given_up_and_what_they_kept_back_is_found(
    shop: Shop, road: Road, running: OperatorProcess
) -> None:
    """Connections stay open and nothing comes any more: only silence shows it."""
    stand(shop)
    road.do(FaultProxy.freeze)
    shop.check("new", listed("payments", providerRef={"name": shop.namespace}))
    shop.reads("new", *GOOD, timeout_s=COMPARE_S * 3)
    shop.secret("payments", shop.signer.expired())
    began = time.monotonic()
    shop.reads("payments", *EXPIRED, timeout_s=SILENT_S)
    shop.reads("new", *EXPIRED)
    print(f"a frozen watch of Secrets was given up after {time.monotonic() - began:.1f} s")
    assert running.get("/healthz")[0] == 200


def test_an_error_in_kopf_s_stream_restarts_kopf_and_nothing_else(
    shop: Shop, road: Road, running: OperatorProcess
) -> None:
    stand(shop)
    before, lists = running.metrics(), road.proxy.count("get", "/secrets")
    road.do(lambda proxy: proxy.inject_error(500, watches("tokenchecks")))
    # The rest goes on while Kopf is away.
    shop.secret("payments", shop.signer.expired())
    shop.reads("payments", *EXPIRED, timeout_s=8)
    wait_metric(running, KOPF_RESTARTS, before[KOPF_RESTARTS])
    assert running.metrics()["tokencheck_passes_failed_total"] == 0
    assert road.proxy.count("get", "/secrets") == lists
    shop.check("new", listed("payments", providerRef={"name": shop.namespace}))
    shop.reads("new", *EXPIRED)


def test_a_check_that_was_deleted_while_nobody_looked_is_forgotten(
    shop: Shop, road: Road, running: OperatorProcess
) -> None:
    stand(shop, "kept", "gone")

    def series(name: str) -> list[str]:
        labels = f'namespace="{shop.namespace}",name="{name}"'
        return [sample for sample in running.metrics() if labels in sample]

    eventually(lambda: series("gone"))
    road.do(lambda proxy: proxy.drop_events(lambda event: event["type"] == "DELETED"))
    shop.delete("TokenCheck", "gone")
    deadline = time.monotonic() + COMPARE_S * 4
    while series("gone"):
        assert time.monotonic() < deadline, series("gone")
        time.sleep(0.05)
    assert series("kept")


# Requests that are refused


@pytest.mark.parametrize("status", [409, 429, 500, 503])
@pytest.mark.parametrize("write", [False, True])
def test_refused_requests_are_made_again_until_the_verdict_stands(
    shop: Shop, road: Road, running: OperatorProcess, status: int, write: bool
) -> None:
    stand(shop)

    def met(seen: Seen) -> bool:
        asked = "/tokenchecks/payments/status" if write else "/secrets/payments"
        return seen.path.endswith(asked)

    road.do(lambda proxy: proxy.refuse(status, met, times=3))
    shop.secret("payments", shop.signer.expired())
    shop.reads("payments", *EXPIRED)
    # No answer about the Secret is no verdict on the token.
    shown = {ready(one.object) for one in shop.history("payments")}
    assert shown <= {("Unknown", "Pending"), GOOD, EXPIRED, ("Unknown", "ReadFailed")}
    assert running.metrics()["tokencheck_passes_failed_total"] == 0


# Somebody else writes


def forged(found: Object) -> Object:
    """The status with Ready=True, else as it stands."""
    lie = {"status": "True", "reason": "AllChecksPassed", "message": "All is well"}
    conditions = [
        one | lie if one["type"] == "Ready" else one for one in found["status"]["conditions"]
    ]
    return {"status": {"conditions": conditions}}


@pytest.mark.usefixtures("running")
def test_a_status_that_somebody_else_wrote_is_put_right(shop: Shop) -> None:
    stand(shop)
    shop.secret("payments", shop.signer.token(nbf=int(time.time()) + 3600))
    found = shop.reads("payments", *EARLY)
    # The last one also takes everything away that the operator wrote.
    for body in (forged(found), forged(found), {"status": None}):
        written = shop.admin.patch(
            "TokenCheck", "payments", body, shop.namespace, subresource="status"
        )
        version = int(written["metadata"]["resourceVersion"])
        found = shop.wait(
            "payments",
            lambda it, forgery=version: (
                int(it["metadata"]["resourceVersion"]) > forgery and ready(it) == EARLY
            ),
        )
        assert condition(found, "Unexpired")["status"] == "False"
        assert token_of(found)["reason"] == "NotYetValid"


@pytest.mark.usefixtures("running")
def test_a_status_that_is_written_over_ours_before_its_answer_came_is_put_right(
    shop: Shop, road: Road
) -> None:
    stand(shop)
    road.do(lambda proxy: proxy.hold(lambda seen: seen.path.endswith("/payments/status")))
    try:
        shop.secret("payments", shop.signer.token(nbf=int(time.time()) + 3600))
        found = shop.reads("payments", *EARLY)
        body, of = forged(found), {"subresource": "status"}
        shop.admin.patch("TokenCheck", "payments", body, shop.namespace, **of)
        # Shows that what came before it on the watch has come.
        shop.check("later", listed("payments", providerRef={"name": shop.namespace}))
        shop.reads("later", *EARLY)
        assert ready(shop.admin.get("TokenCheck", "payments", shop.namespace)) == GOOD
    finally:
        road.do(FaultProxy.release)
    shop.reads("payments", *EARLY, timeout_s=40)


@pytest.mark.usefixtures("running")
def test_foreign_conditions_are_left_alone(shop: Shop) -> None:
    stand(shop)
    found = shop.admin.get("TokenCheck", "payments", shop.namespace)
    theirs = {
        "type": "example.com/Reviewed",
        "status": "True",
        "reason": "Reviewed",
        "message": "by alice",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    body = {"status": {"conditions": [*found["status"]["conditions"], theirs]}}
    shop.admin.patch("TokenCheck", "payments", body, shop.namespace, subresource="status")
    shop.secret("payments", shop.signer.expired())
    found = shop.reads("payments", *EXPIRED)
    assert condition(found, "example.com/Reviewed") == theirs


# Servers and operators that die


def test_verdicts_are_right_after_the_api_server_was_killed(
    shop: Shop, controlplane: ControlPlane, running: OperatorProcess
) -> None:
    stand(shop, "one", "two")
    for token, expected in ((shop.signer.expired(), EXPIRED), (shop.signer.token(), GOOD)):
        controlplane.restart_apiserver(kill=True, down_s=0.5)
        # At once, before anybody's watch is open again.
        shop.secret("one", token)
        began = time.monotonic()
        shop.reads("one", *expected, timeout_s=60)
        shop.secret("two", token)
        shop.reads("two", *expected)
        print(f"the first verdict after the restart took {time.monotonic() - began:.1f} s")
    shop.check("three", listed("one", providerRef={"name": shop.namespace}))
    shop.reads("three", *GOOD, timeout_s=60)
    eventually(lambda: running.get("/readyz")[0] == 200)
    running.server.require_alive()


class Assassin:
    """Kills an operator when its n-th request comes by, before the server gets it."""

    def __init__(self, process: OperatorProcess, nth: int) -> None:
        self._process = process
        self._left = nth

    def __call__(self, _: Seen) -> bool:
        self._left -= 1
        if self._left == 0:
            os.kill(self._process.server.pid, signal.SIGKILL)
        # What comes after its death is refused: it was sent before.
        return self._left <= 0


def wait_killed(process: OperatorProcess) -> None:
    deadline = time.monotonic() + 20
    while process.server.exit_code is None:
        assert time.monotonic() < deadline, process.server.log_tail()
        time.sleep(0.01)
    assert process.server.exit_code == -signal.SIGKILL


# (whether it runs already when the changes come, which request is its last)
DEATHS = [(False, n) for n in (1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20)]
DEATHS += [(True, n) for n in (1, 2, 3, 4, 5, 6, 7)]


def change_everything(shop: Shop, number: int) -> set[str]:
    """A Secret, a workload and a spec change; returns versions of Secrets that are bad."""
    good = number % 2 == 0
    token = shop.signer.token() if good else shop.signer.expired()
    version = shop.secret("payments", token)["metadata"]["resourceVersion"]
    annotations = {"metadata": {"annotations": {"example.com/roll": str(number)}}}
    body = {"spec": {"template": annotations}}
    shop.admin.patch("Deployment", "checkout", body, shop.namespace)
    shop.change("spec", tokens=[listed("payments" if good else "other")])
    return set() if good else {version}


def test_an_operator_that_is_killed_at_any_request_leaves_nothing_wrong(
    shop: Shop, road: Road, running: OperatorProcess, controlplane: ControlPlane, tmp_path: Any
) -> None:
    """It dies before the server gets the request: so also after the one before was answered."""
    running.stop()  # two operators would hide each other's deaths
    provider = {"providerRef": {"name": shop.provider()}}
    shop.secret("other", shop.signer.token())
    shop.secret("payments", shop.signer.token())
    shop.workload("checkout", pod_spec(env("payments")))
    shop.check("secret", listed("payments", **provider))
    shop.check("rollout", listed("payments", **provider), workload="Deployment/checkout")
    shop.check("spec", listed("payments"))
    victim = OperatorProcess(road.kubeconfig, tmp_path / "victim.log", plane=controlplane)
    bad: set[str] = set()
    try:
        for number, (runs, nth) in enumerate(DEATHS):
            if runs:
                victim.start()
            else:
                bad |= change_everything(shop, number)
            road.do(lambda proxy, nth=nth: proxy.refuse(503, Assassin(victim, nth)))
            if runs:
                bad |= change_everything(shop, number)
            else:
                victim.start(ready=False)
            wait_killed(victim)
            road.do(FaultProxy.allow)
        bad |= change_everything(shop, 1)
        victim.start()
        ends_right(shop)
    finally:
        victim.stop()
        running.start()
    # At no time did a bad Secret look good.
    for name in ("secret", "rollout"):
        for one in shop.history(name):
            if ready(one.object)[0] == "True":
                assert token_of(one.object)["resourceVersion"] not in bad


def ends_right(shop: Shop) -> None:
    shop.reads("secret", *EXPIRED)
    shop.reads("rollout", *EXPIRED)
    spec = shop.wait("spec", is_current)
    assert spec["status"]["tokens"][0]["source"] == f'Secret {shop.namespace}/other key "token"'
    shop.secret("payments", shop.signer.token())
    shop.reads("secret", *GOOD)
    generation = shop.admin.get("Deployment", "checkout", shop.namespace)["metadata"]["generation"]
    found = shop.wait(
        "rollout",
        lambda it: it["status"].get("rollout", {}).get("verifiedGeneration") == generation,
        timeout_s=30,
    )
    assert ready(found)[0] == "True"
