"""/metrics, /healthz and /readyz of a running operator tell the truth."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cluster.shop import Shop, env, eventually, listed, pod_spec, token_of
from controlplane import ControlPlane, OperatorProcess
from tokencheck.clients.kube.watching import Restart
from tokencheck.model.finding import Check, Result
from tokencheck.web.tally import DRIFT_KINDS

GOOD = ("True", "AllChecksPassed")
# Everything that a dashboard or an alert may name; counters are there before anything happened.
FAMILIES = {
    "build_info": "gauge",
    "bypassed_checks": "gauge",
    "info": "gauge",
    "token_expiration_timestamp_seconds": "gauge",
    "token_issued_timestamp_seconds": "gauge",
    "check_result": "gauge",
    "condition": "gauge",
    "last_success_timestamp_seconds": "gauge",
    "pods_stale": "gauge",
    "provider_up": "gauge",
    "provider_keys": "gauge",
    "provider_keys_timestamp_seconds": "gauge",
    "provider_requests": "counter",
    "introspection_up": "gauge",
    "introspection_answer_timestamp_seconds": "gauge",
    "introspection_requests": "counter",
    "checks": "counter",
    "drifts": "counter",
    "status_writes": "counter",
    "check_duration_seconds": "histogram",
    "reaction_seconds": "histogram",
    "queue_depth": "gauge",
    "queue_oldest_seconds": "gauge",
    "loop_lag_seconds": "gauge",
    "passes_failed": "counter",
    "events_dropped": "counter",
    "events_waiting": "gauge",
    "api_retries": "counter",
    "api_credentials_failing": "gauge",
    "api_throttled_seconds": "counter",
    "informer_denied": "gauge",
    "kopf_restarts": "counter",
    "api_requests": "counter",
    "informer_synced": "gauge",
    "informer_last_event_timestamp_seconds": "gauge",
    "watch_restarts": "counter",
    "leader": "gauge",
    "lease_age_seconds": "gauge",
    "apiserver_clock_skew_seconds": "gauge",
    "lease_transitions": "counter",
    "admission_policy_enforced": "gauge",
}


def series(shop: Shop, name: str, family: str, **labels: str) -> str:
    """The name of a sample of a check as it stands in the text."""
    shown = {"namespace": shop.namespace, "name": name} | labels
    inner = ",".join(f'{label}="{value}"' for label, value in shown.items())
    return f"tokencheck_{family}{{{inner}}}"


def test_every_family_is_there_typed_and_explained_before_the_first_check(
    operator: OperatorProcess,
) -> None:
    text = operator.get("/metrics")[1]
    found = {family.name: family for family in text_string_to_metric_families(text)}
    ours = {n.removeprefix("tokencheck_"): f for n, f in found.items() if "tokencheck_" in n}
    assert {name: family.type for name, family in ours.items()} == FAMILIES
    assert all(family.documentation for family in ours.values())
    samples = operator.metrics()
    for check in Check:
        for result in Result:
            assert f'tokencheck_checks_total{{check="{check}",result="{result}"}}' in samples
    for kind in DRIFT_KINDS:
        assert f'tokencheck_drifts_total{{kind="{kind}"}}' in samples
    for reason in Restart:
        labels = f'reason="{reason}",resource="tokenchecks"'
        assert f"tokencheck_watch_restarts_total{{{labels}}}" in samples
    for reason in ("Failed", "Limited", "Overflow"):
        assert f'tokencheck_events_dropped_total{{reason="{reason}"}}' in samples
    # What cannot be is counted at zero all the same.
    assert samples['tokencheck_checks_total{check="Present",result="Warn"}'] == 0
    (build,) = ours["build_info"].samples
    assert build.labels["version"] == version("tokencheck")


def test_the_series_of_a_check_follow_it(shop: Shop, operator: OperatorProcess) -> None:
    def now(family: str, **labels: str) -> float:
        return operator.metrics()[series(shop, "checkout", family, **labels)]

    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", providerRef={"name": shop.provider()}))
    found = shop.reads("checkout", *GOOD)
    for field, family in (
        ("expirationTime", "token_expiration_timestamp_seconds"),
        ("issueTime", "token_issued_timestamp_seconds"),
    ):
        moment = datetime.fromisoformat(token_of(found)[field]).timestamp()
        eventually(lambda: series(shop, "checkout", "pods_stale") in operator.metrics())
        assert now(family, token="payments") == moment
    assert abs(now("last_success_timestamp_seconds") - time.time()) < 60
    ready = {s: now("condition", condition="Ready", status=s) for s in ("True", "False", "Unknown")}
    assert ready == {"True": 1, "False": 0, "Unknown": 0}
    assert now("check_result", check="Expiry", result="Pass") == 1
    assert now("pods_stale") == 0

    before = operator.metrics()
    shop.secret("payments", shop.signer.expired())
    shop.reads("checkout", "False", "TokenExpired")
    eventually(lambda: now("condition", condition="Ready", status="False") == 1)
    assert now("condition", condition="Ready", status="True") == 0
    assert now("check_result", check="Expiry", result="Fail") == 1
    for counter in (
        'tokencheck_checks_total{check="Expiry",result="Fail"}',
        'tokencheck_status_writes_total{result="Written"}',
        "tokencheck_reaction_seconds_count",
        "tokencheck_check_duration_seconds_count",
    ):
        eventually(lambda c=counter: operator.metrics()[c] > before[c])
    after = operator.metrics()
    reaction = after["tokencheck_reaction_seconds_sum"] - before["tokencheck_reaction_seconds_sum"]
    assert 0 < reaction < 5


def test_metrics_hold_no_claim_no_person_and_few_labels(
    shop: Shop, operator: OperatorProcess
) -> None:
    claims = {"sub": "canary-person", "email": "canary@example.com", "jti": "canary-jti"}
    shop.secret("payments", shop.signer.token(**claims))
    shop.check("checkout", listed("payments", providerRef={"name": shop.provider()}))
    shop.reads("checkout", *GOOD)
    eventually(lambda: series(shop, "checkout", "pods_stale") in operator.metrics())
    text = operator.get("/metrics")[1]
    assert "canary" not in text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert len(sample.labels) <= 4, sample
    # Two equal series would make a whole scrape void.
    names = [line.rsplit(" ", 1)[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(names) == len(set(names))


def test_a_watch_is_in_metrics_and_in_readyz_while_a_check_needs_it(
    shop: Shop, operator: OperatorProcess
) -> None:
    shop.secret("payments", shop.signer.token())
    shop.workload("checkout", pod_spec(env("payments")))
    shop.check("checkout", workload="Deployment/checkout")
    shop.reads("checkout", "True", "PassedWithWarnings")
    code, body = operator.get("/readyz")
    said = json.loads(body)
    assert (code, said["ok"], said["reasons"]) == (200, True, [])
    for resource in ("tokenchecks", "secrets", "deployments", "pods", "namespaces"):
        assert said["informers"][resource]["synced"], resource
        assert said["informers"][resource]["alive"], resource
        metric = f'tokencheck_informer_synced{{resource="{resource}"}}'
        assert operator.metrics()[metric] == 1
    assert said["passesFailed"] == said["kopfRestarts"] == 0
    assert said["loopLagSeconds"] < 5
    eventually(lambda: operator.metrics()["tokencheck_queue_depth"] == 0)
    # Nobody named a StatefulSet: nothing is paid for it.
    assert "statefulsets" not in said["informers"]


def test_an_operator_without_rights_lives_is_not_ready_and_says_what_it_needs(
    controlplane: ControlPlane, launch_operator: Callable[..., OperatorProcess]
) -> None:
    powerless = launch_operator(kubeconfig=controlplane.kubeconfig("alice"), ready=False)
    eventually(lambda: powerless.get("/readyz")[0] == 503, timeout_s=30)
    code, body = powerless.get("/readyz")
    said = json.loads(body)
    assert (code, said["ok"]) == (503, False)
    assert any("tokenchecks" in reason and "may list" in reason for reason in said["reasons"])
    # A restart would give it no rights.
    assert powerless.get("/healthz")[0] == 200
    assert re.search(r"^tokencheck_build_info", powerless.get("/metrics")[1], re.MULTILINE)
    assert powerless.metrics()['tokencheck_informer_synced{resource="tokenchecks"}'] == 0


def test_what_nobody_serves_is_not_found(operator: OperatorProcess) -> None:
    assert operator.get("/healthz")[0] == 200
    for path in ("/", "/secrets", "/metrics/../healthz/x"):
        assert operator.get(path)[0] == 404


@pytest.mark.parametrize("page", ["/healthz", "/readyz", "/metrics"])
def test_every_page_is_answered_at_once(operator: OperatorProcess, page: str) -> None:
    began = time.monotonic()
    assert operator.get(page)[0] == 200
    assert time.monotonic() - began < 2
