"""The keys of a real issuer: asked for once, kept while it is away, never trusted for too long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from issuer import Issuer
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.clients.egress.client import Egress
from tokencheck.core.tokens.read import read_token
from tokencheck.gather.keyring import KeyRing
from tokencheck.model.change import Cause
from tokencheck.model.facts import SignatureState
from tokencheck.model.keys import Key
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust, TrustState, rules_of

LOGIN = Key("TokenProvider", "", "login")
NEWS = (LOGIN, Cause.PROVIDER_CHANGED)


class Bench:
    """A key ring beside a real issuer, with a clock that the test moves."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.now = datetime(2027, 1, 1, tzinfo=UTC)
        self.changes: list[tuple[Key, Cause]] = []
        self.leads = True
        self.ring = KeyRing(
            Egress(),
            clock=lambda: self.now,
            chance=lambda: 0.0,
            changed=lambda key, cause: self.changes.append((key, cause)),
            may_ask=lambda: self.leads,
        )
        self.provider = self.made()

    def made(self, **rules: object) -> TokenProvider:
        provider = parse_tokenprovider(self.issuer.provider(**rules))
        assert not provider.invalid
        return provider

    def trust(self) -> Trust:
        return self.ring.trust(self.provider, rules_of(self.provider), self.now)

    async def asked(self, after: timedelta = timedelta(0)) -> Trust:
        """Let time pass, look at the provider, and wait for the answer to any question."""
        self.now += after
        before = sum(self.ring.requests.values())
        if self.ring.tend(self.provider, self.now) is None:
            await until(lambda: sum(self.ring.requests.values()) > before)
        return self.trust()

    def verified(self, token: str) -> SignatureState:
        facts = read_token(Sealed(token.encode()), self.trust(), fingerprint_key=b"k")
        return facts.signature.state


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    issuer = Issuer()
    await issuer.start()
    issuer.rotate("k1")
    bench = Bench(issuer)
    yield bench
    await bench.ring.close()
    await issuer.stop()


MINUTES_10 = timedelta(minutes=10)


async def test_before_the_first_answer_nothing_is_said(bench: Bench) -> None:
    assert bench.trust().state is TrustState.PENDING
    assert (await bench.asked()).state is TrustState.USABLE
    assert NEWS in bench.changes


async def test_a_thousand_looks_cost_one_question(bench: Bench) -> None:
    for _ in range(1000):
        bench.ring.tend(bench.provider, bench.now)
        bench.trust()
    await bench.asked()
    for _ in range(1000):
        bench.ring.tend(bench.provider, bench.now)
    assert list(bench.issuer.asked.values()) == [1, 1]


async def test_keys_are_asked_for_once_an_interval(bench: Bench) -> None:
    for _ in range(3):
        await bench.asked(after=MINUTES_10)
    assert set(bench.issuer.asked.values()) == {3}
    assert bench.changes.count(NEWS) == 1  # equal keys are no news


async def test_a_rotation_with_overlap_keeps_both_keys_until_the_old_one_goes(
    bench: Bench,
) -> None:
    await bench.asked()
    old = bench.issuer.token("k1")
    bench.issuer.rotate("k2")
    new = bench.issuer.token("k2")
    assert bench.verified(new) is SignatureState.KEY_NOT_FOUND
    await bench.asked(after=MINUTES_10)
    assert bench.verified(old) is bench.verified(new) is SignatureState.VERIFIED
    bench.issuer.published = bench.issuer.published[1:]
    await bench.asked(after=MINUTES_10)
    assert bench.verified(old) is SignatureState.KEY_NOT_FOUND
    assert bench.verified(new) is SignatureState.VERIFIED


async def test_a_rotation_without_overlap_replaces_all(bench: Bench) -> None:
    await bench.asked()
    old = bench.issuer.token("k1")
    bench.issuer.rotate("k2", keep=False)
    await bench.asked(after=MINUTES_10)
    assert bench.verified(old) is SignatureState.KEY_NOT_FOUND
    assert bench.verified(bench.issuer.token("k2")) is SignatureState.VERIFIED


async def test_two_keys_of_one_id_are_both_tried(bench: Bench) -> None:
    first = bench.issuer.token("k1")
    bench.issuer.rotate("k1")
    await bench.asked()
    assert bench.verified(first) is SignatureState.VERIFIED
    assert bench.verified(bench.issuer.token("k1")) is SignatureState.VERIFIED


async def test_keys_for_encryption_and_keys_that_sign_only_do_not_count(bench: Bench) -> None:
    token = bench.issuer.token("k1")
    for members in ({"use": "enc"}, {"key_ops": ["sign"]}):
        bench.issuer.published[0] |= {"use": "sig", "key_ops": ["verify"]} | members
        trust = await bench.asked(after=MINUTES_10)
        assert trust.reason is Reason.KEYS_UNAVAILABLE
        assert bench.verified(token) is not SignatureState.VERIFIED


