"""What a user can turn: policy, gate, use, suspend, check-now, owner; what a wrong spec says."""

from __future__ import annotations

import time

import pytest

from cluster.shop import (
    SCOPES,
    Shop,
    condition,
    env,
    eventually,
    findings,
    listed,
    pod_spec,
    ready,
    states,
    token_of,
)
from controlplane import OperatorProcess

pytestmark = pytest.mark.usefixtures("operator")

STAMPS = {"tokencheck.dev/requester", "tokencheck.dev/requester-groups"}
GOOD = ("True", "AllChecksPassed")
WARNED = ("True", "PassedWithWarnings")
ADMIN = " ".join([*SCOPES, "payments:admin"])
NINETY_DAYS_S = 90 * 86_400


def stale_token(shop: Shop) -> str:
    """Signed by nobody known, too broad, too old, too long-lived, near its end."""
    now = int(time.time())
    return shop.signer.token(iat=now - NINETY_DAYS_S, exp=now + 3600, scope=ADMIN)


# Policy: the check that reports it, its reason, what to expect so that it is found.
POLICIES = {
    "excessScopes": ("ScopeExcess", {"scopes": {"required": SCOPES}}),
    "expiringSoon": ("ExpiringSoon", {}),
    "lifetime": ("LifetimeTooLong", {"expiry": {"maxLifetime": "30d", "warnBefore": "1s"}}),
    "age": ("RotationOverdue", {"expiry": {"maxAge": "30d", "warnBefore": "1s"}}),
    "unverified": ("LocalChecksOnly", {"providerRef": None, "expiry": {"warnBefore": "1s"}}),
    "noExpiry": ("NoExpiry", {}),
}


@pytest.mark.parametrize("level", ["Ignore", "Fail"])
def test_the_policy_makes_nothing_or_a_failure_of_each_warning(shop: Shop, level: str) -> None:
    shop.secret("payments", stale_token(shop))
    shop.secret("immortal", shop.signer.token(exp=None))
    provider = {"providerRef": {"name": shop.provider()}}
    for policy, (_, expected) in POLICIES.items():
        secret = "immortal" if policy == "noExpiry" else "payments"
        wanted = provider | {"expiry": {"warnBefore": "1s"}} | expected
        if policy == "expiringSoon":
            wanted["expiry"] = {"warnBefore": "3d"}
        kept = {key: value for key, value in wanted.items() if value is not None}
        shop.check(policy.lower(), listed(secret, **kept), policy={policy: level})
    for policy, (reason, _) in POLICIES.items():
        if level == "Fail":
            found = shop.reads(policy.lower(), "False", reason)
            assert any(one[1:] == ("Fail", reason) for one in findings(found)), policy
        else:
            found = shop.reads(policy.lower(), *GOOD)
            assert any(one[1:] == ("Skip", "Ignored") for one in findings(found)), policy


def test_a_token_kept_for_tests_is_shown_and_never_moves_ready(shop: Shop) -> None:
    shop.secret("payments", shop.signer.token())
    shop.secret("readonly", shop.signer.expired())
    provider = {"providerRef": {"name": shop.provider()}}
    live = listed("payments", **provider)
    shop.check("checkout", live, listed("readonly", name="readonly", use="Test", **provider))
    found = shop.reads("checkout", *GOOD)
    assert found["status"]["verdict"] == "Valid"
    assert states(found)["Unexpired"] == "True"
    shown = token_of(found, "readonly")
    assert (shown["verdict"], shown["reason"]) == ("Invalid", "TokenExpired")
    assert ("Expiry", "Fail", "TokenExpired") in findings(found)

    shop.check("checkout", live, listed("readonly", name="readonly", use="Live", **provider))
    shop.reads("checkout", "False", "TokenExpired")


def test_tokens_that_are_all_kept_for_tests_gate_nothing_and_that_is_said(shop: Shop) -> None:
    """Ready=True would say that something was found good."""
    test = listed("readonly", name="readonly", use="Test")
    shop.secret("readonly", shop.signer.token())
    shop.check("alone", test)
    alone = shop.reads("alone", "False", "InvalidSpec")
    assert "spec.tokens: every token has use: Test" in condition(alone, "Ready")["message"]

    shop.workload("checkout", pod_spec(env("readonly")), replicas=0)
    shop.check("found", test, workload="Deployment/checkout")
    found = shop.reads("found", "Unknown", "NoTokensFound")
    assert "use: Live" in condition(found, "Ready")["message"]


def test_eight_tokens_are_judged_one_by_one(shop: Shop) -> None:
    names = [f"token-{number}" for number in range(8)]
    provider = {"providerRef": {"name": shop.provider()}}
    for name in names:
        shop.secret(name, shop.signer.token())
    shop.check("checkout", *(listed(name, name=name, **provider) for name in names))
    found = shop.reads("checkout", *GOOD)
    assert {one["name"]: one["verdict"] for one in found["status"]["tokens"]} == dict.fromkeys(
        names, "Valid"
    )
    shop.secret("token-5", shop.signer.expired())
    found = shop.reads("checkout", "False", "TokenExpired")
    wrong = [one["name"] for one in found["status"]["tokens"] if one["verdict"] != "Valid"]
    assert wrong == ["token-5"]
    assert found["status"]["tokens"][0]["name"] == "token-5", "the worst comes first"


