"""Etcd is restored to an earlier state: what the API server shows then is true, and is judged."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cluster.shop import Shop, condition, listed, ready
from cluster.statuses import Statuses
from controlplane import ControlPlane, OperatorProcess
from controlplane.launch import grant_operator
from controlplane.restore import back_up, restore

GOOD = ("True", "AllChecksPassed")
EXPIRED = ("False", "TokenExpired")
MISSING = ("False", "SecretNotFound")
# From the API server's return; the periodic compare would take a minute.
SECONDS = 20.0


@pytest.fixture(scope="module")
def plane(checkout: Path) -> Iterator[ControlPlane]:
    with ControlPlane(parts=()) as plane:
        plane.install(*sorted((checkout / "crds").glob("*.yaml")))
        yield plane


@pytest.fixture
def store(plane: ControlPlane) -> Iterator[Shop]:
    namespace = f"store-{secrets.token_hex(3)}"
    meta = {"name": namespace}
    plane.api().create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    statuses = Statuses(plane.api())
    shop = Shop(plane.api(), namespace, statuses)
    yield shop
    statuses.end()
    shop.close()


@pytest.fixture
def running(plane: ControlPlane, tmp_path: Path) -> Iterator[OperatorProcess]:
    process = OperatorProcess(grant_operator(plane), tmp_path / "operator.log", plane=plane)
    yield process.start()
    process.stop()
    print(f"--- the operator's log ({process.log}):\n{process.server.log_tail()}")


def stand(store: Shop) -> None:
    """Checks with good tokens."""
    provider = {"providerRef": {"name": store.provider()}}
    for name in ("reverted", "moved", "still"):
        store.secret(name, store.signer.token())
        store.check(name, listed(name, **provider))
    for name in ("reverted", "moved", "still"):
        store.reads(name, *GOOD)


def move_on(store: Shop) -> None:
    """What the backup does not have: a token, a check, a spec, a status, and a deletion."""
    store.secret("reverted", store.signer.expired())
    store.reads("reverted", *EXPIRED)
    store.check("made-since", listed("still"))
    store.change("still", suspend=True)
    store.wait("made-since", lambda it: ready(it)[0] == "True")
    store.delete("TokenCheck", "moved")
    for _ in range(30):
        store.config_map("noise", x=secrets.token_hex(4))


@pytest.mark.parametrize("bump", [False, True], ids=["older versions", "newer versions"])
def test_verdicts_follow_a_restore_that_the_operator_ran_through(
    plane: ControlPlane, store: Shop, running: OperatorProcess, bump: bool
) -> None:
    stand(store)
    backup = back_up(plane)
    move_on(store)
    restore(plane, backup, bump=bump)
    began = time.monotonic()
    # In the backup's state the token was a good one, and the check was not suspended.
    store.reads("reverted", *GOOD, timeout_s=SECONDS)
    store.reads("still", *GOOD, timeout_s=SECONDS)
    print(f"as in the backup {time.monotonic() - began:.1f} s after the API server's return")
    store.secret("reverted", store.signer.expired())
    store.secret("moved", store.signer.expired())
    store.delete("Secret", "still")
    store.check("new", listed("reverted"))
    store.reads("reverted", *EXPIRED, timeout_s=SECONDS)
    store.reads("moved", *EXPIRED, timeout_s=SECONDS)
    store.reads("still", *MISSING, timeout_s=SECONDS)
    store.reads("new", *EXPIRED, timeout_s=SECONDS)
    print(f"all right {time.monotonic() - began:.1f} s after the API server's return")
    # Nobody waits for the minute's compare: changes are seen on the watches again.
    for token, expected in ((store.signer.token(), GOOD), (store.signer.expired(), EXPIRED)):
        store.secret("moved", token)
        store.reads("moved", *expected, timeout_s=40)
    store.change("moved", suspend=True)
    store.wait("moved", lambda it: condition(it, "Suspended"), timeout_s=40)
    running.server.require_alive()
    assert running.metrics()["tokencheck_passes_failed_total"] == 0


@pytest.mark.parametrize("bump", [False, True], ids=["older versions", "newer versions"])
def test_a_verdict_that_the_restore_brought_back_is_judged_anew(
    plane: ControlPlane, store: Shop, running: OperatorProcess, bump: bool
) -> None:
    """Nothing but the status went back: Ready=True stands again on a token that has ended."""
    store.secret("ends", store.signer.token())
    end = datetime.now(UTC) + timedelta(seconds=15)
    expiry = {"expiresAt": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    store.check("ends", listed("ends", expiry=expiry))
    store.wait("ends", lambda it: ready(it)[0] == "True")
    backup = back_up(plane)
    store.reads("ends", *EXPIRED, timeout_s=30)
    restore(plane, backup, bump=bump)
    began = time.monotonic()
    store.reads("ends", *EXPIRED, timeout_s=SECONDS)
    print(f"judged anew {time.monotonic() - began:.1f} s after the API server's return")
    running.server.require_alive()
