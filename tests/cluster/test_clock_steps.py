"""The clock is set while the operator runs, or the machine sleeps: verdicts follow the wall clock.

Only the operator's own clock is shifted (``clockshim``); it goes a road without TLS, or a shift of
a day would end its connections by their certificates.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.clockshim import MISSING, ShiftedClock
from cluster.road import Road, operator_behind
from cluster.shop import DAY_S, Object, Shop, eventually, listed, ready, token_of
from controlplane import ControlPlane, OperatorProcess

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

GOOD = ("True", "AllChecksPassed")
EXPIRED = ("False", "TokenExpired")
EARLY = ("False", "NotYetValid")
# A second or two are promised; a shared machine may need more.
GENEROUS_S = 6.0
STEPS = {"a minute": 60, "an hour": 3600, "a day": DAY_S}
# A zone whose daylight saving is half an hour: no time may be told in it, or be judged by it.
ZONE = {"TZ": "Australia/Lord_Howe"}


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> ShiftedClock:
    return ShiftedClock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def running(
    clock: ShiftedClock, controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    folder = tmp_path_factory.mktemp("operator")
    both: tuple[Road, OperatorProcess]
    with operator_behind(controlplane, folder, env=clock.env | ZONE) as both:
        yield both[1]


@pytest.fixture(autouse=True)
def true_time(clock: ShiftedClock) -> Iterator[None]:
    yield
    clock.step(-clock.shift_s)


def stand(shop: Shop, **claims: dict[str, Any]) -> None:
    """A check for each token with these claims, all made three days ago."""
    provider, now = shop.provider(clockSkew="0s"), int(time.time())
    long = {"iat": now - 3 * DAY_S, "exp": now + 90 * DAY_S}
    for name, changed in claims.items():
        shop.secret(name, shop.signer.token(**(long | changed)))
        shop.check(
            name, listed(name, providerRef={"name": provider}), policy={"expiringSoon": "Ignore"}
        )


def follows(shop: Shop, since: float, **expected: tuple[str, str]) -> float:
    """All checks say what is expected; returns how long after `since` the last of them did."""
    for name, verdict in expected.items():
        shop.reads(name, *verdict, timeout_s=GENEROUS_S)
    moved = [seen_at(shop, name, verdict) for name, verdict in expected.items()]
    return max(0.0, *(at - since for at in moved))


def seen_at(shop: Shop, name: str, verdict: tuple[str, str]) -> float:
    """When the watch showed the first of the last versions that all say this."""
    shop.seen(name, lambda found: ready(found) == verdict)
    at = 0.0
    for one in reversed(shop.history(name)):
        if ready(one.object) != verdict:
            break
        at = one.at
    return at


def test_the_shim_shifts_the_wall_clock_and_no_other(clock: ShiftedClock) -> None:
    code = (
        "import time, datetime as d; print(time.time(), d.datetime.now(d.UTC).timestamp(),"
        "time.clock_gettime(time.CLOCK_REALTIME), time.monotonic())"
    )
    clock.step(-3600)
    done = subprocess.run(
        [sys.executable, "-c", code], env=clock.env, capture_output=True, text=True, check=True
    )
    *walls, monotonic = (float(word) for word in done.stdout.split())
    assert all(abs(wall - clock.now()) < 5 for wall in walls)
    assert abs(monotonic - time.monotonic()) < 5


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("step_s", STEPS.values(), ids=STEPS)
def test_verdicts_follow_a_clock_that_is_set_forward_and_back(
    shop: Shop, clock: ShiftedClock, step_s: int
) -> None:
    now = int(time.time())
    stand(
        shop,
        lives={},
        ends={"exp": now + step_s - 15},
        dead={"exp": now - step_s // 2},
        began={"nbf": now - step_s // 2},
        begins={"nbf": now + step_s - 15},
    )
    true = {"lives": GOOD, "ends": GOOD, "dead": EXPIRED, "began": GOOD, "begins": EARLY}
    ahead = true | {"ends": EXPIRED, "begins": GOOD}
    behind = true | {"dead": GOOD, "began": EARLY}
    follows(shop, time.monotonic(), **true)
    late = [
        follows(shop, clock.step(by_s), **expected)
        for by_s, expected in ((step_s, ahead), (-step_s, true), (-step_s, behind))
    ]
    # Now those that ended while the test ran may end: only what is far away is looked at.
    far = {"lives": GOOD, "dead": EXPIRED, "began": GOOD}
    late.append(follows(shop, clock.step(step_s), **far))
    print("after the step:", ", ".join(f"{value:.2f} s" for value in late))
    assert {ready(one.object)[0] for one in shop.history("lives")} <= {"Unknown", "True"}


@pytest.mark.usefixtures("running")
def test_a_clock_that_jumps_by_a_second_back_and_forth_makes_no_verdict_wrong(
    shop: Shop, clock: ShiftedClock
) -> None:
    now = int(time.time())
    ends = {f"ends-{number}": now + 4 + number for number in range(8)}
    stand(shop, **{name: {"exp": end} for name, end in ends.items()})
    for _ in range(6):
        for by_s in (1, -1):
            clock.step(by_s)
            time.sleep(0.7)
    for name, end in ends.items():
        shop.reads(name, *EXPIRED, timeout_s=GENEROUS_S + 8)
        for one in shop.history(name):
            # The clock is at most a second ahead.
            assert ready(one.object) != EXPIRED or one.wall >= end - 1
            assert ready(one.object) != GOOD or one.wall <= end + GENEROUS_S


def stopped(running: OperatorProcess, during: Callable[[], Any]) -> float:
    """The process stands still meanwhile; returns ``time.monotonic()`` of when it goes on."""
    os.kill(running.server.pid, signal.SIGSTOP)
    try:
        during()
    finally:
        os.kill(running.server.pid, signal.SIGCONT)
    return time.monotonic()


def test_what_ended_while_the_machine_slept_is_told_when_it_wakes(
    shop: Shop, clock: ShiftedClock, running: OperatorProcess
) -> None:
    now = int(time.time())
    stand(shop, slept={"exp": now + 3600}, rotated={}, lives={})
    follows(shop, time.monotonic(), slept=GOOD, rotated=GOOD, lives=GOOD)

    def night() -> None:
        shop.secret("rotated", shop.signer.expired())
        clock.step(2 * 3600)
        time.sleep(2)

    woken = stopped(running, night)
    late = follows(shop, woken, slept=EXPIRED, rotated=EXPIRED, lives=GOOD)
    print(f"after waking up: {late:.2f} s")
    assert running.get("/healthz")[0] == 200
    running.server.require_alive()


def test_a_stopped_process_that_misses_an_end_tells_it_when_it_goes_on(
    shop: Shop, running: OperatorProcess
) -> None:
    stand(shop, ends={"exp": int(time.time()) + 5}, lives={})
    follows(shop, time.monotonic(), ends=GOOD, lives=GOOD)
    follows(shop, stopped(running, lambda: time.sleep(6)), ends=EXPIRED, lives=GOOD)


def test_every_time_is_told_in_utc_whatever_the_zone_of_the_process(
    shop: Shop, running: OperatorProcess
) -> None:
    before, end = int(time.time()), int(time.time()) + 3600
    stand(shop, ends={"exp": end})
    found: Object = shop.reads("ends", *GOOD)
    utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
    assert found["status"]["expirationTime"] == token_of(found)["expirationTime"] == utc
    # Without its zone it sorts before every time of its second, with and without fractions.
    earliest = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before))
    latest = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time()))
    for one in found["status"]["conditions"]:
        assert earliest <= one["lastTransitionTime"] <= latest
    told = shop.wait_event("ends", "TokenVerified")
    assert earliest <= told["eventTime"] <= latest.replace("Z", ".999999Z")
    lines = [line for line in running.log_lines() if shop.namespace in line["message"]]
    assert lines
    for line in lines:
        assert earliest <= line["time"] <= latest.replace("Z", ".999Z")


def test_a_clock_that_is_not_the_api_server_s_is_told_in_log_metric_and_readyz(
    shop: Shop, clock: ShiftedClock, running: OperatorProcess
) -> None:
    def skew() -> float:
        return running.metrics()["tokencheck_apiserver_clock_skew_seconds"]

    stand(shop, lives={})
    shop.reads("lives", *GOOD)
    clock.step(-120)
    for number in range(4):  # each makes a request
        shop.secret("lives", shop.signer.token(jti=str(number)))
        time.sleep(1.1)
    eventually(lambda: abs(skew() - 120) < 2)
    # A clock makes nobody unready; the stop of a test before this one does, for half a minute.
    eventually(lambda: running.get("/readyz")[0] == 200, timeout_s=60.0)
    _, body = running.get("/readyz")
    assert abs(json.loads(body)["apiserverClockSkewSeconds"] - 120) < 2
    words = [line["message"] for line in running.log_lines() if "ahead of ours" in line["message"]]
    assert len([line for line in words if "120." in line or "119." in line]) == 1