@pytest.mark.parametrize("mode", ["Advisory", "Disabled"])
def test_a_gate_that_does_not_enforce_keeps_ready_true_and_the_verdict_honest(
    shop: Shop, mode: str
) -> None:
    shop.secret("payments", shop.signer.expired())
    expected = listed("payments", providerRef={"name": shop.provider()})
    shop.check("checkout", expected, gate={"mode": mode})
    found = shop.reads("checkout", "True", "Advisory")
    assert found["status"]["verdict"] == "Invalid"
    assert states(found)["Unexpired"] == "False"
    assert "expired at" in condition(found, "Ready")["message"]
    assert not {"Stalled", "Reconciling"} & set(states(found))
    # A fresh object waits for the first verdict like any other.
    assert next(ready(one.object) for one in shop.history("checkout")) == ("Unknown", "Pending")

    shop.change("checkout", gate={"mode": "Enforce"})
    shop.reads("checkout", "False", "TokenExpired")


def test_a_suspended_check_says_so_judges_nothing_and_goes_on_where_it_was(shop: Shop) -> None:
    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", providerRef={"name": shop.provider()}))
    shop.reads("checkout", *GOOD)

    shop.change("checkout", suspend=True)
    stopped = shop.wait("checkout", lambda it: states(it).get("Suspended") == "True")
    assert states(stopped) == {"Suspended": "True"}
    assert "spec.suspend" in condition(stopped, "Suspended")["message"]

    shop.secret("payments", shop.signer.expired())
    shop.annotate("TokenCheck", "checkout", check_now="1")
    answered = shop.wait("checkout", lambda it: it["status"].get("lastHandledCheckNow") == "1")
    assert states(answered) == {"Suspended": "True"}

    shop.change("checkout", suspend=None)
    resumed = shop.reads("checkout", "False", "TokenExpired")
    assert "Suspended" not in states(resumed)


def test_check_now_forces_a_pass_and_says_that_it_was_answered(
    shop: Shop, operator: OperatorProcess
) -> None:
    labels = f'{{namespace="{shop.namespace}",name="checkout"}}'
    judged = f"tokencheck_last_success_timestamp_seconds{labels}"
    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", providerRef={"name": shop.provider()}))
    shop.reads("checkout", *GOOD)

    def last() -> float:
        return operator.metrics().get(judged, 0)

    eventually(last)
    before = last()
    for request in ("first", "second"):
        shop.annotate("TokenCheck", "checkout", check_now=request)
        found = shop.wait(
            "checkout",
            lambda it, request=request: it["status"].get("lastHandledCheckNow") == request,
        )
        assert ready(found) == GOOD
        eventually(lambda before=before: last() > before)
        before = last()


# What the rules of the schema let through, since they see either the defaults or the token.
IMPOSSIBLE = {
    "must be longer than failBefore": {
        "defaults": {"expiry": {"warnBefore": "1h"}},
        "tokens": [listed("payments", expiry={"failBefore": "2h"})],
    },
    "must be shorter than maxLifetime": {
        "defaults": {"expiry": {"warnBefore": "30d"}},
        "tokens": [listed("payments", expiry={"maxLifetime": "7d"})],
    },
}


@pytest.mark.parametrize("fault", IMPOSSIBLE)
def test_a_combination_that_the_schema_cannot_refuse_stalls_and_names_the_field(
    shop: Shop, fault: str
) -> None:
    shop.secret("payments", shop.signer.token())
    shop.check("checkout", **IMPOSSIBLE[fault])
    found = shop.reads("checkout", "False", "InvalidSpec")
    stalled = condition(found, "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "InvalidSpec")
    for message in (stalled["message"], condition(found, "Ready")["message"]):
        assert f"spec.tokens[0].expiry.warnBefore: {fault}" in message
        assert "apply it again" in message

    shop.change("checkout", defaults=None)
    repaired = shop.reads("checkout", *WARNED)
    assert "Stalled" not in states(repaired)


def test_deletion_leaves_nothing_behind(shop: Shop, operator: OperatorProcess) -> None:
    def series() -> list[str]:
        return [name for name in operator.metrics() if f'"{shop.namespace}"' in name]

    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", providerRef={"name": shop.provider()}))
    found = shop.reads("checkout", *GOOD)
    assert "finalizers" not in found["metadata"]
    # The API server stamps who asked for it; nothing of the operator stands there.
    assert set(found["metadata"].get("annotations", {})) <= STAMPS
    eventually(series)

    shop.delete("TokenCheck", "checkout")
    assert shop.admin.find("TokenCheck", "checkout", shop.namespace) is None
    eventually(lambda: not series())
    # A change of its Secret wakes nobody up, and the next check of this name starts afresh.
    shop.secret("payments", shop.signer.expired())
    shop.check("checkout", listed("payments", providerRef={"name": shop.namespace}))
    again = shop.reads("checkout", "False", "TokenExpired")
    assert "baseline" not in token_of(again)


def test_the_owner_is_named_by_the_check_else_by_its_secret_else_by_the_namespace(
    shop: Shop, operator: OperatorProcess
) -> None:
    def owned(name: str, owner: str) -> None:
        shop.wait(name, lambda it: it["status"].get("owner", "") == owner)
        labels = f'namespace="{shop.namespace}",name="{name}",owner="{owner}"'
        eventually(lambda: operator.metrics().get(f"tokencheck_info{{{labels}}}") == 1)

    ours = "tokencheck.dev/owner"
    shop.secret("payments", shop.signer.token(), annotations={ours: "team-secret"})
    shop.secret("plain", shop.signer.token())
    shop.check("by-check", listed("payments"), annotations={ours: "team-check"})
    shop.check("by-secret", listed("payments"))
    shop.check("by-namespace", listed("plain"))
    owned("by-check", "team-check")
    owned("by-secret", "team-secret")
    owned("by-namespace", "")

    shop.annotate("Namespace", shop.namespace, owner="team-namespace")
    owned("by-namespace", "team-namespace")
    shop.annotate("Secret", "payments", owner="team-new")
    owned("by-secret", "team-new")
    shop.annotate("TokenCheck", "by-check", owner=None)
    owned("by-check", "team-new")
