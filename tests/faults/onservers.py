"""Faults of the processes behind the operator: API servers and etcd are killed, frozen, full."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass, field, replace

from controlplane import Api, ApiError, commands
from controlplane.etcd import ask
from controlplane.process import Server, free_ports, wait_listening
from faults.excuses import Cost
from faults.fault import Fault, Idle, Site
from faults.proxy import Road
from faults.recorder import FLAGS

# The API server starts within seconds; who watches comes back with a back-off of up to ten.
# An Event is tried five times within about seven seconds; on a busy machine the start takes longer.
SERVED = Cost(fresh_s=25.0, late_s=10.0, unknown=True, untold=True)
_PATIENCE_S = 60.0
SECOND = "second kube-apiserver"
FROZEN = Cost(fresh_s=8.0, late_s=8.0, unknown=True)


def freeze(server: Server, seconds: float) -> int:
    """SIGSTOP, and SIGCONT after a while."""
    os.killpg(server.pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        os.killpg(server.pid, signal.SIGCONT)
    return 1


@dataclass(kw_only=True)
class Frozen(Idle):
    """A process stands still for a while: ``operator``, ``kube-apiserver`` or ``etcd``."""

    which: str
    shortest_s: float = 0.3
    longest_s: float = 3.0

    def begin(self, site: Site, chance: random.Random) -> int:
        """It stands still, and goes on."""
        server = site.leader.server if self.which == "operator" else site.plane.servers[self.which]
        return freeze(server, chance.uniform(self.shortest_s, self.longest_s))


@dataclass(kw_only=True)
class ServerKilled(Idle):
    """The API server is killed and comes back."""

    def begin(self, site: Site, chance: random.Random) -> int:
        """It is away for a moment."""
        site.plane.restart_apiserver(kill=True, down_s=chance.uniform(0, 1.0))
        return 1


@dataclass(kw_only=True)
class EtcdKilled(Idle):
    """Etcd is killed and comes back with its data."""

    def begin(self, site: Site, chance: random.Random) -> int:
        """It is away for a moment."""
        etcd = site.plane.servers["etcd"]
        etcd.stop(kill=True)
        time.sleep(chance.uniform(0, 1.0))
        etcd.start()
        site.plane.guard(etcd)
        wait_listening(etcd, site.plane.at.etcd_port)
        return 1


@dataclass(kw_only=True)
class OtherServer(Idle):
    """Two API servers on one etcd: requests and watches go to the other one, and back again."""

    _url: str = ""
    _away: bool = False
    _server: Server | None = field(default=None, repr=False)

    def begin(self, site: Site, chance: random.Random) -> int:
        """The second one runs."""
        self._start(site)
        return 0

    def strike(self, site: Site, chance: random.Random) -> int:
        """All connections are cut and go to the other one."""
        return self._turn(site) if chance.random() < 0.3 else 0

    def end(self, site: Site) -> int:
        """They go to the first one, and the second one is gone: it costs as much as the first."""
        made = self._turn(site) if self._away else 0
        del site.plane.servers[SECOND]
        assert self._server is not None
        self._server.stop()
        return made

    def _turn(self, site: Site) -> int:
        def switch(road: Road) -> int:
            self._url = road.turn_to(self._url)
            cut = road.open_streams
            road.cut()
            return cut + 1

        self._away = not self._away
        return int(str(site.do(switch)))

    def _start(self, site: Site) -> None:
        port = free_ports(1)[0]
        at = replace(site.plane.at, api_port=port)
        extra = [*FLAGS, f"--audit-log-path={at.folder / 'audit-2.log'}"]
        command = commands.kube_apiserver(at, extra)
        self._server = Server(SECOND, command, at.folder / "second.log")
        self._server.start()
        site.plane.guard(self._server)
        site.plane.servers[SECOND] = self._server
        wait_listening(self._server, port, timeout_s=60)
        _wait_ready(site, self._server, port)
        self._url = f"https://127.0.0.1:{port}"


def _wait_ready(site: Site, server: Server, port: int) -> None:
    """A balancer sends nobody to an API server that has not read the roles yet."""
    token = site.plane.token_of("admin")
    api = Api("127.0.0.1", port, str(site.plane.at.ca_file), token)
    deadline = time.monotonic() + _PATIENCE_S
    try:
        while True:
            server.require_alive()
            try:
                api.request("GET", "/readyz")
            except (OSError, ApiError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return
    finally:
        api.close()


@dataclass(kw_only=True)
class EtcdFull(Idle):
    """Etcd has no space left: it answers reads and takes no write but deletions."""

    def begin(self, site: Site, chance: random.Random) -> int:
        """The alarm that etcd raises by itself when its disk quota is used up."""
        _alarm(site, "ACTIVATE")
        return 1

    def end(self, site: Site) -> int:
        """Space was made, and the alarm disarmed."""
        _alarm(site, "DEACTIVATE")
        return 0


def _alarm(site: Site, action: str) -> None:
    port = site.plane.at.etcd_port
    member = ask(port, "maintenance/status", {})["header"]["member_id"]
    ask(port, "maintenance/alarm", {"action": action, "memberID": member, "alarm": "NOSPACE"})
    alarms = ask(port, "maintenance/alarm", {"action": "GET"}).get("alarms")
    assert bool(alarms) == (action == "ACTIVATE"), alarms


def server_faults() -> list[Fault]:
    """Every class of faults of API servers and etcd."""
    return [
        ServerKilled(name="API server killed", cost=SERVED, lasts_s=0.1, weight=0.2),
        Frozen(name="API server frozen", which="kube-apiserver", cost=FROZEN, lasts_s=0.1),
        OtherServer(name="another API server", cost=SERVED, lasts_s=2.0, weight=0.5),
        EtcdKilled(name="etcd killed", cost=SERVED, lasts_s=0.1, weight=0.2),
        Frozen(name="etcd frozen", which="etcd", cost=FROZEN, lasts_s=0.1, longest_s=2.0),
        EtcdFull(name="etcd full", cost=SERVED, lasts_s=3.0, weight=0.2),
    ]
