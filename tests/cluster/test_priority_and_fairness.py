"""API Priority and Fairness of a real API server rejects most of what we ask: nothing is lost.

Somebody else in the same priority level takes its few seats all the time, and no queue is there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import yaml

from cluster.shop import Shop, listed, ready
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.api import ApiError
from controlplane.launch import NAMESPACE, grant_operator

FLOW = "flowcontrol.apiserver.k8s.io/v1"
NAME = {"name": "narrow"}
CHECKS = 12
PATIENCE_S = 120.0
# The longer it lasts, the longer the API server asks to be left alone: up to half a minute.
CROWDED_S = 5.0
PENDING = ("Unknown", "Pending")
NOT_READ = ("Unknown", "ReadFailed")
GOOD = ("True", "AllChecksPassed")
EXPIRED = ("False", "TokenExpired")
THROTTLED = 'tokencheck_api_retries_total{reason="Throttled"}'
LEVEL = {
    "type": "Limited",
    "limited": {
        "nominalConcurrencyShares": 1,
        "lendablePercent": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Reject"},
    },
}
EVERYTHING = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
OURS = [rule | {"clusterScope": True, "namespaces": ["*"]} for rule in EVERYTHING]


@pytest.fixture
def narrow(controlplane: ControlPlane) -> Iterator[Path]:
    """The operator's account has a priority level of its own; the kubeconfig of that account."""
    admin = controlplane.api()
    config = grant_operator(controlplane)
    account = {"name": "tokencheck", "namespace": NAMESPACE}
    schema = {
        "matchingPrecedence": 50,
        "priorityLevelConfiguration": NAME,
        "rules": [
            {
                "subjects": [{"kind": "ServiceAccount", "serviceAccount": account}],
                "resourceRules": OURS,
            }
        ],
    }
    level = {"apiVersion": FLOW, "kind": "PriorityLevelConfiguration", "metadata": NAME}
    admin.apply(level | {"spec": LEVEL})
    admin.apply({"apiVersion": FLOW, "kind": "FlowSchema", "metadata": NAME, "spec": schema})
    yield config
    for kind in ("FlowSchema", "PriorityLevelConfiguration"):
        admin.delete(f"{FLOW}/{kind}", "narrow")


@contextmanager
def crowd(plane: ControlPlane, config: Path, *, threads: int = 6) -> Iterator[list[int]]:
    """Somebody with the same account lists all Secrets all the time; yields what was rejected."""
    (user,) = yaml.safe_load(config.read_text())["users"]
    ended, rejected = threading.Event(), [0]

    def ask() -> None:
        api = Api("127.0.0.1", plane.at.api_port, str(plane.at.ca_file), user["user"]["token"])
        with closing(api):
            while not ended.is_set():
                try:
                    api.list("Secret")
                except ApiError as refused:
                    rejected[0] += refused.code == 429

    crowded = [threading.Thread(target=ask, daemon=True) for _ in range(threads)]
    for one in crowded:
        one.start()
    try:
        yield rejected
    finally:
        ended.set()
        for one in crowded:
            one.join(30)


def test_no_verdict_is_wrong_or_lost_while_the_api_server_rejects_most_of_what_we_ask(
    controlplane: ControlPlane,
    narrow: Path,
    shop: Shop,
    launch_operator: Callable[..., OperatorProcess],
) -> None:
    names = [f"payments-{number}" for number in range(CHECKS)]
    provider = {"providerRef": {"name": shop.provider()}}
    operator = launch_operator(kubeconfig=narrow, elects=True)
    for name in names:
        shop.secret(name, shop.signer.token())
        shop.check(name, listed(name, **provider))
    for name in names:
        shop.reads(name, *GOOD, timeout_s=PATIENCE_S)
    with crowd(controlplane, narrow) as rejected:
        for name in names:
            shop.secret(name, shop.signer.expired())
        time.sleep(CROWDED_S)
        throttled = operator.metrics().get(THROTTLED, 0)
    for name in names:
        shop.reads(name, *EXPIRED, timeout_s=PATIENCE_S)
    assert rejected[0], "the level was wide enough for everybody"
    assert throttled > 0
    for name in names:
        said = [ready(one.object) for one in shop.history(name)]
        # To be asked to wait is no answer about the token: at most that nothing is known for now.
        assert said[-1] == EXPIRED
        assert set(said) <= {PENDING, GOOD, NOT_READ, EXPIRED}, said
    assert operator.metrics()["tokencheck_passes_failed_total"] == 0
