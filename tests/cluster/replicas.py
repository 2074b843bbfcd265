"""Replicas of the operator, each on a road of its own, so that one sees who asked what."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cluster.ending import end
from cluster.road import Road
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.launch import grant_operator
from faultproxy import FaultProxy, Seen

PATIENCE_S = 40.0
LEASE = "tokencheck"


def is_status(seen: Seen) -> bool:
    """Matches writes of a status."""
    return seen.verb == "patch" and seen.path.endswith("/status")


def is_write(seen: Seen) -> bool:
    """Matches everything that a leader alone writes; a question about rights is no write."""
    asks = seen.path.endswith("/subjectaccessreviews")
    return seen.method != "GET" and not is_lease(seen) and not asks


def is_lease(seen: Seen) -> bool:
    """Matches what is about Leases, reads and watches too."""
    return "/leases" in seen.path


class Replica:
    """One operator, and the road that it goes."""

    def __init__(self, road: Road, process: OperatorProcess) -> None:
        """`process` goes `road`."""
        self.road = road
        self.process = process

    def leads(self, lease: str = LEASE) -> bool:
        """Whether it says now that it leads."""
        return leads(self.process, lease)

    def health(self) -> tuple[int, Mapping[str, Any]]:
        """Code and body of its readiness."""
        code, body = self.process.get("/readyz")
        return code, json.loads(body) if body else {}

    def writes(self, when: Callable[[Seen], bool] = is_write) -> int:
        """How many matching requests it has sent so far."""
        return sum(when(seen) for seen in list(self.road.proxy.seen))

    def kill(self) -> None:
        """It is gone, without a word."""
        self.process.stop(kill=True)

    def freeze(self) -> None:
        """It stands still and keeps its connections."""
        os.kill(self.process.server.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on as if nothing had been."""
        os.kill(self.process.server.pid, signal.SIGCONT)


def leads(process: OperatorProcess, lease: str = LEASE) -> bool:
    """Whether an operator says now that it leads."""
    return process.metrics().get(f'tokencheck_leader{{lease="{lease}"}}') == 1.0


@contextmanager
def replicas(
    plane: ControlPlane, folder: Path, *, count: int = 2, shards: int = 1, env: Any = None
) -> Iterator[list[Replica]]:
    """Ready replicas from one command line, the first the leader when there is one Lease.

    They find no check: what a test before left in an ending namespace would be written too.
    """
    clear(plane.api())
    config = grant_operator(plane, {"shards": shards})
    args = ("--shards", str(shards))
    with ExitStack() as stack:
        started = []
        for number in range(count):
            road = stack.enter_context(Road(config))
            log = folder / f"replica-{number}.log"
            process = OperatorProcess(
                road.kubeconfig, log, args=args, env=env, plane=plane, elects=True
            )
            stack.callback(_end, process)
            started.append(Replica(road, process.start(ready=False)))
        for replica in started:
            replica.process.wait_ready(timeout_s=PATIENCE_S)
        if shards == 1:
            wait(lambda: any(replica.leads() for replica in started))
            started.sort(key=Replica.leads, reverse=True)
        yield started


def clear(api: Api) -> None:
    """No TokenCheck stands in the cluster: ending namespaces keep theirs for a while."""
    api.delete_all("TokenCheck")
    wait(lambda: not api.list("TokenCheck"))


def _end(process: OperatorProcess) -> None:
    if process.server.exit_code is None:
        os.kill(process.server.pid, signal.SIGCONT)
    end(process)


def wait(holds: Callable[[], object], *, timeout_s: float = PATIENCE_S) -> float:
    """Returns when it holds, with the seconds that it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + timeout_s, f"it did not hold within {timeout_s} s"
        time.sleep(0.02)
    return time.monotonic() - began


class TwoLeaders:
    """Asks all replicas all the time who leads. Use it with ``with``; two at once fail it."""

    def __init__(self, first: Replica, *others: Replica) -> None:
        """`first` leads at the beginning, and never again."""
        self._first = first
        self._others = others
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.both: list[str] = []

    def __enter__(self) -> TwoLeaders:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)
        assert not self.both, "\n".join(self.both)

    def _ask(self) -> None:
        # The former leader is asked last: what it says then, it says while another leads.
        while not self._ended.wait(0.02):
            if any(other.leads() for other in self._others) and self._first.leads():
                self.both.append(f"two lead at {time.monotonic()}")


__all__ = ["LEASE", "FaultProxy", "Replica", "TwoLeaders", "replicas", "wait"]
