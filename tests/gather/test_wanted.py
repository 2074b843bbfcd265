"""Paths that checks look for are asked about with their token, of all checks in one question."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gather.test_introspector import CHECK, MINUTES_10
from gather.test_renewed import Vault
from tokencheck.core.questions.liveness import LATE, UNTOLD_RETRY
from tokencheck.core.questions.vendors.capabilities import MAX_PATHS
from tokencheck.model.activity import Activity, ActivityState, Looked
from tokencheck.model.keys import Key
from tokencheck.model.sealed import Sealed
from vendorapi import OWN_TOKEN, TOKENS, VendorApi

TOKEN = TOKENS["Vault"]
OTHER = Key("TokenCheck", "shop", "other")
GRANTED = {"kv/a": ["read"], "kv/b": ["root"]}
A, B, NONE = frozenset({"read"}), frozenset({"root"}), frozenset({"deny"})


class Paths(Vault):
    """Beside the parts of Vault that look tokens up and tell their capabilities."""

    def wants(self, *paths: str, key: Key = CHECK, interval: timedelta = MINUTES_10) -> Activity:
        text = Sealed(TOKEN.encode())
        looked = Looked(key=key, mark=b"m", text=text, interval=interval, paths=paths)
        return self.asking.activity(self.provider, looked, self.now)

    async def told(
        self, *paths: str, key: Key = CHECK, after: timedelta = timedelta(0)
    ) -> Activity:
        """Let time pass, look, wait for the answer to any question, and look again."""
        self.now += after
        self.wants(*paths, key=key)
        await self.quiet()
        return self.wants(*paths, key=key)

    @property
    def asked_about(self) -> list[list[str]]:
        return self.api.paths


@pytest.fixture
async def vault() -> AsyncIterator[Paths]:
    async with VendorApi() as api:
        bench = Paths(api)
        bench.api.lives[TOKEN] = {"on": GRANTED}
        yield bench
        await bench.asking.close()


def on(activity: Activity) -> dict[str, frozenset[str] | None]:
    assert activity.state is ActivityState.KNOWN
    assert activity.answer is not None
    assert activity.answer.active
    return dict(activity.answer.capabilities.on)


async def test_all_paths_of_a_check_are_one_question(vault: Paths) -> None:
    assert on(await vault.told("kv/b", "kv/a", "kv/c")) == {"kv/a": A, "kv/b": B, "kv/c": NONE}
    assert vault.asked_about == [["kv/a", "kv/b", "kv/c"]]
    assert vault.api.asked == {TOKEN: 1}


async def test_where_no_check_wants_any_nothing_is_asked(vault: Paths) -> None:
    assert on(await vault.told()) == {}
    assert vault.asked_about == []


async def test_a_path_is_asked_about_once_an_interval(vault: Paths) -> None:
    for _ in range(3):
        await vault.told("kv/a", after=MINUTES_10)
    await vault.told("kv/a", after=MINUTES_10 * 0.9 - timedelta(seconds=1))
    assert vault.asked_about == [["kv/a"]] * 3


async def test_a_new_path_is_asked_about_at_once_and_the_check_waits_for_it(vault: Paths) -> None:
    await vault.told("kv/a")
    assert vault.wants("kv/a", "kv/b").state is ActivityState.PENDING
    await vault.quiet()
    assert on(vault.wants("kv/a", "kv/b")) == {"kv/a": A, "kv/b": B}
    assert vault.asked_about == [["kv/a"], ["kv/a", "kv/b"]]


async def test_two_checks_of_a_token_share_its_questions(vault: Paths) -> None:
    await vault.told("kv/a")
    await vault.told("kv/b", key=OTHER)
    vault.now += MINUTES_10
    assert on(await vault.told("kv/a")) == {"kv/a": A, "kv/b": B}
    assert vault.asked_about == [["kv/a"], ["kv/a", "kv/b"], ["kv/a", "kv/b"]]


async def test_a_check_that_wants_what_another_asked_about_asks_nothing(vault: Paths) -> None:
    await vault.told("kv/a", "kv/b")
    assert on(vault.wants("kv/b", key=OTHER)) == {"kv/a": A, "kv/b": B}
    assert len(vault.asked_about) == 1


async def test_a_path_that_no_check_comes_again_for_is_asked_about_no_more(vault: Paths) -> None:
    await vault.told("kv/a")
    await vault.told("kv/b", key=OTHER)
    for _ in range(2):
        await vault.told("kv/a", after=MINUTES_10)
    assert vault.asked_about[-1] == ["kv/a", "kv/b"]
    assert on(await vault.told("kv/a", after=MINUTES_10)) == {"kv/a": A}
    assert vault.asked_about[-1] == ["kv/a"]


async def test_what_a_path_grants_makes_its_checks_due_when_it_changes(vault: Paths) -> None:
    await vault.told("kv/a")
    vault.wants("kv/a", key=OTHER)
    vault.changes.clear()
    vault.api.lives[TOKEN] = {"on": {"kv/a": ["update"]}}
    await vault.told("kv/a", after=MINUTES_10)
    assert {key for key, _ in vault.changes} >= {CHECK, OTHER}


async def test_more_paths_than_fit_wait_for_room_and_cost_no_question(vault: Paths) -> None:
    many = [f"kv/{number:03}" for number in range(MAX_PATHS)]
    for place in range(0, MAX_PATHS, 64):
        await vault.told(*many[place : place + 64])
    assert vault.asked_about[-1] == many
    found = await vault.told("kv/a", key=OTHER)
    assert "kv/a" not in on(found)
    assert len(vault.asked_about) == 2
    later = 2 * MINUTES_10 + LATE + timedelta(seconds=1)
    assert on(await vault.told("kv/a", key=OTHER, after=later)) == {"kv/a": A}


async def test_without_the_policy_the_token_lives_and_the_path_is_asked_for_again_soon(
    vault: Paths,
) -> None:
    vault.api.lives[TOKEN] = {}
    found = await vault.told("kv/a")
    assert on(found) == {"kv/a": None}
    await vault.told("kv/a", after=UNTOLD_RETRY - timedelta(seconds=1))
    assert len(vault.asked_about) == 1
    vault.api.lives[TOKEN] = {"on": GRANTED}
    assert on(await vault.told("kv/a", after=timedelta(seconds=1))) == {"kv/a": A}


async def test_while_vault_is_away_a_new_path_is_not_asked_for_again_and_again(
    vault: Paths,
) -> None:
    """What is known of the token stays, and the new path waits with the next try.

    Of several tokens, for one alone would have the provider left alone.
    """
    for name in ("first", "second", "third"):
        vault.api.lives[name] = {}
        await vault.asked(name)
    await vault.told("kv/a")
    vault.api.mode = "500"
    asked = vault.api.asked[TOKEN]
    found = await vault.told("kv/a", "kv/b")
    assert on(found) == {"kv/a": A}
    for _ in range(5):
        await vault.told("kv/a", "kv/b", after=timedelta(seconds=1))
    assert vault.api.asked[TOKEN] == asked + 1
    vault.api.mode = "well"
    assert on(await vault.told("kv/a", "kv/b", after=MINUTES_10)) == {"kv/a": A, "kv/b": B}


async def test_of_a_dead_token_no_path_is_asked_about(vault: Paths) -> None:
    vault.api.lives.clear()
    found = await vault.told("kv/a")
    assert found.answer is not None
    assert not found.answer.active
    assert (await vault.told("kv/a", "kv/b")).state is ActivityState.KNOWN
    assert vault.asked_about == []
    assert vault.api.asked == {TOKEN: 1}


async def test_who_does_not_lead_waits_for_no_path(vault: Paths) -> None:
    await vault.told("kv/a")
    vault.leads = False
    assert on(await vault.told("kv/a", "kv/b")) == {"kv/a": A}
    assert len(vault.asked_about) == 1


async def test_the_token_and_the_operator_s_own_go_where_they_belong(vault: Paths) -> None:
    await vault.told("kv/a")
    requests = vault.api.said.split(b"POST /")[1:]
    assert [one.split(b" ")[0] for one in requests] == [
        b"v1/auth/token/lookup",
        b"v1/sys/capabilities",
    ]
    for one in requests:
        head, _, body = one.partition(b"\r\n\r\n")
        assert TOKEN.encode() not in head
        assert OWN_TOKEN.encode() in head
        assert TOKEN.encode() in body
        assert OWN_TOKEN.encode() not in body
