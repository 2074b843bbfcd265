"""A token that becomes another one than was accepted is told, until somebody accepts it."""

from __future__ import annotations

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from cluster.shop import (
    AUDIENCE,
    DAY_S,
    ISSUER,
    SCOPES,
    Shop,
    condition,
    eventually,
    findings,
    listed,
    states,
    token_of,
)
from controlplane import OperatorProcess

GOOD = ("True", "AllChecksPassed")
DRIFTED = ("True", "PassedWithWarnings")
BROADER = " ".join([*SCOPES, "refunds:read"])
# Local checks are enough to see drift, and no provider refuses what has drifted.
LOCAL = {"unverified": "Ignore"}


def by_another_algorithm() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "checkout", "iat": now}
    claims |= {"exp": now + 90 * DAY_S, "scope": " ".join(SCOPES)}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "shop-1"})


def changed_tokens(shop: Shop) -> dict[str, tuple[str, str]]:
    """By kind of drift: a token that differs in this, and what the message says of it."""
    token = shop.signer.token
    half = int(time.time()) + 45 * DAY_S
    return {
        "issuer": (token(iss="https://other"), f"issuer from {ISSUER} to https://other"),
        "audiences": (token(aud="refunds"), 'audiences from "payments-api" to "refunds"'),
        "subject": (token(sub="somebody"), "subject to another"),
        "scopes": (token(scope=BROADER), "refunds:read"),
        "lifetime": (token(exp=half), "lifetime from 90 d to 45 d"),
        "algorithm": (by_another_algorithm(), "algorithm from ES256 to RS256"),
        "kind": (f"ghp_{'a' * 36}", "kind from JWT to GitHub"),
    }


def drifts(operator: OperatorProcess) -> dict[str, float]:
    prefix = 'tokencheck_drifts_total{kind="'
    samples = operator.metrics().items()
    return {n.removeprefix(prefix)[:-2]: v for n, v in samples if n.startswith(prefix)}


def drift(shop: Shop, name: str = "checkout", **policy: str) -> dict[str, Any]:
    """A check whose token drifted in its scopes; returns it as it is then."""
    shop.secret(name, shop.signer.token())
    shop.check(name, listed(name), policy=LOCAL | policy)
    shop.reads(name, *GOOD)
    shop.secret(name, shop.signer.token(scope=BROADER))
    return shop.wait(name, lambda it: any(one[0] == "Drift" for one in findings(it)))


def test_every_kind_of_drift_is_told_once_in_words_event_and_counter(
    shop: Shop, operator: OperatorProcess
) -> None:
    changed = changed_tokens(shop)
    for kind in changed:
        shop.secret(kind, shop.signer.token())
        shop.check(kind, listed(kind), policy=LOCAL)
    for kind in changed:
        found = shop.reads(kind, *GOOD)
        assert states(found)["Drifted"] == "False"
    before = drifts(operator)
    kinds = {*changed, "removed"}  # the last is of discovered tokens
    assert set(before) == kinds, "every kind is counted from zero on"

    for kind, (token, _) in changed.items():
        shop.secret(kind, token)
    for kind, (_, words) in changed.items():
        found = shop.reads(kind, *DRIFTED)
        told = condition(found, "Drifted")
        assert (told["status"], told["reason"]) == ("True", "Drifted")
        assert words in told["message"]
        assert "accept-drift" in told["message"]
        assert "somebody" not in str(found["status"]), "a subject may name a person"
        event = shop.wait_event(kind, "TokenDrifted")
        assert words in event["note"]
        assert "series" not in event
    # An opaque token has none of the claims: with the kind all the others changed too.
    eventually(lambda: all(drifts(operator)[kind] >= before[kind] + 1 for kind in changed))


