import re
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tokencheck.model.finding import Check, Result
from tokencheck.model.keys import Key
from tokencheck.model.ports import WriteResult
from tokencheck.web.board import ResultBoard
from tokencheck.web.health import readiness_of
from tokencheck.web.metrics import Metrics
from tokencheck.web.tally import Tally

LABELS = {"namespace": "shop", "name": "checkout"}


def samples_of(metrics):
    """Scrape and parse: (name, labels) -> value."""
    text = b"".join(metrics.scrape()).decode()
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            identity = (sample.name, frozenset(sample.labels.items()))
            assert identity not in samples, f"two series {identity}"
            samples[identity] = sample.value
    return samples


@pytest.fixture
def scraped(metrics):
    """Give a function that scrapes and parses."""
    return lambda: samples_of(metrics)


def value(samples, metric, /, **labels):
    return samples[f"tokencheck_{metric}", frozenset(labels.items())]


def test_the_series_of_a_check_say_what_its_pass_found(build, put, scraped):
    findings = (build.finding(Check.EXPIRY, Result.WARN), build.finding(Check.ISSUER, Result.SKIP))
    token = build.token(stale=("p1",))
    put(assessment=build.assessment(token, findings=findings), owner="team-pay")
    found = scraped()
    assert value(found, "info", owner="team-pay", **LABELS) == 1
    assert (
        value(found, "token_expiration_timestamp_seconds", token="payments", **LABELS)
        == 1785542400.0
    )
    assert (
        value(found, "token_issued_timestamp_seconds", token="payments", **LABELS) == 1782864000.0
    )
    assert value(found, "last_success_timestamp_seconds", **LABELS) == 1_785_000_000.5
    assert value(found, "pods_stale", **LABELS) == 1
    results = {
        r: value(found, "check_result", check="Expiry", result=r, **LABELS)
        for r in ("Pass", "Warn", "Fail", "Unknown")
    }
    assert results == {"Pass": 0, "Warn": 1, "Fail": 0, "Unknown": 0}
    assert not any(
        "Issuer" in dict(labels).values() and n.endswith("result") for n, labels in found
    )
    ready = {
        s: value(found, "condition", condition="Ready", status=s, **LABELS)
        for s in ("True", "False", "Unknown")
    }
    assert ready == {"True": 1, "False": 0, "Unknown": 0}


def test_a_lease_says_who_leads_how_old_it_is_and_how_often_it_moved(scraped):
    found = scraped()
    assert value(found, "leader", lease="tokencheck") == 1
    assert value(found, "lease_age_seconds", lease="tokencheck") == 1.0
    assert value(found, "lease_transitions_total", lease="tokencheck") == 7


def test_a_check_that_another_replica_leads_has_no_series_and_counts_nothing(build, process):
    tally, led = Tally(), set()
    board = ResultBoard(lambda: 1_785_000_000.5, tally, leads=led.__contains__)
    metrics = Metrics(board, tally, process(), "0.1.0")
    key = Key("TokenCheck", "shop", "checkout")
    judged = build.assessment(build.token(drifted=("issuer",)))
    board.put(key, build.check(key), judged, build.outcome())
    assert not [name for name, labels in samples_of(metrics) if ("name", "checkout") in labels]
    assert set(tally.drifts.values()) | set(tally.checks.values()) == {0}
    led.add(key)  # the takeover shows what was judged before
    assert value(samples_of(metrics), "pods_stale", **LABELS) == 0


def test_gates_that_break_glass_holds_open_are_counted(build, board, scraped):
    assert value(scraped(), "bypassed_checks") == 0
    for name, state in (("a", "True"), ("b", "True"), ("c", "False")):
        key = Key("TokenCheck", "shop", name)
        outcome = build.outcome(conditions=(("Ready", state), ("Bypassed", state)))
        board.put(key, build.check(key), build.assessment(), outcome)
    assert value(scraped(), "bypassed_checks") == 2


def test_totals_say_what_was_counted(scraped, tally):
    tally.wrote(WriteResult.CONFLICT)
    tally.took(0.004)
    tally.reacted(0.02)
    tally.reacted(100.0)
    found = scraped()
    assert value(found, "status_writes_total", result="Conflict") == 1
    assert value(found, "check_duration_seconds_bucket", le="0.005") == 1
    assert value(found, "check_duration_seconds_bucket", le="0.0025") == 0
    assert value(found, "reaction_seconds_bucket", le="0.02") == 1
    assert value(found, "reaction_seconds_bucket", le="60.0") == 1
    assert value(found, "reaction_seconds_bucket", le="+Inf") == 2
    assert value(found, "reaction_seconds_count") == 2
    assert value(found, "reaction_seconds_sum") == pytest.approx(100.02)


