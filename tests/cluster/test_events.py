"""What happens is told once, where people look: on the TokenCheck, and on the workload when it is
about the token's end or about drift. What flaps becomes a series, a restart tells nothing again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

import pytest

from cluster.shop import (
    DAY_S,
    SCOPES,
    Object,
    Shop,
    Signer,
    env,
    eventually,
    listed,
    pod_spec,
    token_of,
)
from controlplane import OperatorProcess

pytestmark = pytest.mark.usefixtures("operator")

BROADER = " ".join([*SCOPES, "payments:admin"])
LOCAL = {"unverified": "Ignore"}


def tokens(shop: Shop) -> dict[str, tuple[str, str]]:
    """By event: its type, and a token that brings it when it takes the place of a good one."""
    token, now = shop.signer.token, int(time.time())
    return {
        "TokenExpiringSoon": ("Warning", token(iat=now - 80 * DAY_S, exp=now + 10 * DAY_S)),
        "TokenExpired": ("Warning", shop.signer.expired()),
        "TokenMalformed": ("Warning", "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJ"),
        "TokenInvalid": ("Warning", Signer().token()),
        "TokenUnderScoped": ("Warning", token(scope="payments:read")),
        "TokenOverScoped": ("Warning", token(scope=BROADER)),
        "TokenDrifted": ("Warning", token(exp=now + 45 * DAY_S)),
        "TokenMissing": ("Warning", ""),
        "TokenRotated": ("Normal", token()),
    }


def told(shop: Shop, name: str) -> list[str]:
    return [event["reason"] for event in shop.events(name)]


def stand(shop: Shop, *names: str, **spec: Object) -> None:
    """A check of this name for each good token, and the event that says so."""
    expected = {"providerRef": {"name": shop.provider()}, "scopes": {"required": SCOPES}}
    for name in names:
        shop.secret(name, shop.signer.token())
        shop.check(name, listed(name, **expected), **spec)
    for name in names:
        shop.wait_event(name, "TokenVerified")


def test_every_event_is_told_on_its_check_with_cause_and_next_action(shop: Shop) -> None:
    expected = tokens(shop)
    stand(shop, *(name.lower() for name in expected))
    for reason, (_, token) in expected.items():
        shop.secret(reason.lower(), token)
    for reason, (kind, _) in expected.items():
        name = reason.lower()
        event = shop.wait_event(name, reason)
        check = shop.admin.get("TokenCheck", name, shop.namespace)
        assert event["type"] == kind, reason
        assert event["regarding"]["uid"] == check["metadata"]["uid"]
        assert event["reportingController"] == "tokencheck.dev/operator"
        assert f'Secret {shop.namespace}/{name} key "token"' in event["note"], event["note"]
        # A warning says what to do next; that it was rotated needs nobody to do anything.
        assert kind == "Normal" or "; " in event["note"], event["note"]
        assert "series" not in event


@pytest.fixture
def failing(shop: Shop) -> Shop:
    """A Deployment whose good token its check has verified, with a baseline."""
    shop.secret("payments", shop.signer.token())
    shop.workload("checkout", pod_spec(env("payments")))
    token = listed("payments", providerRef={"name": shop.provider()})
    shop.check("checks", token, workload="Deployment/checkout")
    shop.reads("checks", "True", "AllChecksPassed", timeout_s=30)
    return shop


def test_the_end_of_a_token_and_its_drift_are_told_on_the_workload_too(
    failing: Shop, kubectl: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    shop, now = failing, int(time.time())
    ending = shop.signer.token(iat=now - 80 * DAY_S, exp=now + 10 * DAY_S)
    shop.secret("payments", ending)
    shop.wait_event("checkout", "TokenExpiringSoon")
    shop.secret("payments", shop.signer.expired())
    event = shop.wait_event("checkout", "TokenExpired")
    deployment = shop.admin.get("Deployment", "checkout", shop.namespace)
    regarding = event["regarding"]
    assert (regarding["apiVersion"], regarding["kind"]) == ("apps/v1", "Deployment")
    assert regarding["uid"] == deployment["metadata"]["uid"]
    assert event["note"].startswith(f"TokenCheck {shop.namespace}/checks: Secret")
    shop.secret("payments", shop.signer.token(scope=BROADER))
    shop.wait_event("checkout", "TokenDrifted")
    assert set(told(shop, "checkout")) <= {
        *("TokenExpiringSoon", "TokenExpired", "TokenDrifted"),
        # The Deployment's own controller
        "ScalingReplicaSet",
    }
    described = kubectl("describe", "deployment/checkout", "-n", shop.namespace).stdout
    assert "TokenExpired" in described


def test_a_secret_that_goes_and_comes_back_is_told_as_missing_and_as_verified(shop: Shop) -> None:
    stand(shop, "payments")
    shop.delete("Secret", "payments")
    missing = shop.wait_event("payments", "TokenMissing")
    assert f"create Secret {shop.namespace}/payments" in missing["note"]
    time.sleep(1.1)  # an Event is named after its transition, whose time has whole seconds
    shop.secret("payments", shop.signer.token())
    shop.reads("payments", "True", "AllChecksPassed")
    eventually(lambda: told(shop, "payments").count("TokenVerified") == 2)
    assert told(shop, "payments").count("TokenMissing") == 1


def test_what_flaps_is_told_three_times_and_counted_from_then_on(shop: Shop) -> None:
    stand(shop, "payments")
    for _ in range(5):
        for token, ready in ((shop.signer.expired(), "False"), (shop.signer.token(), "True")):
            version = shop.secret("payments", token)["metadata"]["resourceVersion"]
            found = shop.wait(
                "payments", lambda it, new=version: token_of(it).get("resourceVersion") == new
            )
            assert found["status"]["conditions"][0]["status"] == ready
        # A status says since when in whole seconds: what begins twice in one is one transition.
        time.sleep(1.1)

    def counts() -> list[int]:
        expired = [one for one in shop.events("payments") if one["reason"] == "TokenExpired"]
        return [int((one.get("series") or {}).get("count", 1)) for one in expired]

    eventually(lambda: sum(counts()) == 5)
    assert sorted(counts()) == [1, 1, 3]


def test_nothing_is_told_when_nothing_changes_and_nothing_again_after_a_restart(
    shop: Shop, operator: OperatorProcess
) -> None:
    stand(shop, "good", "bad")
    shop.secret("bad", shop.signer.expired())
    shop.wait_event("bad", "TokenExpired")

    def everything() -> list[tuple[str, object]]:
        events = [event for name in ("good", "bad") for event in shop.events(name)]
        return [(event["metadata"]["name"], event.get("series")) for event in events]

    before = everything()
    operator.stop(kill=True)
    operator.start()
    for number, name in enumerate(("good", "bad")):
        shop.annotate("TokenCheck", name, check_now=f"again-{number}")
        shop.wait(
            name,
            lambda it, n=number: it["status"].get("lastHandledCheckNow") == f"again-{n}",
            timeout_s=30,
        )
    # What would be told is on its way: the next real event comes after it.
    now = int(time.time())
    ended = shop.signer.expired(iat=now - 91 * DAY_S, exp=now - DAY_S)  # else it is a drift too
    shop.secret("good", ended)
    shop.wait_event("good", "TokenExpired")
    assert len(everything()) == len(before) + 1
    assert set(before) <= set(everything())
