"""When a provider is asked for its keys, and how long an answer counts."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes import JSON
from tokencheck.api.keysource import MAX_STALE, MIN_REFRESH, RemoteKeys
from tokencheck.api.urls import Url
from tokencheck.core.questions.discovery import jwks_url_of
from tokencheck.core.questions.keys import (
    COOL_DOWN,
    SETTLE,
    SHORTEST,
    Known,
    answered,
    ask_ahead_at,
    failed,
    is_due,
    look_again_at,
    too_old,
)
from tokencheck.core.questions.replies import Faulted, fault_of
from tokencheck.model.asking import NoReply, Reply
from tokencheck.model.keyset import Jwk, KeySet
from tokencheck.model.reasons import Reason

NOW = datetime(2027, 1, 1, tzinfo=UTC)
URL = Url(host="login.example.com", path="/keys")
RULES = RemoteKeys(url=URL, discovery=False)
KEYS = KeySet(keys=(Jwk(text="{}", key_type="EC"),))
DOWN = Faulted(reason=Reason.TIMED_OUT, detail="no whole answer came in time")

seconds = st.integers(0, 100_000).map(lambda s: timedelta(seconds=s))
rules = st.builds(
    RemoteKeys,
    url=st.just(URL),
    discovery=st.booleans(),
    refresh=st.integers(60, 86_400).map(lambda s: timedelta(seconds=s)),
    max_stale=st.integers(60, 604_800).map(lambda s: timedelta(seconds=s)),
)
steps = st.lists(
    st.tuples(
        seconds,
        st.one_of(st.none(), st.floats(0, 1e9)),
        st.booleans(),
        st.one_of(st.none(), st.floats(0, 3600)),
        st.floats(0, 1),
    ),
    max_size=20,
)


def after(rules: RemoteKeys, steps: list) -> tuple[Known, datetime]:
    known, now = Known(), NOW
    for pause, age, good, retry, chance in steps:
        now += pause
        if good:
            known = answered(known, KEYS, age, rules=rules, now=now, chance=chance)
        else:
            fault = Faulted(reason=DOWN.reason, detail=DOWN.detail, retry_after_s=retry)
            known = failed(known, fault, rules=rules, now=now, chance=chance)
    return known, now


@given(rules, steps)
def test_whatever_happens_a_provider_is_asked_again_and_not_at_once(
    rules: RemoteKeys, steps: list
) -> None:
    known, now = after(rules, steps)
    if not steps:
        assert is_due(known, now)
        return
    assert not is_due(known, now)
    assert known.due_at is not None
    assert known.due_at <= now + max(rules.refresh, timedelta(hours=1))
    assert is_due(known, known.due_at)


@given(rules, steps)
def test_a_removed_key_counts_no_longer_than_configured(rules: RemoteKeys, steps: list) -> None:
    """While the provider answers: the refresh interval. When it does not: maxStale."""
    known, _ = after(rules, steps)
    if known.read_at is None:
        return
    if known.fault is None:
        assert known.due_at is not None
        assert known.due_at <= known.read_at + rules.refresh
    end = known.read_at + rules.max_stale
    assert too_old(known, rules, end)
    assert not too_old(known, rules, end - timedelta(microseconds=1))
    assert look_again_at(known, rules, known.read_at) <= end


@given(rules, steps)
def test_a_fault_keeps_the_keys_and_their_age(rules: RemoteKeys, steps: list) -> None:
    known, now = after(rules, steps)
    broken = failed(known, DOWN, rules=rules, now=now, chance=0.5)
    assert (broken.keys, broken.read_at) == (known.keys, known.read_at)
    assert broken.fault == DOWN


@pytest.mark.parametrize(
    ("max_age", "wait"),
    [(None, 600), (1, 60), (300, 300), (1e9, 600), (0, 60)],
    ids=["says nothing", "a second", "five minutes", "for ever", "not at all"],
)
def test_a_server_may_be_asked_sooner_than_configured_but_never_later(
    max_age: float | None, wait: int
) -> None:
    known = answered(Known(), KEYS, max_age, rules=RULES, now=NOW, chance=0)
    assert known.due_at == NOW + timedelta(seconds=wait)


def test_pauses_after_faults_grow_up_to_the_interval() -> None:
    known, pauses = Known(), []
    for _ in range(12):
        known = failed(known, DOWN, rules=RULES, now=NOW, chance=1)
        assert known.due_at is not None
        pauses.append((known.due_at - NOW).total_seconds())
    assert pauses == [15, 30, 60, 120, 240, 480, 600, 600, 600, 600, 600, 600]


def test_a_question_that_others_crowded_out_is_no_fault_of_the_issuer() -> None:
    crowded = Faulted(reason=Reason.NOT_ASKED, detail="others wait", of_token=True)
    known = answered(Known(), KEYS, None, rules=RULES, now=NOW, chance=0)
    for _ in range(5):
        known = failed(known, crowded, rules=RULES, now=NOW, chance=1)
    assert (known.keys, known.fault, known.failures) == (KEYS, None, 0)
    assert known.due_at == NOW + timedelta(seconds=15)
    assert failed(Known(), crowded, rules=RULES, now=NOW, chance=1).fault == crowded


def test_retry_after_is_honoured() -> None:
    fault = Faulted(reason=Reason.RATE_LIMITED, detail="", retry_after_s=1800)
    known = failed(Known(), fault, rules=RULES, now=NOW, chance=0)
    assert known.due_at == NOW + timedelta(seconds=1800)


def test_a_clock_that_was_set_back_does_not_stop_the_questions() -> None:
    known = answered(Known(), KEYS, None, rules=RULES, now=NOW, chance=0)
    assert is_due(known, NOW - timedelta(days=1))


def test_a_token_newer_than_the_keys_brings_a_question_ahead_of_time() -> None:
    known = answered(Known(), KEYS, None, rules=RULES, now=NOW, chance=0)
    later = NOW + timedelta(seconds=5)
    assert ask_ahead_at(known, later, later) == later


def test_a_second_one_waits_for_the_cool_down() -> None:
    known = Known(keys=KEYS, read_at=NOW, tried_at=NOW, forced_at=NOW)
    assert ask_ahead_at(known, NOW, NOW + timedelta(seconds=1)) == NOW + COOL_DOWN


def test_a_token_that_was_there_before_the_keys_brings_none() -> None:
    """Else every token of a foreign issuer would be a question a minute for ever."""
    known = answered(Known(), KEYS, None, rules=RULES, now=NOW, chance=0)
    assert ask_ahead_at(known, NOW - SETTLE, NOW) is None


@given(st.lists(seconds, max_size=50))
def test_a_flood_of_tokens_with_unknown_keys_costs_two_questions_a_minute(
    pauses: list[timedelta],
) -> None:
    known, now, asked = Known(keys=KEYS, read_at=NOW, tried_at=NOW), NOW, []
    for pause in pauses:
        now += pause / 1000
        at = ask_ahead_at(known, now, now)
        if at is not None and at <= now:
            asked.append(now)
            known = Known(keys=KEYS, read_at=now, tried_at=now, forced_at=now)
    assert all(b - a >= COOL_DOWN for a, b in itertools.pairwise(asked))


def test_the_constants_leave_room_for_what_an_admin_may_write() -> None:
    assert SHORTEST <= MIN_REFRESH < MAX_STALE


@pytest.mark.parametrize(
    ("status", "media_type", "reason"),
    [
        (200, "application/json", None),
        (200, "application/jwk-set+json", None),
        (200, "", None),
        (200, "text/html", Reason.UNEXPECTED_ANSWER),
        (204, "", Reason.UNEXPECTED_ANSWER),
        (401, "application/json", Reason.UNEXPECTED_ANSWER),
        (404, "text/html", Reason.UNEXPECTED_ANSWER),
        (429, "", Reason.RATE_LIMITED),
        (500, "", Reason.PROVIDER_UNAVAILABLE),
        (503, "text/html", Reason.PROVIDER_UNAVAILABLE),
    ],
)
def test_each_answer_means_one_thing(status: int, media_type: str, reason: Reason | None) -> None:
    fault = fault_of(Reply(status=status, media_type=media_type, body=b"canary"))
    assert (fault.reason if fault else None) == reason
    assert fault is None or "canary" not in fault.detail


def test_no_answer_keeps_its_reason() -> None:
    fault = fault_of(NoReply(reason=Reason.DNS_FAILED, detail="x"))
    assert fault == Faulted(reason=Reason.DNS_FAILED, detail="x")


ISSUER = "https://login.example.com/realms/shop"


@pytest.mark.parametrize(
    ("document", "ends"),
    [
        ([], "no JSON object"),
        ({"jwks_uri": "https://login.example.com/keys"}, "another issuer than jwt.issuer"),
        ({"issuer": ISSUER + "/", "jwks_uri": "https://login.example.com/k"}, "jwt.issuer"),
        ({"issuer": ISSUER}, "jwks_uri of the discovery document is missing"),
        ({"issuer": ISSUER, "jwks_uri": ["x"]}, "is missing"),
        ({"issuer": ISSUER, "jwks_uri": "http://login.example.com/k"}, "begin with https://"),
        ({"issuer": ISSUER, "jwks_uri": "https://a@login.example.com/k"}, "user name or password"),
        (
            {"issuer": ISSUER, "jwks_uri": "https://keys.example.com/k"},
            "spec.hosts if it is the issuer's",
        ),
        ({"issuer": ISSUER, "jwks_uri": "https://login.example.com:8443/k"}, "the issuer's"),
    ],
)
def test_a_discovery_document_names_the_issuer_and_a_listed_server(
    document: object, ends: str
) -> None:
    found = jwks_url_of(document, ISSUER, ["login.example.com"])
    assert isinstance(found, Faulted)
    assert found.reason is Reason.DISCOVERY_MISMATCH
    assert found.detail.endswith(ends)


def test_a_discovery_document_may_name_another_server_that_is_listed() -> None:
    document = {"issuer": ISSUER, "jwks_uri": "https://keys.example.com:8443/k?p=1"}
    found = jwks_url_of(document, ISSUER, ["login.example.com", "keys.example.com:8443"])
    assert str(found) == "https://keys.example.com:8443/k?p=1"


_PLACES = frozenset({"login.example.com", "keys.example.com:8443"})
_WHERE = """
https://login.example.com/keys https://keys.example.com:8443/a?b=c https://evil.example.com/keys
http://login.example.com/keys https://login.example.com:8443/keys file:///etc/passwd
https://me@login.example.com/ https://login.example.com@evil.example.com/
"""


@given(
    JSON
    | st.dictionaries(
        st.sampled_from(["issuer", "jwks_uri"]),
        JSON | st.sampled_from(["https://login.example.com", *_WHERE.split()]),
    )
)
def test_a_discovery_document_leads_to_a_listed_server_or_nowhere(document: object) -> None:
    found = jwks_url_of(document, "https://login.example.com", _PLACES)
    if isinstance(found, Faulted):
        assert found.reason is Reason.DISCOVERY_MISMATCH
        return
    assert found.place in _PLACES
    assert isinstance(document, dict)
    assert document["issuer"] == "https://login.example.com"
