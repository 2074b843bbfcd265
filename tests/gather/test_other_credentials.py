"""A provider that refused the operator's own credentials is asked as soon as others come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gather.test_ask_token import credentials
from gather.test_introspector import CHECK, LOGIN, MINUTES_10, Bench, keys
from introspector import CLIENT, Introspector
from tokencheck.model.activity import ActivityState
from tokencheck.model.change import Cause
from tokencheck.model.evidence import Absent, Denied, Failed, SecretContent, Unread
from tokencheck.model.reasons import Reason

BEAT = timedelta(seconds=30)
NONE: Unread = Absent(what="Secret")


def of_version(version: str, secret: str = CLIENT[1]) -> SecretContent:
    content = credentials(secret=secret)
    return replace(content, meta=replace(content.meta, resource_version=version))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with Introspector() as server:
        server.tokens["t1"] = {}
        bench = Bench(server.provider())
        bench.server = server
        yield bench
        await bench.asking.close()


async def left_alone(bench: Bench, content: SecretContent | Unread) -> None:
    """Let the provider be asked with these credentials until its pause takes minutes."""
    bench.world.content = content
    for _ in range(6):
        await bench.asked(after=MINUTES_10)
    bench.world.reads = 0
    bench.changes.clear()


REFUSED = {
    "another secret": of_version("1", "wrong"),
    "no Secret": NONE,
    "no right": Denied(what="Secret"),
    "no answer": Failed(what="Secret"),
    "no key": replace(of_version("1"), values={}),
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("changed", [True, False], ids=["watched", "read"])
async def test_other_credentials_end_the_pause(
    bench: Bench, content: SecretContent | Unread, changed: bool
) -> None:
    await left_alone(bench, content)
    bench.world.content = of_version("2")
    wait = timedelta(seconds=1) if changed else BEAT
    assert (await bench.asked(after=wait)).state is ActivityState.FAULTED
    await bench.tended(changed=changed)
    assert bench.changes == [(CHECK, Cause.PROVIDER_CHANGED)]
    assert (await bench.asked()).state is ActivityState.KNOWN
    assert bench.server.asked["t1"] == sum(bench.server.asked.values())
    assert await bench.tended(after=BEAT, changed=True) is None
    assert bench.world.reads == 2  # one to see them, one to ask by them


async def test_the_same_credentials_are_read_once_a_beat_and_nothing_is_asked(bench: Bench) -> None:
    await left_alone(bench, of_version("1", "wrong"))
    asked = bench.server.asked.copy()
    for second in range(1, 121):
        at = await bench.tended(after=timedelta(seconds=1))
        assert at is not None
        assert at > bench.now
        assert bench.world.reads == second // 30
    assert bench.changes == []
    await bench.asked()
    assert bench.server.asked == asked


@pytest.mark.parametrize("content", [NONE, Denied(what="Secret"), Failed(what="Secret")])
async def test_credentials_that_cannot_be_read_for_now_are_no_others(
    bench: Bench, content: Unread
) -> None:
    await left_alone(bench, of_version("1", "wrong"))
    bench.world.content = content
    assert await bench.tended(changed=True) == bench.now + BEAT
    assert bench.changes == []
    bench.world.content = of_version("1", "wrong")
    await bench.tended(after=BEAT)
    assert bench.changes == []


async def test_a_change_that_mends_nothing_leaves_the_provider_alone_for_longer(
    bench: Bench,
) -> None:
    """Whoever writes that Secret all the time has the provider asked no more than once a write."""
    await left_alone(bench, of_version("1", "wrong"))
    asked = bench.server.asked["t1"]
    for version in ("2", "3"):
        bench.world.content = of_version(version, "wrong")
        await bench.tended(after=timedelta(seconds=1), changed=True)
        found = await bench.asked()
        assert (found.state, found.reason) == (
            ActivityState.FAULTED,
            Reason.INTROSPECTION_UNAUTHORIZED,
        )
        await bench.asked(after=timedelta(minutes=9))
    assert bench.server.asked["t1"] == asked + 2


@pytest.mark.parametrize("mode", ["429", "500", "silent"])
async def test_a_pause_for_another_reason_stays(bench: Bench, mode: str) -> None:
    bench.server.mode, bench.server.retry_after = mode, "1200"
    if mode == "silent":
        await bench.server.stop()
    await left_alone(bench, of_version("1"))
    bench.world.content = of_version("2")
    assert await bench.tended(after=BEAT, changed=True) is None
    assert bench.world.reads == 0
    assert bench.changes == []
    if mode == "silent":
        await bench.server.start()


async def test_all_checks_come_that_wait_and_one_question_tries(bench: Bench) -> None:
    bench.world.content = of_version("1", "wrong")
    for number, key in enumerate(keys(20)):
        bench.look(f"x{number}", key=key)
        await bench.quiet()
    await left_alone(bench, bench.world.content)
    tried = sum(bench.server.asked.values())
    bench.server.mode = "denied"
    await bench.tended(changed=True)
    assert bench.changes == []
    bench.world.content = of_version("2")
    await bench.tended(changed=True)
    assert {key for key, _ in bench.changes} == {CHECK, *keys(20)}
    for number, key in enumerate(keys(20)):
        bench.look(f"x{number}", key=key)
    await bench.quiet()
    assert sum(bench.server.asked.values()) == tried + 1


async def test_each_pause_makes_the_provider_due_that_looks_for_other_credentials(
    bench: Bench,
) -> None:
    await left_alone(bench, of_version("1", "wrong"))
    for _ in range(3):
        bench.changes.clear()
        await bench.asked(after=MINUTES_10)
        assert (LOGIN, Cause.RESYNC) in bench.changes
        assert await bench.tended() == bench.now + BEAT


async def test_nobody_reads_them_once_nobody_asks_any_more(bench: Bench) -> None:
    await left_alone(bench, of_version("1", "wrong"))
    assert await bench.tended(after=MINUTES_10, changed=True) is None
    assert bench.world.reads == 0


async def test_a_provider_that_is_gone_meanwhile_asks_nothing(bench: Bench) -> None:
    await left_alone(bench, of_version("1", "wrong"))
    world = bench.world

    async def removed(*_: object) -> SecretContent | Unread:
        bench.asking.forget("login")
        return of_version("2")

    world.secret = removed  # type: ignore[method-assign] - the API server answers late
    await bench.tended(changed=True)
    assert bench.changes == []
