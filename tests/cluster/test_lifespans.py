"""When a token is near its end, too old or too long-lived: defaults for every token, shares of the
lifetime, and what counts as the start and the end of a token that does not say so itself."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.shop import (
    DAY_S,
    Object,
    Shop,
    condition,
    env,
    findings,
    listed,
    pod_spec,
    ready,
    token_of,
)

pytestmark = pytest.mark.usefixtures("operator")

GOOD = ("True", "AllChecksPassed")
WARNED = ("True", "PassedWithWarnings")
SOON = ("Expiry", "Warn", "ExpiringSoon")
LOCAL = {"unverified": "Ignore"}
OPAQUE = "s3cr3t-opaque-text-of-a-vendor"


def rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def lasting(shop: Shop, *, past: int, left: int) -> str:
    """A token that lives since and for that many days."""
    now = int(time.time())
    return shop.signer.token(iat=now - past * DAY_S, exp=now + left * DAY_S)


def soon(found: Object) -> set[str]:
    """Names of the tokens that are said to end soon."""
    told = found["status"].get("findings") or ()
    return {one["token"] for one in told if one["reason"] == "ExpiringSoon"}


def test_defaults_hold_for_listed_and_found_tokens_and_a_token_s_own_go_before(shop: Shop) -> None:
    for name in ("found", "listed", "own"):
        shop.secret(name, lasting(shop, past=40, left=50))
    shop.workload("checkout", pod_spec(env("found")))
    tokens = (
        listed("listed", name="listed"),
        listed("own", name="own", expiry={"warnBefore": "1d"}),
    )
    shop.check("checkout", *tokens, workload="Deployment/checkout", policy=LOCAL)
    before = shop.reads("checkout", *GOOD)
    assert soon(before) == set()

    shop.change("checkout", defaults={"expiry": {"warnBefore": "60d"}})
    found = shop.reads("checkout", *WARNED)
    assert soon(found) == {"found/token", "listed"}
    # Fields that the token leaves out come from the defaults.
    shop.change("checkout", defaults={"expiry": {"failBefore": "55d", "warnBefore": "60d"}})
    failed = shop.reads("checkout", "False", "InvalidSpec")
    assert "spec.tokens[1].expiry.warnBefore" in condition(failed, "Ready")["message"]
    own = listed("own", name="own", expiry={"warnBefore": "2d", "failBefore": "1d"})
    shop.change("checkout", tokens=[listed("listed", name="listed"), own])
    failed = shop.reads("checkout", "False", "ExpiringSoon")
    assert soon(failed) == {"found/token", "listed"}

    shortest = {"warnBefore": None, "failBefore": None, "maxLifetime": "30d"}
    shop.change("checkout", defaults={"expiry": shortest})
    found = shop.reads("checkout", *WARNED)
    assert ("Lifetime", "Warn", "LifetimeTooLong") in findings(found)
    told = [one["token"] for one in found["status"]["findings"] if one["check"] == "Lifetime"]
    assert sorted(told) == ["found/token", "listed", "own"]


# 90 days of life, of which so many are left: what is said of each share.
SHARES: dict[str, tuple[int, dict[str, str], tuple[str, str]]] = {
    "before-the-warning": (20, {"warnBefore": "20%"}, GOOD),
    "after-the-warning": (17, {"warnBefore": "20%"}, WARNED),
    "before-the-failure": (3, {"warnBefore": "20%", "failBefore": "2%"}, WARNED),
    "after-the-failure": (1, {"warnBefore": "20%", "failBefore": "2%"}, ("False", "ExpiringSoon")),
    # By default the smaller of 20 % (18 days here) and 14 days.
    "before-the-default": (16, {}, GOOD),
    "after-the-default": (13, {}, WARNED),
}


def test_a_share_is_one_of_the_token_s_own_lifetime(shop: Shop) -> None:
    for name, (left, expiry, _) in SHARES.items():
        shop.secret(name, lasting(shop, past=90 - left, left=left))
        shop.check(name, listed(name, expiry=expiry), policy=LOCAL)
    for name, (_, _, expected) in SHARES.items():
        shop.reads(name, *expected)


def test_a_token_of_an_hour_does_not_warn_all_its_life(shop: Shop) -> None:
    now = int(time.time())
    shop.secret("fresh", shop.signer.token(iat=now, exp=now + 3600))
    shop.check("fresh", listed("fresh"), policy=LOCAL)
    shop.reads("fresh", *GOOD)


def test_the_earliest_end_that_anybody_names_counts(shop: Shop) -> None:
    now = time.time()
    ends = {"exp": now + 40 * DAY_S, "spec": now + 30 * DAY_S, "annotation": now + 20 * DAY_S}
    text = {name: rfc3339(end) for name, end in ends.items()}
    shop.secret("payments", shop.signer.token(exp=int(ends["exp"])))
    shop.check("checkout", listed("payments"), policy=LOCAL)

    def ends_at(moment: str) -> Object:
        return shop.wait("checkout", lambda it: token_of(it).get("expirationTime") == moment)

    ends_at(text["exp"])
    shop.change("checkout", tokens=[listed("payments", expiry={"expiresAt": text["spec"]})])
    ends_at(text["spec"])
    shop.annotate("Secret", "payments", expires_at=text["annotation"])
    found = ends_at(text["annotation"])
    assert found["status"]["expirationTime"] == text["annotation"]
    # One that nobody can read is said, and the next earliest counts.
    shop.annotate("Secret", "payments", expires_at="next spring")
    found = ends_at(text["spec"])
    assert ("Expiry", "Warn", "InvalidSpec") in findings(found)
    assert "2027-01-31T00:00:00Z" in condition(found, "Ready")["message"]


def opaque(shop: Shop, name: str, **expiry: str) -> None:
    """A check of a token that says nothing of itself; its Secret is as old as this moment."""
    shop.secret(name, OPAQUE)
    shop.check(name, listed(name, expiry=expiry), policy={"expiringSoon": "Fail", "age": "Fail"})


def age_of(shop: Shop, name: str) -> Any:
    found = shop.wait(name, lambda it: any(one[0] == "Age" for one in findings(it)))
    return next(one for one in found["status"]["findings"] if one["check"] == "Age")


def test_the_age_of_a_token_without_a_date_counts_from_the_change_of_its_secret(
    shop: Shop,
) -> None:
    opaque(shop, "payments", maxAge="6s")
    old = age_of(shop, "payments")
    assert (old["result"], old["reason"]) == ("Fail", "RotationOverdue")
    assert "last changed at" in old["message"]
    # An annotation changes nothing of the token; a new value makes it young again.
    shop.annotate("Secret", "payments", owner="team")
    shop.wait("payments", lambda it: it["status"].get("owner") == "team")
    assert age_of(shop, "payments")["reason"] == "RotationOverdue"
    shop.secret("payments", f"{OPAQUE}-2")
    shop.wait("payments", lambda it: not [one for one in findings(it) if one[0] == "Age"])


def test_a_share_of_a_token_without_a_date_counts_from_the_change_of_its_secret(
    shop: Shop,
) -> None:
    """Half of the ten seconds between the Secret's creation and its written end."""
    end = int(time.time()) + 10
    opaque(shop, "payments", warnBefore="50%", expiresAt=rfc3339(end))
    found = shop.seen("payments", lambda it: ready(it) == ("False", "ExpiringSoon"))
    assert 3.0 < end - found.wall < 6.5
    ended = shop.seen("payments", lambda it: ready(it) == ("False", "TokenExpired"))
    assert ended.wall >= end


def test_the_annotation_gives_an_end_to_a_token_that_is_only_found(shop: Shop) -> None:
    ended = {"tokencheck.dev/expires-at": rfc3339(time.time() - 60)}
    shop.secret("vendor", OPAQUE, annotations=ended)
    shop.workload("checkout", pod_spec(env("vendor")), replicas=0)
    shop.check("checkout", workload="Deployment/checkout")
    found = shop.reads("checkout", "False", "TokenExpired")
    assert "annotation tokencheck.dev/expires-at" in condition(found, "Ready")["message"]
    shop.annotate("Secret", "vendor", expires_at=rfc3339(time.time() + 300 * DAY_S))
    shop.wait("checkout", lambda it: it["status"].get("verdict") == "Valid")