def test_drift_stays_until_the_annotation_names_the_secret_s_version(
    shop: Shop, operator: OperatorProcess
) -> None:
    counted = drifts(operator)["scopes"] + 1
    assert states(drift(shop))["Drifted"] == "True"
    eventually(lambda: drifts(operator)["scopes"] == counted)
    # Neither a pass nor the next rotation accepts it.
    shop.annotate("TokenCheck", "checkout", check_now="1")
    shop.wait("checkout", lambda it: it["status"].get("lastHandledCheckNow") == "1")
    version = shop.secret("checkout", shop.signer.token(scope=BROADER))["metadata"][
        "resourceVersion"
    ]
    rotated = shop.wait("checkout", lambda it: token_of(it).get("resourceVersion") == version)
    assert states(rotated)["Drifted"] == "True"
    assert token_of(rotated)["baseline"]["scopes"] == SCOPES
    # An acceptance of another version is none.
    shop.annotate("TokenCheck", "checkout", accept_drift="1", check_now="2")
    found = shop.wait("checkout", lambda it: it["status"].get("lastHandledCheckNow") == "2")
    assert states(found)["Drifted"] == "True"
    assert drifts(operator)["scopes"] == counted

    shop.annotate("TokenCheck", "checkout", accept_drift=version)
    accepted = shop.reads("checkout", *GOOD)
    assert states(accepted)["Drifted"] == "False"
    assert token_of(accepted)["baseline"]["scopes"] == sorted(BROADER.split())
    # From now on the old one is the drift.
    shop.secret("checkout", shop.signer.token())
    again = shop.reads("checkout", *DRIFTED)
    assert states(again)["Drifted"] == "True"


def test_a_change_of_the_spec_accepts_a_drift(shop: Shop) -> None:
    drift(shop)
    shop.change("checkout", interval="20m")
    found = shop.reads("checkout", *GOOD)
    assert token_of(found)["baseline"]["scopes"] == sorted(BROADER.split())


def test_a_token_that_returns_to_its_baseline_has_not_drifted(shop: Shop) -> None:
    drift(shop)
    shop.secret("checkout", shop.signer.token())
    found = shop.reads("checkout", *GOOD)
    assert states(found)["Drifted"] == "False"
    assert token_of(found)["baseline"]["scopes"] == SCOPES


def test_an_invalid_token_never_becomes_the_baseline(shop: Shop) -> None:
    shop.secret("checkout", shop.signer.expired(scope=BROADER))
    shop.check("checkout", listed("checkout"), policy=LOCAL)
    found = shop.reads("checkout", "False", "TokenExpired")
    assert "baseline" not in token_of(found)
    shop.secret("checkout", shop.signer.token())
    found = shop.reads("checkout", *GOOD)
    assert token_of(found)["baseline"]["scopes"] == SCOPES


def test_the_policy_decides_what_becomes_of_a_drift(shop: Shop) -> None:
    failed = drift(shop, "failing", drift="Fail")
    assert ("Drift", "Fail", "Drifted") in findings(failed)
    shop.reads("failing", "False", "Drifted")
    ignored = drift(shop, "ignoring", drift="Ignore")
    assert ("Drift", "Skip", "Ignored") in findings(ignored)
    shop.reads("ignoring", *GOOD)


def test_drift_survives_a_restart_of_the_operator_and_one_meanwhile_is_seen(
    shop: Shop, operator: OperatorProcess
) -> None:
    before = drift(shop)
    drift(shop, "ignored", drift="Ignore")
    shop.secret("meanwhile", shop.signer.token())
    shop.check("meanwhile", listed("meanwhile"), policy=LOCAL)
    shop.reads("meanwhile", *GOOD)

    operator.stop()
    version = shop.secret("meanwhile", shop.signer.token(aud="refunds"))["metadata"][
        "resourceVersion"
    ]
    operator.start()
    found = shop.reads("meanwhile", *DRIFTED)
    assert token_of(found)["resourceVersion"] == version
    assert 'from "payments-api" to "refunds"' in condition(found, "Drifted")["message"]
    shop.annotate("TokenCheck", "checkout", check_now="after")
    after = shop.wait("checkout", lambda it: it["status"].get("lastHandledCheckNow") == "after")
    assert condition(after, "Drifted") == condition(before, "Drifted")
    # What a restart finds drifted is not a new drift; what happened meanwhile is.
    eventually(lambda: drifts(operator)["audiences"] == 1)
    assert drifts(operator)["scopes"] == 0
    shop.annotate("TokenCheck", "checkout", accept_drift=token_of(after)["resourceVersion"])
    shop.reads("checkout", *GOOD)
