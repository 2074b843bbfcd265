"""What the status of a provider says, and what is told of it once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.core.outcome.provider import plan_provider
from tokencheck.model.activity import Standing
from tokencheck.model.keyset import Jwk, KeySet
from tokencheck.model.reasons import Reason
from tokencheck.model.trust import Trust, TrustState, rules_of

NOW = datetime(2027, 1, 1, 12, 0, tzinfo=UTC)
ISSUER = "https://login.example.com"


def key(kid: str) -> Jwk:
    return Jwk(text='{"kty": "EC"}', key_type="EC", key_id=kid)


def provider(status: dict[str, Any] | None = None, **keys: Any) -> TokenProvider:
    rules = {"issuer": ISSUER, "keys": keys or {"type": "Discovery"}}
    spec = {"allowedNamespaces": {"all": True}, "jwt": rules}
    meta = {"name": "login", "uid": "u", "generation": 1}
    return parse_tokenprovider({"metadata": meta, "spec": spec, "status": status or {}})


def trust(*kids: str, read_at: datetime = NOW, reason: Reason | None = None, **more: Any) -> Trust:
    keys = KeySet(keys=tuple(key(kid) for kid in kids), exposed=more.get("exposed", 0))
    state = TrustState.USABLE if kids else TrustState.KEYS_UNAVAILABLE
    return Trust(
        state=state, provider="login", keys=keys, read_at=read_at, reason=reason, detail="why"
    )


def after(*looks: Trust, every: timedelta = timedelta(minutes=10)) -> tuple[dict, list[str]]:
    """The last status, and the reasons of all events, when each look follows on the other."""
    status: dict[str, Any] = {}
    told: list[str] = []
    for number, look in enumerate(looks):
        outcome = plan_provider(provider(status), look, NOW + number * every, checks=3)
        status = outcome.status
        told += [event.reason for event in outcome.events]
    return status, told


def condition(status: dict[str, Any], kind: str) -> tuple[str, str]:
    found = next(c for c in status["conditions"] if c["type"] == kind)
    return found["status"], found["reason"]


def test_a_provider_that_answers_is_ready_and_reachable() -> None:
    status, told = after(trust("a"))
    assert condition(status, "Ready") == ("True", "Valid")
    assert condition(status, "Reachable") == ("True", "ProviderReached")
    assert (status["checks"], status["lastReachableTime"]) == (3, "2027-01-01T12:00:00Z")
    assert told == []


def test_old_keys_keep_it_ready_while_it_is_not_reachable() -> None:
    status, told = after(trust("a"), trust("a", reason=Reason.TIMED_OUT))
    assert condition(status, "Ready") == ("True", "Valid")
    assert condition(status, "Reachable") == ("False", "TimedOut")
    assert told == ["ProviderUnreachable"]


def test_what_is_told_is_told_at_the_transition_alone() -> None:
    away = trust("a", reason=Reason.TIMED_OUT)
    _, told = after(trust("a"), away, away, away, trust("a"), trust("a"))
    assert told == ["ProviderUnreachable", "ProviderReachable"]


def test_a_provider_without_keys_says_why() -> None:
    status, _ = after(trust(reason=Reason.DNS_FAILED))
    assert condition(status, "Ready") == ("False", "DNSFailed")


@pytest.mark.parametrize(("minutes", "written"), [(10, "12:00"), (59, "12:00"), (60, "13:00")])
def test_the_last_answer_is_written_to_the_hour_while_all_is_well(
    minutes: int, written: str
) -> None:
    later = NOW + timedelta(minutes=minutes)
    status, _ = after(trust("a"), trust("a", read_at=later))
    assert status["lastReachableTime"] == f"2027-01-01T{written}:00Z"


def test_the_last_answer_is_exact_once_there_are_none() -> None:
    later = NOW + timedelta(minutes=10)
    status, _ = after(trust("a"), trust("a", read_at=later, reason=Reason.UNREACHABLE))
    assert status["lastReachableTime"] == "2027-01-01T12:10:00Z"


def test_equal_looks_make_equal_statuses_so_that_nothing_is_written() -> None:
    first, _ = after(trust("a"))
    again, _ = after(trust("a"), trust("a", read_at=NOW + timedelta(minutes=10)))
    assert first == again


def test_a_rotation_is_told_with_numbers() -> None:
    status: dict[str, Any] = plan_provider(provider(), trust("a"), NOW).status
    (event,) = plan_provider(provider(status), trust("b", "c"), NOW).events
    assert (event.reason, event.note) == (
        "KeysRotated",
        "keys changed: 2 new, 1 gone, 2 now",
    )


def test_published_private_keys_are_told() -> None:
    assert after(trust("a", exposed=1))[1] == ["KeysExposed"]
    assert after(trust("a", exposed=1), trust("a", exposed=1))[1] == ["KeysExposed"]


def test_nobody_is_called_reachable_who_is_not_asked() -> None:
    inline = provider(type="Inline", jwks={"keys": []})
    status = plan_provider(inline, Trust(state=TrustState.USABLE, keys=KeySet()), NOW).status
    assert [c["type"] for c in status["conditions"]] == ["Ready"]
    assert "lastReachableTime" not in status


def asked_of(*standings: Standing) -> tuple[dict[str, Any], list[str]]:
    """The last status of a provider without keys, and the reasons of all events."""
    status: dict[str, Any] = {}
    told: list[str] = []
    ref = {"url": f"{ISSUER}/introspect", "clientCredentialsRef": {"name": "client"}}
    spec = {"allowedNamespaces": {"all": True}, "introspection": ref}
    for standing in standings:
        meta = {"name": "login", "uid": "u", "generation": 1}
        one = parse_tokenprovider({"metadata": meta, "spec": spec, "status": status})
        assert not one.invalid
        outcome = plan_provider(one, rules_of(one), NOW, standing=standing)
        status = outcome.status
        told += [event.reason for event in outcome.events]
    return status, told


def test_a_provider_that_is_asked_about_tokens_says_when_it_last_answered() -> None:
    status, told = asked_of(Standing(answered_at=NOW))
    assert condition(status, "Ready") == ("True", "Valid")
    assert condition(status, "Reachable") == ("True", "ProviderReached")
    assert status["lastAnswerTime"] == "2027-01-01T12:00:00Z"
    assert told == []


def test_one_that_does_not_answer_is_told_once_and_keeps_the_time_of_its_last_answer() -> None:
    good = Standing(answered_at=NOW)
    bad = Standing(answered_at=NOW, reason=Reason.INTROSPECTION_UNAUTHORIZED, detail="no")
    status, told = asked_of(good, bad, bad)
    assert condition(status, "Reachable") == ("False", "IntrospectionUnauthorized")
    assert status["lastAnswerTime"] == "2027-01-01T12:00:00Z"
    assert told == ["ProviderUnreachable"]
    status, told = asked_of(good, bad, good)
    assert condition(status, "Reachable") == ("True", "ProviderReached")
    assert told == ["ProviderUnreachable", "ProviderReachable"]
