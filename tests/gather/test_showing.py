"""What a command shows to vendors: each token once, and none where something is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.clients.egress.client import Egress
from tokencheck.gather.showing import Showing
from tokencheck.model.activity import ActivityState, Looked
from tokencheck.model.keys import Key
from tokencheck.model.sealed import Sealed
from vendorapi import VendorApi

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TOKENS = [f"ghp_{number:036d}" for number in range(20)]


def provider_of(api: VendorApi, name: str, path: str = "") -> TokenProvider:
    written: dict[str, Any] = api.provider(name)
    written["spec"]["vendor"]["url"] += path
    found = parse_tokenprovider(written)
    assert not found.invalid
    return found


def looked(text: str) -> Looked:
    return Looked(
        key=Key("TokenCheck", "shop", "checkout"),
        mark=text.encode(),
        text=Sealed(text.encode()),
        interval=timedelta(minutes=10),
    )


async def test_each_token_is_shown_once_however_often_it_is_met() -> None:
    async with VendorApi() as api:
        provider, showing = provider_of(api, "GitHub"), Showing()
        for _ in range(3):
            for text in TOKENS:
                showing.activity(provider, looked(text), NOW)
        assert [one.tokens for one in showing.planned] == [len(TOKENS)]
        assert not api.asked
        await showing.ask(Egress(), NOW)
        assert api.asked == dict.fromkeys(TOKENS, 1)
        said = showing.activity(provider, looked(TOKENS[0]), NOW)
        assert said.state is ActivityState.KNOWN


async def test_at_an_address_that_knows_no_token_a_few_are_shown_and_no_more() -> None:
    async with VendorApi() as api:
        provider, showing = provider_of(api, "GitHub", path="/wrong"), Showing()
        for text in TOKENS:
            showing.activity(provider, looked(text), NOW)
        await showing.ask(Egress(), NOW)
        shown = sum(text.encode() in api.said for text in TOKENS)
        assert 4 <= shown <= 7  # four at a time, and four answers until it is given up
        for text in TOKENS:
            said = showing.activity(provider, looked(text), NOW)
            assert said.state is ActivityState.FAULTED


@pytest.mark.parametrize("name", ["Datadog", "HTTP", "Vault"])
async def test_what_has_no_form_and_what_the_operator_alone_asks_is_not_shown(name: str) -> None:
    async with VendorApi() as api:
        provider, showing = provider_of(api, name), Showing()
        showing.activity(provider, looked("0123456789abcdef" * 2), NOW)
        assert not showing.planned
        await showing.ask(Egress(), NOW)
        assert api.said == b""
