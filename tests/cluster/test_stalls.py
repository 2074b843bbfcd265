"""A process that stands still for seconds, or whose threads fight for the interpreter, is borne.

No kubelet kills it for that, nobody leads beside another, and verdicts tell the time as it was.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cluster.replicas import Replica, TwoLeaders, replicas, wait
from cluster.shop import Shop, condition, listed
from controlplane import ControlPlane
from controlplane.launch import render_chart

GOOD = ("True", "AllChecksPassed")
NEAR = ("True", "PassedWithWarnings")
EXPIRED = ("False", "TokenExpired")
STALL_S = 5.0
HOG_S = 10.0
PATIENCE_S = 40.0
# Python runs it at its start. The handler of a signal runs in the main thread, which is the loop's.
SABOTAGE = f"""
import signal, threading, time

def hold_the_loop(*_):
    time.sleep({STALL_S})

def take_the_interpreter(*_):
    until = time.monotonic() + {HOG_S}
    def run():
        while time.monotonic() < until:
            pass
    threading.Thread(target=run, daemon=True).start()

signal.signal(signal.SIGUSR1, hold_the_loop)
signal.signal(signal.SIGUSR2, take_the_interpreter)
"""
Pair = list[Replica]


@pytest.fixture
def pair(controlplane: ControlPlane, tmp_path: Path) -> Iterator[Pair]:
    (tmp_path / "sitecustomize.py").write_text(SABOTAGE)
    with replicas(controlplane, tmp_path, env={"PYTHONPATH": str(tmp_path)}) as both:
        yield both


def killed_after_s() -> float:
    """How long a kubelet waits for a sign of life, as the chart has it."""
    (deployment,) = [one for one in render_chart() if one["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    probe: dict[str, Any] = container["livenessProbe"]
    return float(probe["periodSeconds"] * (probe["failureThreshold"] - 1))


class Probes:
    """Asks all the time whether a process lives. Use it with ``with``."""

    def __init__(self, replica: Replica) -> None:
        self.refused: list[str] = []
        self.longest_s = 0.0  # from one good answer to the next
        self._process = replica.process
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Probes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(20)

    def _ask(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(0.2):
            code, body = self._process.get("/healthz")
            if code == 503:
                self.refused.append(body)
            now = time.monotonic()
            self.longest_s = max(self.longest_s, now - last)
            last = now if code == 200 else last


def turned(shop: Shop, name: str, expected: tuple[str, str], *, not_before: float) -> None:
    """The verdict is so, and tells a time between the cause and now."""
    found = shop.reads(name, *expected, timeout_s=PATIENCE_S)
    told = datetime.fromisoformat(condition(found, "Ready")["lastTransitionTime"]).timestamp()
    assert int(not_before) <= told <= time.time() + 1


@pytest.mark.parametrize("trouble", ["the loop stands still", "a thread takes the interpreter"])
def test_it_lives_leads_alone_and_tells_the_time_as_it_was(
    shop: Shop, pair: Pair, trouble: str
) -> None:
    leader, other = pair
    provider = {"providerRef": {"name": shop.provider()}}
    for name in ("rotated", "ending"):
        shop.secret(name, shop.signer.token())
        shop.check(name, listed(name, **provider))
        shop.reads(name, *GOOD, timeout_s=PATIENCE_S)
    with Probes(leader) as probes, TwoLeaders(leader, other):
        now = int(time.time())
        shop.secret("ending", shop.signer.token(iat=now - 100, exp=now + 4))
        shop.reads("ending", *NEAR)
        stalls = trouble == "the loop stands still"
        os.kill(leader.process.server.pid, signal.SIGUSR1 if stalls else signal.SIGUSR2)
        time.sleep(0.5)
        rotated_at = time.time()
        shop.secret("rotated", shop.signer.expired())
        turned(shop, "rotated", EXPIRED, not_before=rotated_at)
        turned(shop, "ending", EXPIRED, not_before=now + 4)
        wait(lambda: leader.health()[0] in (200, 503))
        if stalls:
            assert leader.process.metrics()["tokencheck_loop_lag_seconds"] > STALL_S / 2
        wait(lambda: leader.leads() != other.leads())
    print(f"{trouble}: {probes.longest_s:.1f} s without a sign of life")
    assert not probes.refused
    assert probes.longest_s < killed_after_s() / 2
