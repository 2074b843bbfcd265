"""Etcd of three members: one of them dies, its leader dies, two die.

Verdicts go on with any two; with one alone nothing can be written, and nothing wrong is said.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.shop import Shop, eventually, listed, ready, token_of
from cluster.store import store_on
from controlplane import ApiError, ControlPlane, OperatorProcess, commands
from controlplane.etcd import ask
from controlplane.launch import grant_operator
from controlplane.process import free_ports, wait_listening

GOOD = ("True", "AllChecksPassed")
EXPIRED = ("False", "TokenExpired")
# The API server looks for another member with a back-off of its own.
PATIENCE_S = 90.0
IN_FLIGHT_S = 2.0
MEMBERS = ("etcd", "etcd-2", "etcd-3")


class Members:
    """Three members of etcd and one API server that knows all of them."""

    def __init__(self) -> None:
        ports = free_ports(4)
        self._free = {"etcd-2": (ports[0], ports[1]), "etcd-3": (ports[2], ports[3])}
        more = ",".join(f"http://127.0.0.1:{port}" for port, _ in self._free.values())
        self.plane = ControlPlane(parts=(), apiserver_flags=(f"--etcd-servers={more}",))
        self.port: dict[str, int] = {}

    def grow(self) -> None:
        """The two others join, one after the other, as etcd wants it."""
        at = self.plane.at
        self.port["etcd"] = at.etcd_port
        cluster = f"default=http://127.0.0.1:{at.peer_port}"
        for name, (client, peer) in self._free.items():
            url = f"http://127.0.0.1:{peer}"
            cluster += f",{name}={url}"
            mine = replace(at, folder=self.plane.folder / name, etcd_port=client, peer_port=peer)
            eventually(lambda url=url: self._joins(url), timeout_s=PATIENCE_S)
            joining = [f"--name={name}", f"--initial-cluster={cluster}"]
            joining += ["--initial-cluster-state=existing"]
            self.plane.launch(name, [*commands.etcd(mine), *joining])
            wait_listening(self.plane.servers[name], client)
            self.port[name] = client
            eventually(self.leader, timeout_s=PATIENCE_S)

    def _joins(self, url: str) -> bool:
        """A member is only taken while all others are well."""
        try:
            ask(self.plane.at.etcd_port, "cluster/member/add", {"peerURLs": [url]})
        except OSError:
            return False
        return True

    def leader(self) -> str:
        """The member that leads; "" while none does."""
        for name, port in self.port.items():
            try:
                said = ask(port, "maintenance/status", {})
            except OSError:  # it is dead
                continue
            if said.get("leader") == said["header"]["member_id"]:
                return name
        return ""

    @contextmanager
    def dead(self, *names: str) -> Iterator[None]:
        """SIGKILL; after the block they are back, with what they knew."""
        for name in names:
            self.plane.end(name, kill=True)
        try:
            yield
        finally:
            for name in names:
                self.plane.begin(name)
            for name in names:
                wait_listening(self.plane.servers[name], self.port[name])
            eventually(self.leader, timeout_s=PATIENCE_S)
            eventually(self._writes, timeout_s=PATIENCE_S)

    def _writes(self) -> bool:
        """Whether the API server has found a member that takes a write."""
        probe = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "writes-"}}
        try:
            return bool(self.plane.api().create(probe))
        except (OSError, ApiError):
            return False


@pytest.fixture(scope="module")
def members(checkout: Path) -> Iterator[Members]:
    made = Members()
    with made.plane:
        made.grow()
        made.plane.install(*sorted((checkout / "crds").glob("*.yaml")))
        yield made


@pytest.fixture(scope="module")
def running(
    members: Members, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    process = OperatorProcess(grant_operator(members.plane), log, plane=members.plane)
    yield process.start()
    process.server.require_alive()
    process.stop()
    print(f"--- the operator's log ({process.log}):\n{process.server.log_tail()}")


@pytest.fixture
def store(members: Members, running: OperatorProcess) -> Iterator[Shop]:  # noqa: ARG001 - it judges
    with store_on(members.plane) as shop:
        shop.secret("payments", shop.signer.token())
        shop.check("payments", listed("payments", providerRef={"name": shop.provider()}))
        shop.reads("payments", *GOOD, timeout_s=PATIENCE_S)
        yield shop


def follows(store: Shop, *, good: bool) -> None:
    """The next token is written, and its verdict is that of just this version."""
    token = store.signer.token() if good else store.signer.expired()
    written: list[str] = []

    def is_written() -> bool:
        try:
            written.append(store.secret("payments", token)["metadata"]["resourceVersion"])
        except (OSError, ApiError):  # an API server that looks for a leader
            return False
        return True

    eventually(is_written, timeout_s=PATIENCE_S)
    expected = GOOD if good else EXPIRED
    store.wait(
        "payments",
        lambda it: ready(it) == expected and token_of(it)["resourceVersion"] == written[-1],
        timeout_s=PATIENCE_S,
    )
    shown = {ready(one.object) for one in store.history("payments")}
    assert {one for one in shown if one[0] != "Unknown"} <= {GOOD, EXPIRED}


@pytest.mark.parametrize("leads", [False, True])
def test_any_one_member_may_die(members: Members, store: Shop, *, leads: bool) -> None:
    leader = members.leader()
    dies = leader if leads else next(name for name in MEMBERS if name != leader)
    with members.dead(dies):
        follows(store, good=False)
        follows(store, good=True)
    follows(store, good=False)


def test_without_a_majority_nothing_is_said_and_with_it_all_goes_on(
    members: Members, store: Shop, running: OperatorProcess
) -> None:
    with members.dead("etcd-2", "etcd-3"):
        time.sleep(IN_FLIGHT_S)  # what was written before may still be on its way to the watch
        before = len(store.history("payments"))
        time.sleep(5)
        assert len(store.history("payments")) == before
        assert running.get("/healthz")[0] == 200
    follows(store, good=False)
    follows(store, good=True)
