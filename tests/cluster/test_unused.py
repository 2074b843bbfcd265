"""What no check needs costs nothing: no list, no watch; and none any more when the last one goes.

Read from the requests that really reach the API server, and from the operator's own metrics.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from cluster.road import Road, operator_behind
from cluster.shop import Shop, env, eventually, listed, pod_spec
from controlplane import Api, ControlPlane, OperatorProcess

RESOURCE = re.compile(r"^/(?:api|apis/[^/]+)/[^/]+/(?:namespaces/[^/]+/)?([a-z]+)")
OWN = {"tokenchecks", "tokenproviders"}
Behind = tuple[Road, OperatorProcess]


@pytest.fixture
def behind(
    controlplane: ControlPlane, admin: Api, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Behind]:
    """A fresh operator, of a cluster without any check: nobody asks it for anything."""
    # Those of other tests go with their namespaces.
    eventually(lambda: not admin.list("TokenCheck"), timeout_s=60)
    with operator_behind(controlplane, tmp_path_factory.mktemp("operator")) as both:
        yield both


def asked(road: Road) -> set[str]:
    """Plurals of what was listed, watched or read so far."""
    paths = [RESOURCE.match(seen.path) for seen in list(road.proxy.seen)]
    return {found[1] for found in paths if found}


def watched(operator: OperatorProcess) -> set[str]:
    prefix = 'tokencheck_informer_synced{resource="'
    names = [name for name in operator.metrics() if name.startswith(prefix)]
    return {name.removeprefix(prefix)[:-2] for name in names}


def test_an_operator_without_checks_reads_its_own_kinds_and_nothing_else(
    behind: Behind, shop: Shop
) -> None:
    road, operator = behind
    shop.secret("payments", shop.signer.token())
    shop.workload("checkout", pod_spec(env("payments")))
    shop.settled("Deployment", "checkout")
    time.sleep(1)
    assert watched(operator) <= OWN
    assert not {"secrets", "pods", "deployments", "replicasets", "configmaps"} & asked(road)


def test_a_check_pays_for_what_it_names_and_gives_all_of_it_back(
    behind: Behind, shop: Shop
) -> None:
    road, operator = behind
    provider = {"providerRef": {"name": shop.provider()}}
    shop.secret("payments", shop.signer.token())
    shop.check("alone", listed("payments", **provider))
    shop.reads("alone", "True", "AllChecksPassed")
    assert watched(operator) - OWN == {"secrets", "namespaces"}

    shop.workload("checkout", pod_spec(env("payments")), kind="StatefulSet")
    shop.check("checkout", listed("payments", **provider), workload="StatefulSet/checkout")
    shop.reads("checkout", "True", "AllChecksPassed", timeout_s=30)
    seen = watched(operator)
    assert {"statefulsets", "pods"} <= seen
    assert not {"deployments", "daemonsets", "jobs", "cronjobs", "configmaps"} & (
        seen | asked(road)
    )

    shop.delete("TokenCheck", "checkout")
    eventually(lambda: watched(operator) - OWN == {"secrets", "namespaces"})
    shop.delete("TokenCheck", "alone")
    eventually(lambda: watched(operator) <= OWN)


def test_workloads_and_pods_of_namespaces_without_a_check_are_not_read(
    behind: Behind, shop: Shop
) -> None:
    """Up to ten namespaces have a watch each; Secrets are one watch of their metadata."""
    road, _ = behind
    shop.secret("payments", shop.signer.token())
    shop.workload("checkout", pod_spec(env("payments")))
    shop.check("checkout", workload="Deployment/checkout")
    shop.reads("checkout", "True", "PassedWithWarnings", timeout_s=30)
    places = {
        seen.path
        for seen in list(road.proxy.seen)
        if seen.path.endswith(("/pods", "/deployments", "/replicasets"))
    }
    assert places
    assert all(f"/namespaces/{shop.namespace}/" in place for place in places), places