async def test_published_private_keys_are_counted_and_do_not_count(bench: Bench) -> None:
    bench.issuer.rotate("k2")
    bench.issuer.published[0] |= {"d": "canary"}
    trust = await bench.asked()
    assert (trust.keys.exposed, len(trust.keys.keys)) == (1, 1)
    assert "canary" not in str(trust)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("500", Reason.PROVIDER_UNAVAILABLE),
        ("429", Reason.RATE_LIMITED),
        ("html", Reason.UNEXPECTED_ANSWER),
        ("redirect", Reason.REDIRECT_REFUSED),
    ],
)
async def test_old_keys_count_while_the_issuer_fails_and_their_age_is_shown(
    bench: Bench, mode: str, reason: Reason
) -> None:
    await bench.asked()
    bench.issuer.mode = mode
    trust = await bench.asked(after=MINUTES_10)
    assert (trust.state, trust.reason) == (TrustState.USABLE, reason)
    assert "read 2027-01-01T00:00:00Z; since then " in trust.detail
    assert bench.verified(bench.issuer.token("k1")) is SignatureState.VERIFIED
    bench.issuer.mode = "keys"
    trust = await bench.asked(after=MINUTES_10)
    assert (trust.state, trust.reason) == (TrustState.USABLE, None)


async def test_an_issuer_that_is_switched_off_ends_trust_at_max_stale_and_not_before(
    bench: Bench,
) -> None:
    await bench.asked()
    await bench.issuer.stop()
    trust = await bench.asked(after=timedelta(hours=23))
    assert (trust.state, trust.reason) == (TrustState.USABLE, Reason.UNREACHABLE)
    bench.changes.clear()
    trust = await bench.asked(after=timedelta(hours=1))
    assert (trust.state, trust.reason) == (TrustState.KEYS_UNAVAILABLE, Reason.KEYS_STALE)
    assert NEWS in bench.changes
    await bench.issuer.start()
    assert (await bench.asked(after=MINUTES_10)).state is TrustState.USABLE


async def test_a_set_that_lost_all_its_keys_is_a_fault_not_news(bench: Bench) -> None:
    await bench.asked()
    bench.issuer.published = []
    trust = await bench.asked(after=MINUTES_10)
    assert (trust.state, trust.reason) == (TrustState.USABLE, Reason.KEYS_UNAVAILABLE)


async def test_an_issuer_that_never_answered_says_why(bench: Bench) -> None:
    await bench.issuer.stop()
    trust = await bench.asked()
    assert (trust.state, trust.reason) == (TrustState.KEYS_UNAVAILABLE, Reason.UNREACHABLE)
    assert bench.issuer.place not in trust.detail


@pytest.mark.parametrize(
    "document",
    [{"issuer": "https://other.example.com"}, {"jwks_uri": "https://127.0.0.2/keys"}],
    ids=["another issuer", "keys on a host that is not listed"],
)
async def test_a_discovery_document_cannot_send_us_elsewhere(
    bench: Bench, document: dict[str, str]
) -> None:
    bench.issuer.document = document
    assert (await bench.asked()).reason is Reason.DISCOVERY_MISMATCH
    assert list(bench.issuer.asked) == ["/realms/shop/.well-known/openid-configuration"]


async def test_another_issuer_under_the_same_name_inherits_no_keys(bench: Bench) -> None:
    await bench.asked()
    bench.provider = bench.made(issuer=f"{bench.issuer.url}/other")
    assert bench.trust().state is TrustState.PENDING


async def test_other_rules_for_the_same_issuer_keep_the_keys(bench: Bench) -> None:
    await bench.asked()
    bench.provider = replace(bench.made(clockSkew="5s"), generation=7)
    assert bench.trust().state is TrustState.USABLE


async def test_who_does_not_lead_asks_nobody(bench: Bench) -> None:
    bench.leads = False
    for _ in range(3):
        at = bench.ring.tend(bench.provider, bench.now)
        assert at is not None
        assert at >= bench.now + timedelta(minutes=1)  # and does not spin
        await asyncio.sleep(0)
    assert not bench.issuer.asked
    bench.leads = True
    assert (await bench.asked()).state is TrustState.USABLE


async def test_a_provider_that_is_gone_leaves_nothing(bench: Bench) -> None:
    await bench.asked()
    bench.ring.forget("login")
    assert not bench.ring.requests
    assert not bench.ring.known()


async def test_no_token_is_ever_sent_for_keys(bench: Bench) -> None:
    await bench.asked()
    bench.verified(bench.issuer.token("k1"))
    await bench.asked(after=MINUTES_10)
    assert b"authorization" not in bench.issuer.said.lower()
    assert b"eyJ" not in bench.issuer.said