def test_facts_of_the_process_are_asked_at_scrape(scraped):
    found = scraped()
    assert value(found, "queue_depth") == 4
    assert value(found, "queue_oldest_seconds") == 0.5
    assert value(found, "loop_lag_seconds") == 0.01
    assert value(found, "apiserver_clock_skew_seconds") == -2.34
    assert value(found, "admission_policy_enforced", namespace="shop") == 1
    assert value(found, "admission_policy_enforced", namespace="ops") == 0
    assert value(found, "passes_failed_total") == 3
    assert value(found, "events_dropped_total", reason="Limited") == 5
    assert value(found, "events_dropped_total", reason="Failed") == 0
    assert value(found, "events_waiting") == 7
    assert value(found, "api_retries_total", reason="Throttled") == 2
    assert value(found, "api_throttled_seconds_total", by="Server") == 1.5
    assert value(found, "api_credentials_failing", reason="Refused") == 0
    assert value(found, "informer_denied", resource="secrets") == 0
    assert value(found, "kopf_restarts_total") == 6
    assert value(found, "informer_synced", resource="secrets") == 1
    assert value(found, "informer_last_event_timestamp_seconds", resource="secrets") == 1782864000.0
    assert value(found, "watch_restarts_total", resource="secrets", reason="Expired") == 2
    assert value(found, "watch_restarts_total", resource="secrets", reason="Error") == 0
    assert value(found, "api_requests_total", verb="get", resource="secrets", code="200") == 12
    assert [n for n, _ in found if n == "tokencheck_build_info"] == ["tokencheck_build_info"]


def test_each_cluster_token_check_says_what_it_keeps_what_waits_and_what_is_refused(scraped):
    found = scraped()

    def of(metric, **labels):
        return value(found, f"cluster_check_{metric}", name="all-teams", **labels)

    ready = {s: of("condition", condition="Ready", status=s) for s in ("True", "False", "Unknown")}
    assert ready == {"True": 0, "False": 0, "Unknown": 1}
    assert of("condition", condition="Reconciling", status="True") == 1
    assert of("workloads", outcome="HandWritten") == 1
    assert of("tokenchecks", verdict="Invalid") == 2
    assert of("steps_waiting", step="Make") == 5
    causes = {c: of("refused", cause=c) for c in ("Refused", "Rejected", "Failed", "Taken")}
    assert causes == {"Refused": 2, "Rejected": 0, "Failed": 0, "Taken": 1}
    assert value(found, "cluster_check_steps_total", step="Make", result="Written") == 40
    assert value(found, "cluster_check_steps_total", step="Remove", result="Refused") == 0
    assert value(found, "cluster_check_round_age_seconds") == 12.5


def test_who_does_not_lead_shows_of_cluster_token_checks_only_what_it_counted(
    board, tally, process, progress
):
    standby = replace(progress, age_s=None, accounts={})
    found = samples_of(Metrics(board, tally, process(cluster_checks=lambda: standby), "1"))
    names = {name for name, _ in found if "cluster_check" in name}
    assert names == {"tokencheck_cluster_check_steps_total"}


def test_counters_of_closed_sets_exist_at_zero(scraped):
    found = scraped()
    for check in Check:
        for result in Result:
            assert value(found, "checks_total", check=check.value, result=result.value) == 0
    for kind in ("issuer", "audiences", "subject", "scopes", "lifetime", "algorithm", "kind"):
        assert value(found, "drifts_total", kind=kind) == 0
    for end in WriteResult:
        assert value(found, "status_writes_total", result=end.value) == 0


def test_watches_of_one_resource_in_several_namespaces_are_one_series(process, informer):
    states = (
        informer(restarts={"Expired": 1}),
        informer(synced=False, last_event_at=None, restarts={"Expired": 2, "Error": 1}),
        informer(resource="pods", last_event_at=None),
    )
    tally = Tally()
    metrics = Metrics(
        ResultBoard(lambda: 0.0, tally), tally, process(informers=lambda: states), "1"
    )
    text = b"".join(metrics.scrape()).decode()
    assert 'tokencheck_informer_synced{resource="secrets"} 0.0' in text
    assert 'tokencheck_watch_restarts_total{reason="Expired",resource="secrets"} 3.0' in text
    assert 'last_event_timestamp_seconds{resource="secrets"}' in text
    assert 'last_event_timestamp_seconds{resource="pods"}' not in text


