"""The end of a token that may be renewed is asked for again when it comes, and is no verdict."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gather.test_ask_vendor import known_by
from gather.test_introspector import MINUTES_10, Bench, World
from tokencheck.api.quantity import format_time
from tokencheck.core.questions.pauses import FIRST_RETRY
from tokencheck.model.activity import ActivityState
from tokencheck.model.reasons import Reason
from vendorapi import TOKENS, VendorApi

TOKEN = TOKENS["Vault"]
MINUTE = timedelta(minutes=1)


class Vault(Bench):
    """Beside the part of Vault that looks tokens up."""

    def __init__(self, api: VendorApi) -> None:
        world = World("vault-lookup")
        world.content = known_by()
        super().__init__(api.provider("Vault"), world)
        self.api = api

    def ends_in(self, span: timedelta, *, renewable: bool = True) -> None:
        """From now on Vault says so."""
        end = format_time(self.now + span)
        told = {"ttl": span.seconds, "expire_time": end, "renewable": renewable}
        self.api.lives[TOKEN] = told

    async def refused(self) -> None:
        """The operator's own token is one that Vault does not take."""
        self.ends_in(5 * MINUTE)
        content = known_by("hvs.refused")
        self.world.content = replace(content, meta=replace(content.meta, resource_version="0"))
        for _ in range(4):
            found = await self.asked(TOKEN, after=MINUTES_10)
        assert found.reason is Reason.INTROSPECTION_UNAUTHORIZED


@pytest.fixture
async def vault() -> AsyncIterator[Vault]:
    async with VendorApi() as api:
        bench = Vault(api)
        yield bench
        await bench.asking.close()


async def test_a_token_is_asked_about_at_the_end_that_it_had_and_not_only_once_an_interval(
    vault: Vault,
) -> None:
    vault.ends_in(5 * MINUTE)
    before = await vault.asked(TOKEN)
    assert before.state is ActivityState.KNOWN
    vault.now += 4 * MINUTE
    vault.ends_in(5 * MINUTE)
    assert vault.look(TOKEN) == before
    assert vault.api.asked == {TOKEN: 1}
    vault.now += MINUTE
    assert vault.look(TOKEN).state is ActivityState.PENDING
    await vault.quiet()
    after = vault.look(TOKEN)
    assert after.state is ActivityState.KNOWN
    assert after.answer is not None
    assert after.answer.until == vault.now + 4 * MINUTE
    assert vault.api.asked == {TOKEN: 2}


async def test_a_token_that_nobody_may_renew_is_asked_about_once_an_interval(vault: Vault) -> None:
    vault.ends_in(5 * MINUTE, renewable=False)
    before = await vault.asked(TOKEN)
    vault.now += 9 * MINUTE
    assert vault.look(TOKEN) == before
    assert vault.api.asked == {TOKEN: 1}


async def test_another_token_of_the_operator_s_own_is_used_as_soon_as_it_is_there(
    vault: Vault,
) -> None:
    """Vault's refusal may be about one of the tokens alone: then it is the one that waits."""
    mended = vault.world.content
    await vault.refused()
    vault.world.content = mended
    vault.ends_in(5 * MINUTE)
    await vault.tended(after=timedelta(seconds=30))
    assert (await vault.asked(TOKEN)).state is ActivityState.KNOWN


async def test_while_vault_is_asked_too_often_no_other_token_of_the_operator_s_own_is_tried(
    vault: Vault,
) -> None:
    mended = vault.world.content
    await vault.refused()
    vault.api.mode = "429"
    found = await vault.asked("another")
    assert found.reason is Reason.RATE_LIMITED
    vault.world.content = mended
    asked = vault.api.asked.copy()
    await vault.tended(changed=True)
    await vault.asked(TOKEN)
    assert vault.api.asked == asked


async def test_while_vault_is_away_a_token_past_its_end_is_unknown_and_not_expired(
    vault: Vault,
) -> None:
    vault.ends_in(5 * MINUTE)
    await vault.asked(TOKEN)
    vault.api.mode = "500"
    found = await vault.asked(TOKEN, after=5 * MINUTE)
    assert found.state is ActivityState.PENDING
    found = await vault.asked(TOKEN, after=MINUTE)
    assert found.state is ActivityState.FAULTED
    vault.api.mode = "well"
    vault.api.lives.clear()
    found = await vault.asked(TOKEN, after=MINUTES_10)
    assert found.state is ActivityState.KNOWN
    assert found.answer is not None
    assert not found.answer.active


async def test_an_end_that_has_passed_already_is_not_asked_for_at_every_look(vault: Vault) -> None:
    vault.ends_in(-MINUTE)
    vault.api.lives[TOKEN]["ttl"] = 0  # the clocks differ
    for _ in range(5):
        assert (await vault.asked(TOKEN)).state is ActivityState.PENDING
    assert vault.api.asked == {TOKEN: 1}
    await vault.asked(TOKEN, after=FIRST_RETRY)
    assert vault.api.asked == {TOKEN: 2}
