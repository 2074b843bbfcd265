import pytest

from tokencheck.web.health import liveness_of, readiness_of


def test_a_healthy_process_lives_and_is_ready(process):
    facts = process()
    assert liveness_of(facts).ok
    assert readiness_of(facts).ok
    assert readiness_of(facts).facts == {
        "time": "2026-07-01T00:00:00.000Z",
        "informers": {
            "secrets": {
                "synced": True,
                "alive": True,
                "denied": False,
                "silentSeconds": 3.0,
                "restarts": 2,
            }
        },
        "leases": {"tokencheck": {"holder": "pod-1_a", "leads": True, "ageSeconds": 1.0}},
        "queueDepth": 4,
        "queueOldestSeconds": 0.5,
        "stuckSeconds": 0.0,
        "loopLagSeconds": 0.01,
        "tasks": 23,
        "credentials": {},
        "apiserverClockSkewSeconds": -2.3,
        "passesFailed": 3,
        "apiRequests": {"get secrets 200": 12, "patch tokenchecks 409": 1},
        "apiRetries": {"Throttled": 2, "Unauthorized": 0},
        "kopfRestarts": 6,
        "admission": {"proven": 1, "unproven": 1, "namespaces": {"ops": "Admitted"}},
    }


@pytest.mark.parametrize(
    ("state", "said"),
    [
        pytest.param({"synced": False}, "may list and watch secrets", id="not synced"),
        pytest.param({"silent_s": 151.0}, "nothing about secrets for 151 s", id="silent"),
    ],
)
def test_a_watch_that_is_behind_makes_it_not_ready_but_a_restart_would_not_help(
    process, informer, state, said
):
    facts = process(informers=lambda: (informer(**state),))
    assert liveness_of(facts).ok
    (reason,) = readiness_of(facts).reasons
    assert said in reason


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        pytest.param({"queue_oldest_s": lambda: 61.0}, "due for 61 s", id="queue"),
        pytest.param({"loop_lag_s": lambda: 5.5}, "late by 5.5 s", id="lag"),
    ],
)
def test_a_process_that_is_late_is_not_ready_but_lives(process, fact, said):
    facts = process(**fact)
    assert liveness_of(facts).ok
    (reason,) = readiness_of(facts).reasons
    assert said in reason


@pytest.mark.parametrize(
    ("trouble", "ready"), [("Refused", False), ("Untrusted", False), ("Unreadable", True)]
)
def test_what_is_wrong_with_its_credentials_is_told_and_only_what_stops_it_makes_it_not_ready(
    process, trouble, ready
):
    health = readiness_of(process(credentials=lambda: {trouble: "renew it"}))
    assert health.reasons == (() if ready else ("renew it",))
    assert health.facts["credentials"] == {trouble: "renew it"}


def test_one_that_stands_by_is_ready_while_somebody_leads(process, lease):
    led = lease(leads=False, holder="pod-2_b", age_s=3.0)
    assert readiness_of(process(leases=lambda: (led,))).ok


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        pytest.param("no right to the Lease", "no right to the Lease", id="why"),
        pytest.param("", "is a replica running", id="nobody stands"),
    ],
)
def test_a_lease_that_nobody_renews_makes_it_not_ready_and_says_why(process, lease, trouble, said):
    orphan = lease(leads=False, age_s=16.0, trouble=trouble)
    facts = process(leases=lambda: (orphan,))
    assert liveness_of(facts).ok
    (reason,) = readiness_of(facts).reasons
    assert "nobody has led tokencheck for 16 s" in reason
    assert said in reason


def test_a_watch_that_ended_is_neither_alive_nor_ready(process, informer):
    facts = process(informers=lambda: (informer(alive=False), informer(resource="pods")))
    (reason,) = liveness_of(facts).reasons
    assert "the watch of secrets has ended" in reason
    assert reason in readiness_of(facts).reasons


def test_workers_that_stand_still_need_a_restart(process):
    facts = process(stuck_s=lambda: 200.0)
    (reason,) = liveness_of(facts).reasons
    assert "no check has ended for 200 s" in reason