def test_the_watch_that_is_silent_longest_speaks_for_its_resource(process, informer, board, tally):
    early, late = (datetime(2026, 7, 1, 12, minute, tzinfo=UTC) for minute in (0, 5))
    states = (informer(last_event_at=late), informer(last_event_at=early, denied=True))
    found = samples_of(Metrics(board, tally, process(informers=lambda: states), "1"))
    stamp = value(found, "informer_last_event_timestamp_seconds", resource="secrets")
    assert stamp == early.timestamp()
    assert value(found, "informer_denied", resource="secrets") == 1


def test_the_watches_of_who_keeps_cluster_token_checks_are_shown_and_make_nobody_unready(
    process, informer, board, tally
):
    keepers = (informer(resource="clustertokenchecks", denied=True), informer(synced=False))
    sources = process(keepers_informers=lambda: keepers)
    found = samples_of(Metrics(board, tally, sources, "1"))
    assert value(found, "informer_denied", resource="clustertokenchecks") == 1
    assert value(found, "informer_synced", resource="secrets") == 0
    assert readiness_of(sources).ok


def test_free_text_cannot_break_out_of_its_label(build, put, scraped):
    owner = 'a"} 1\nevil{x="\\'
    token = 'docs/config:auths["registry.example.com"].auth'
    put("checkout", build.token(token), owner=owner)
    found = scraped()
    assert value(found, "info", owner=owner, **LABELS) == 1
    assert value(found, "token_issued_timestamp_seconds", token=token, **LABELS) > 0


def test_a_check_that_was_not_judged_has_no_dates_and_no_success(board, build, scraped):
    from tokencheck.model.keys import Key

    key = Key("TokenCheck", "shop", "checkout")
    board.put(key, build.check(key), None, build.outcome(conditions=(("Suspended", "True"),)))
    names = {name for name, labels in scraped() if ("name", "checkout") in labels}
    assert names == {"tokencheck_info", "tokencheck_condition", "tokencheck_pods_stale"}


def test_a_token_without_dates_has_no_series_of_dates(build, put, scraped):
    put("checkout", build.token(expires=None, issued=None))
    names = {name for name, labels in scraped() if ("name", "checkout") in labels}
    assert not {name for name in names if "token_" in name.removeprefix("tokencheck_")}


def test_deleted_checks_vanish_from_the_metrics(board, build, put, scraped):
    before = set(scraped())
    keys = [put(f"c{number}", build.token(drifted=("scopes",))) for number in range(200)]
    assert len(scraped()) > len(before) + 200 * 10
    for key in keys:
        board.drop(key)
    assert set(scraped()) == before


def test_no_series_has_more_than_four_labels_and_none_holds_a_claim(build, put, metrics, scraped):
    put("checkout", build.token(stale=("p1",)))
    assert max(len(labels) for _, labels in scraped()) <= 4
    assert b"canary" not in b"".join(metrics.scrape())


def test_every_metric_has_the_prefix_of_the_project_or_is_of_the_process(put, metrics):
    put()
    text = b"".join(metrics.scrape()).decode()
    names = re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE)
    assert len(names) == len(set(names))
    assert all(name.startswith(("tokencheck_", "process_")) for name in names)


def test_ten_thousand_checks_are_scraped_quickly_and_in_small_pieces(build, put, metrics):
    checks = [c for c in Check if c is not Check.SPEC][:8]
    findings = tuple(build.finding(c, Result.PASS) for c in checks)
    judged = build.assessment(build.token("a"), build.token("b"), findings=findings)
    conditions = tuple((name, "True") for name in ("Ready", "Resolved", "Verified", "Unexpired"))
    for number in range(10_000):
        put(
            f"check-{number}",
            namespace=f"ns{number % 40}",
            assessment=judged,
            conditions=conditions,
        )
    pauses, size = [], 0
    # CPU time of this thread, so that other work on the machine does not count.
    started = before = time.thread_time()
    for piece in metrics.scrape():
        size += len(piece)
        now = time.thread_time()
        pauses.append(now - before)
        before = now
    assert size > 30_000_000
    assert before - started < 0.9
    # The loop is held up for no longer than a piece takes (2 ms; more where coverage is measured).
    assert sorted(pauses)[len(pauses) * 9 // 10] < 0.01
