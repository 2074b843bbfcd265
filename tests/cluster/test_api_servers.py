"""Several API servers on one etcd, behind a balancer: one dies, one lags behind, etcd is away.

The operator converges, and no verdict is ever drawn from an older state than one that it acted on.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from cluster.shop import Shop, listed, ready, token_of
from cluster.store import store_on
from controlplane import ControlPlane, OperatorProcess, commands
from controlplane.launch import grant_operator
from controlplane.process import free_ports, wait_listening
from controlplane.relay import Relay

GOOD = ("True", "AllChecksPassed")
EXPIRED = ("False", "TokenExpired")
# A frozen watch is given up after half a minute; a request to a frozen server as well.
SILENT_S = 90.0


class Pair:
    """A control plane with a second API server, whose road to etcd can be blocked."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.to_etcd = Relay(plane.at.etcd_port)
        (port,) = free_ports(1)
        self.second = replace(plane.at, api_port=port, etcd_port=self.to_etcd.port)
        key = plane.at.ca_file.with_suffix(".key")
        flags = [f"--tls-cert-file={plane.at.ca_file}", f"--tls-private-key-file={key}"]
        flags.append(f"--audit-log-path={plane.folder / 'audit-2.log'}")
        plane.launch("second", commands.kube_apiserver(self.second, flags))
        wait_listening(plane.servers["second"], port)
        self.balancer = Relay(plane.at.api_port, port)

    def close(self) -> None:
        for relay in (self.balancer, self.to_etcd):
            relay.close()

    def kubeconfig(self, path: Path) -> Path:
        """The operator's, by way of the balancer."""
        config = yaml.safe_load(grant_operator(self.plane).read_text())
        for one in config["clusters"]:
            one["cluster"]["server"] = f"https://127.0.0.1:{self.balancer.port}"
        path.write_text(yaml.safe_dump(config))
        return path


@pytest.fixture(scope="module")
def pair(checkout: Path) -> Iterator[Pair]:
    with ControlPlane(parts=()) as plane:
        plane.install(*sorted((checkout / "crds").glob("*.yaml")))
        pair = Pair(plane)
        yield pair
        pair.close()


@pytest.fixture(scope="module")
def running(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    folder = tmp_path_factory.mktemp("operator")
    config = pair.kubeconfig(folder / "kubeconfig")
    process = OperatorProcess(config, folder / "operator.log", plane=pair.plane)
    yield process.start()
    process.server.require_alive()
    process.stop()
    print(f"--- the operator's log ({process.log}):\n{process.server.log_tail()}")


@pytest.fixture
def store(pair: Pair, running: OperatorProcess) -> Iterator[Shop]:  # noqa: ARG001 - it judges
    with store_on(pair.plane) as shop:
        yield shop


def stand(store: Shop) -> None:
    store.secret("payments", store.signer.token())
    store.check("payments", listed("payments", providerRef={"name": store.provider()}))
    store.reads("payments", *GOOD)


def turn(store: Shop, number: int, *, timeout_s: float) -> None:
    """The next token is a bad one, then a good one, and so on; the verdict follows."""
    token, expected = (
        (store.signer.expired(), EXPIRED) if number % 2 == 0 else (store.signer.token(), GOOD)
    )
    version = store.secret("payments", token)["metadata"]["resourceVersion"]
    began = time.monotonic()
    store.wait(
        "payments",
        lambda it: ready(it) == expected and token_of(it).get("resourceVersion") == version,
        timeout_s=timeout_s,
    )
    print(f"turn {number}: {time.monotonic() - began:.1f} s")


def never_back(store: Shop) -> None:
    """Each verdict was drawn from a state at least as new as the one before."""
    shown = [one.object for one in store.history("payments")]
    # No answer about a Secret or a provider is no verdict on the token.
    said = {ready(one) for one in shown if ready(one)[0] in ("True", "False")}
    assert said <= {GOOD, EXPIRED}
    versions = [int(v) for one in shown if (v := token_of(one).get("resourceVersion"))]
    assert versions == sorted(versions)


def test_either_api_server_may_die_and_come_back(pair: Pair, store: Shop) -> None:
    stand(store)
    plane = pair.plane
    plane.end("second", kill=True)
    pair.balancer.lead_to(plane.at.api_port)
    turn(store, 0, timeout_s=60)
    turn(store, 1, timeout_s=30)
    plane.begin("second")
    wait_listening(plane.servers["second"], pair.second.api_port)
    pair.balancer.lead_to(plane.at.api_port, pair.second.api_port)
    pair.balancer.cut()
    turn(store, 2, timeout_s=60)
    turn(store, 3, timeout_s=30)
    never_back(store)


def test_an_api_server_that_lags_behind_holds_nobody_up_for_long_and_makes_no_wrong_verdict(
    pair: Pair, store: Shop, running: OperatorProcess
) -> None:
    """It is up and serves what it had; its road to etcd is blocked."""
    stand(store)
    pair.balancer.cut()  # connections and watches are spread over both anew
    turn(store, 0, timeout_s=60)
    pair.to_etcd.block()
    try:
        for number in (1, 2, 3):
            turn(store, number, timeout_s=SILENT_S)
    finally:
        pair.to_etcd.unblock()
    turn(store, 4, timeout_s=SILENT_S)
    turn(store, 5, timeout_s=60)
    never_back(store)
    assert running.get("/healthz")[0] == 200


def test_an_operator_that_starts_while_one_api_server_lags_behind_judges_by_the_state_of_now(
    pair: Pair, store: Shop, running: OperatorProcess
) -> None:
    """Sieve's time travel: a restart onto a server whose state is an old one."""
    stand(store)
    pair.to_etcd.block()
    try:
        running.stop(kill=True)
        store.secret("payments", store.signer.expired())
        running.start(ready=False)
        store.reads("payments", *EXPIRED, timeout_s=SILENT_S)
    finally:
        pair.to_etcd.unblock()
    running.wait_ready(timeout_s=60)
    turn(store, 1, timeout_s=SILENT_S)
    never_back(store)


def test_etcd_may_be_away_or_stand_still_for_a_while(pair: Pair, store: Shop) -> None:
    stand(store)
    plane = pair.plane
    plane.end("etcd", kill=True)
    time.sleep(1)
    plane.begin("etcd")
    wait_listening(plane.servers["etcd"], plane.at.etcd_port)
    turn(store, 0, timeout_s=SILENT_S)
    os.kill(plane.servers["etcd"].pid, signal.SIGSTOP)
    try:
        time.sleep(3)
    finally:
        os.kill(plane.servers["etcd"].pid, signal.SIGCONT)
    turn(store, 1, timeout_s=SILENT_S)
    turn(store, 2, timeout_s=60)
    never_back(store)
