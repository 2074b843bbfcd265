"""A provider is asked about a token once an interval, whoever needs it, and left alone at fault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gather.test_ask_token import credentials
from introspector import Introspector
from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import SecretKeyRef, TokenCheck, TokenSpec
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.clients.egress.client import Egress
from tokencheck.gather.desk import AT_A_TIME
from tokencheck.gather.introspector import LONGEST_WAIT
from tokencheck.gather.introspector import Introspector as Asking
from tokencheck.model.activity import Activity, ActivityState, Looked
from tokencheck.model.admission import Enforcement
from tokencheck.model.assessment import Assessment, TokenAssessment
from tokencheck.model.change import Cause
from tokencheck.model.evidence import Absent, Held, SecretContent, TokenEvidence, Unread
from tokencheck.model.facts import Facts, Family
from tokencheck.model.finding import Verdict
from tokencheck.model.keys import Key
from tokencheck.model.ports import TokenReviews
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

ROOM = 50
MINUTES_10 = timedelta(minutes=10)
CHECK = Key("TokenCheck", "shop", "checkout")
LOGIN = Key("TokenProvider", "", "login")


class World:
    """The one Secret that is read."""

    def __init__(self, name: str = "introspect-client") -> None:
        self.name = name
        self.content: SecretContent | Unread = credentials()
        self.reads = 0
        self.gone: set[Key] = set()
        self.status: dict[str, Any] = {}

    def check(self, key: Key) -> TokenCheck | None:
        meta = {"namespace": key.namespace, "name": key.name, "uid": "u", "generation": 1}
        found = {"metadata": meta | {"resourceVersion": "1"}, "spec": {}, "status": self.status}
        return None if key in self.gone else parse_tokencheck(found)

    async def secret(self, namespace: str, name: str) -> SecretContent | Unread:
        self.reads += 1
        assert (namespace, name) == ("tokencheck-system", self.name)
        return self.content


class Bench:
    """An introspector beside a real server, with a clock that the test moves."""

    server: Introspector

    def __init__(self, provider: dict[str, Any], world: World | None = None) -> None:
        self.world = world or World()
        self.now = datetime(2027, 1, 1, tzinfo=UTC)
        self.changes: list[tuple[Key, Cause]] = []
        self.leads = True
        self.enforced = {"shop": Enforcement.PROVEN}
        self.asking = self.made()
        self.provider: TokenProvider = parse_tokenprovider(provider)

    def made(self, reviews: TokenReviews | None = None, asker: Egress | None = None) -> Asking:
        return Asking(
            asker or Egress(per_second=1000),
            self.world,  # type: ignore[arg-type] - the part of an Inventory that is used
            "tokencheck-system",
            clock=lambda: self.now,
            chance=lambda: 1.0,
            changed=lambda key, cause: self.changes.append((key, cause)),
            may_ask=lambda _key: self.leads,
            enforced=lambda namespace: self.enforced.get(namespace),
            reviews=reviews,
            room=ROOM,
        )

    def look(
        self, token: str = "t1", key: Key = CHECK, interval: timedelta = MINUTES_10
    ) -> Activity:
        looked = Looked(
            key=key, mark=token.encode(), text=Sealed(token.encode()), interval=interval
        )
        return self.asking.activity(self.provider, looked, self.now)

    async def asked(self, token: str = "t1", after: timedelta = timedelta(0)) -> Activity:
        """Let time pass, look, wait for the answer to any question, and look again."""
        self.now += after
        self.look(token)
        await self.quiet()
        return self.look(token)

    async def tended(
        self, after: timedelta = timedelta(0), *, changed: bool = False
    ) -> datetime | None:
        """Let time pass, and have the provider looked after, as its pass does."""
        self.now += after
        return await self.asking.tend(self.provider, self.now, changed=changed)

    async def quiet(self) -> None:
        await until(lambda: self.asking.running == 0)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


def keys(count: int) -> list[Key]:
    return [Key("TokenCheck", "shop", f"c{number}") for number in range(count)]


async def test_a_thousand_checks_of_one_token_cost_one_question(bench: Bench) -> None:
    states = {bench.look(key=key).state for key in keys(1000)}
    assert states == {ActivityState.PENDING}
    await bench.quiet()
    for key in keys(1000):
        assert bench.look(key=key).state is ActivityState.KNOWN
    assert bench.server.asked == {"t1": 1}
    assert {key for key, _ in bench.changes} >= set(keys(1000))  # all are told


async def test_a_token_is_asked_about_once_an_interval(bench: Bench) -> None:
    for _ in range(3):
        await bench.asked(after=MINUTES_10)
    await bench.asked(after=MINUTES_10 * 0.9 - timedelta(seconds=1))
    assert bench.server.asked == {"t1": 3}


async def test_an_answer_that_is_the_same_makes_no_check_due(bench: Bench) -> None:
    await bench.asked()
    bench.changes.clear()
    await bench.asked(after=MINUTES_10)
    assert bench.changes == []


async def test_a_token_that_is_revoked_makes_its_checks_due(bench: Bench) -> None:
    await bench.asked()
    other = Key("TokenCheck", "shop", "other")
    bench.look(key=other)
    bench.server.tokens.clear()
    bench.changes.clear()
    found = await bench.asked(after=MINUTES_10)
    assert found.answer
    assert not found.answer.active
    assert {(CHECK, Cause.PROVIDER_CHANGED), (other, Cause.PROVIDER_CHANGED)} <= set(bench.changes)


async def test_one_fault_is_tried_again_before_anybody_is_told(bench: Bench) -> None:
    """The second one is told, with the last answer and its time beside it."""
    bench.server.tokens |= {"t2": {}, "t3": {}, "t4": {}}
    for token in ("t1", "t2", "t3", "t4"):
        await bench.asked(token)
    bench.server.mode = "500"
    found = await bench.asked(after=MINUTES_10)
    assert found.state is ActivityState.KNOWN
    found = await bench.asked(after=timedelta(seconds=15))
    assert (found.state, found.reason) == (ActivityState.FAULTED, Reason.PROVIDER_UNAVAILABLE)
    assert found.answer
    assert found.answer.active
    assert found.answered_at == datetime(2027, 1, 1, tzinfo=UTC)
    bench.server.mode = "well"
    found = await bench.asked(after=timedelta(minutes=1))
    assert found.state is ActivityState.KNOWN


async def test_an_answer_that_nobody_renews_counts_no_longer(bench: Bench) -> None:
    await bench.asked()
    bench.leads = False
    found = await bench.asked(after=2 * MINUTES_10 + timedelta(minutes=1))
    assert (found.state, found.reason) == (ActivityState.FAULTED, Reason.NOT_ASKED)
    assert found.answer
    assert bench.server.asked == {"t1": 1}


async def test_only_who_leads_asks(bench: Bench) -> None:
    bench.leads = False
    assert (await bench.asked()).state is ActivityState.PENDING
    assert bench.server.connections == 0


async def test_a_provider_at_fault_is_left_alone_with_all_its_tokens(bench: Bench) -> None:
    bench.server.mode = "500"
    for number in range(10):
        found = await bench.asked(f"x{number}")
    assert (found.state, found.reason) == (ActivityState.FAULTED, Reason.PROVIDER_UNAVAILABLE)
    assert sum(bench.server.asked.values()) == 1  # the only token that was known then
    bench.server.mode = "well"
    for number in range(5):
        bench.now += timedelta(seconds=15)
        await bench.asked(f"x{number}")
    assert (await bench.asked("x9", after=timedelta(seconds=15))).state is ActivityState.KNOWN


async def test_one_token_that_breaks_the_server_does_not_end_the_others(bench: Bench) -> None:
    for number in range(5):
        await bench.asked(f"x{number}")
    bench.server.mode = "500"
    for _ in range(5):
        await bench.asked("x0", after=MINUTES_10 / 5)
    bench.server.mode = "well"
    assert (await bench.asked("x1")).state is ActivityState.KNOWN


async def test_the_time_that_the_server_asks_for_is_kept(bench: Bench) -> None:
    bench.server.mode, bench.server.retry_after = "429", "1200"
    await bench.asked("t1")
    await bench.asked("t2", after=timedelta(seconds=1190))
    assert sum(bench.server.asked.values()) == 1
    bench.server.mode = "well"
    assert (await bench.asked("t1", after=timedelta(seconds=11))).state is ActivityState.KNOWN


async def test_of_a_paused_provider_one_question_tries_whether_it_answers_again(
    bench: Bench,
) -> None:
    bench.server.mode = "denied"
    await bench.asked("t1")
    bench.now += timedelta(minutes=1)
    for number in range(20):
        bench.look(f"x{number}", key=keys(20)[number])
    await bench.quiet()
    assert sum(bench.server.asked.values()) == 2
    assert {key for key, _ in bench.changes} >= set(keys(20))  # those behind it come again


async def test_a_server_that_hangs_holds_up_nobody(bench: Bench) -> None:
    bench.server.mode = "silent"
    for number in range(ROOM):
        assert bench.look(f"x{number}").state is ActivityState.PENDING
    await until(lambda: bench.server.connections == AT_A_TIME)
    assert bench.look("x49").state is ActivityState.PENDING


async def test_credentials_that_are_missing_are_told_and_nobody_is_asked(bench: Bench) -> None:
    bench.world.content = Absent(what="Secret")
    found = await bench.asked()
    assert (found.state, found.reason) == (ActivityState.FAULTED, Reason.SECRET_NOT_FOUND)
    assert bench.server.connections == 0
    assert (LOGIN, Cause.RESYNC) in bench.changes
    standing = bench.asking.standing("login")
    assert standing is not None
    assert standing.reason is Reason.SECRET_NOT_FOUND


async def test_another_provider_of_the_same_name_knows_nothing(bench: Bench) -> None:
    await bench.asked()
    bench.changes.clear()
    bench.provider = parse_tokenprovider(bench.server.provider(authentication="Post"))
    assert bench.look().state is ActivityState.PENDING
    await bench.quiet()
    assert bench.server.asked == {"t1": 2}
    assert CHECK in {key for key, _ in bench.changes}
    bench.asking.forget("login")
    assert bench.asking.standing("login") is None
    assert bench.asking.requests == {}


async def test_an_issuer_that_is_mended_is_asked_at_once(bench: Bench) -> None:
    """It is who an assertion is for: one for another is refused."""
    bench.server.mode = "denied"
    await bench.asked()
    manifest = bench.server.provider()
    keys = {"type": "Inline", "jwks": {"keys": []}}
    manifest["spec"]["jwt"] = {"issuer": "https://login.example.com", "keys": keys}
    bench.provider = parse_tokenprovider(manifest)
    bench.server.mode = "well"
    assert (await bench.asked()).state is ActivityState.KNOWN


async def test_no_more_tokens_are_kept_than_there_is_room_for(
    bench: Bench,
) -> None:
    for number in range(3 * ROOM):
        await bench.asked(f"x{number}")
    assert bench.asking.tokens == ROOM
    assert (await bench.asked(f"x{3 * ROOM - 1}")).state is ActivityState.KNOWN
    assert set(bench.server.asked.values()) == {1}


def assessed(activity: Activity, token: str = "t1") -> Assessment:
    """A check of one token, of which this is known."""
    meta = credentials().meta
    facts = Facts(kind="Opaque", family=Family.OPAQUE, fingerprint=token.encode())
    evidence = TokenEvidence(
        spec=TokenSpec(name="payments", source=SecretKeyRef(name="payments", key="token")),
        source="Secret",
        holding=Held(facts=facts, secret=meta),
        activity=activity,
    )
    one = TokenAssessment(evidence=evidence, findings=(), verdict=Verdict.UNKNOWN)
    return Assessment(tokens=(one,), findings=(), test_findings=(), verdict=Verdict.UNKNOWN)


async def test_a_check_waits_for_a_first_answer_and_no_longer_than_a_while(bench: Bench) -> None:
    bench.server.mode = "silent"
    found = assessed(bench.look())
    assert bench.asking.awaits(CHECK, found, bench.now) == bench.now + LONGEST_WAIT
    bench.now += LONGEST_WAIT
    assert bench.asking.awaits(CHECK, assessed(bench.look()), bench.now) is None


async def test_what_is_known_is_not_waited_for(bench: Bench) -> None:
    found = assessed(await bench.asked())
    assert bench.asking.awaits(CHECK, found, bench.now + MINUTES_10) is None


async def test_who_does_not_lead_waits_and_asks_as_soon_as_it_does(bench: Bench) -> None:
    bench.leads = False
    found = assessed(bench.look())
    assert bench.asking.awaits(CHECK, found, bench.now) is not None
    bench.now += 10 * LONGEST_WAIT
    assert bench.asking.awaits(CHECK, found, bench.now) is not None
    assert await bench.tended() is None
    assert bench.changes == []
    bench.leads = True
    assert await bench.tended() is None
    assert bench.changes == [(CHECK, Cause.PROVIDER_CHANGED)]


async def test_one_check_comes_again_to_ask_and_the_others_need_not(bench: Bench) -> None:
    other = Key("TokenCheck", "shop", "other")
    bench.look()
    bench.look(key=other)
    await bench.quiet()
    found = assessed(bench.look())
    assert bench.asking.again_at(CHECK, found, bench.now) is not None
    assert bench.asking.again_at(other, found, bench.now) is None


async def test_after_a_fault_it_comes_again_when_the_provider_may_be_asked(bench: Bench) -> None:
    bench.server.mode, bench.server.retry_after = "429", "1200"
    found = assessed(await bench.asked())
    again = bench.asking.again_at(CHECK, found, bench.now)
    assert again == bench.now + timedelta(seconds=1200)


@pytest.mark.parametrize("enforced", [one for one in Enforcement if one is not Enforcement.PROVEN])
async def test_from_where_admission_is_not_proven_no_token_is_sent_and_none_is_told_of(
    bench: Bench, enforced: Enforcement
) -> None:
    """Another namespace has asked about the same token: that says nothing to this one."""
    await bench.asked()
    bench.enforced["shady"] = enforced
    key = Key("TokenCheck", "shady", "checkout")
    found = bench.look(key=key)
    assert (found.state, found.reason) == (ActivityState.NOT_SENT, Reason.NOT_ASKED)
    assert "namespace shady: admission" in found.detail
    assert f"({enforced})" in found.detail
    assert found.answer is None
    bench.look("t2", key=key)
    await bench.quiet()
    assert bench.server.asked == {"t1": 1}
    again = bench.asking.again_at(key, assessed(found), bench.now)
    assert again == bench.now + timedelta(seconds=10)


async def test_a_check_waits_a_moment_for_the_first_proof_of_its_namespace(bench: Bench) -> None:
    del bench.enforced["shop"]
    found = assessed(bench.look())
    assert bench.asking.awaits(CHECK, found, bench.now) == bench.now + timedelta(seconds=2)
    await bench.quiet()
    assert bench.server.connections == 0
    bench.enforced["shop"] = Enforcement.PROVEN
    assert (await bench.asked()).state is ActivityState.KNOWN
