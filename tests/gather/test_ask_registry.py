"""What a token server is asked about a login, over a real connection, and what it means."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from registryapi import (
    HOST,
    PASSWORD,
    REPOSITORY,
    SCOPE,
    SERVICE,
    STYLES,
    USER,
    RegistryApi,
    token_of,
)
from shapes import JSON
from tokencheck.api.registry import Scope, registry_host
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.clients.egress.client import Egress
from tokencheck.core.hosts.dialled import dialled
from tokencheck.core.questions.replies import Faulted
from tokencheck.core.questions.vendors.registry import meaning_of
from tokencheck.core.questions.vendors.table import implied_by
from tokencheck.gather.ask_registry import KEPT, Nobody, ask_registry, interpret
from tokencheck.model.activity import Answer
from tokencheck.model.asking import NoReply, Reply
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

ROWS = yaml.safe_load((Path(__file__).parents[1] / "core/questions/registries.yaml").read_text())
ACCESS = Scope(name=REPOSITORY, actions="pull,push")
PAIR = f"{USER}:{PASSWORD}".encode()
START = datetime(2027, 1, 1, tzinfo=UTC)


def reply_of(row: dict[str, Any]) -> Reply:
    said = {"token": token_of(row["token"])} if "token" in row else row.get("says")
    body = row["body"] if "body" in row else json.dumps(said)
    kind = "text/html" if body.startswith("<html>") else "application/json"
    return Reply(
        status=row.get("status", 200),
        media_type=kind,
        body=body.encode(),
        headers=row.get("headers", {}),
    )


def meaning(row: dict[str, Any]) -> Answer | Faulted:
    scope = ACCESS if row.get("asks") == "access" else None
    nobody, somebody = (interpret(reply_of(row[who]), scope) for who in ("nobody", "somebody"))
    if isinstance(nobody, Faulted):
        return nobody
    if isinstance(somebody, Faulted):
        return somebody
    return meaning_of(nobody, somebody, bare=scope is None)


def word(said: Answer | Faulted) -> str:
    if isinstance(said, Faulted):
        return str(said.reason)
    return "active" if said.active else "inactive"


@pytest.mark.parametrize("row", ROWS, ids=[row["it"] for row in ROWS])
def test_the_difference_between_two_answers_means_what_the_table_says(row: dict[str, Any]) -> None:
    said = meaning(row)
    assert word(said) == row["means"]
    if isinstance(said, Faulted):
        assert said.of_token is not row.get("all", False)
        assert row.get("tells", "") in said.detail
    else:
        scopes = row.get("scopes")
        assert said.claims.scopes == (None if scopes is None else tuple(scopes))
        assert said.claims.expires_at is None


REPLIES = st.builds(
    lambda status, body, kind: Reply(status=status, media_type=kind, body=body),
    st.sampled_from([200, 204, 400, 401, 403, 404, 429, 500]),
    st.dictionaries(st.sampled_from(["token", "access_token", "errors", "details"]), JSON).map(
        lambda said: json.dumps(said).encode()
    )
    | st.dictionaries(st.sampled_from(["sub", "access"]), JSON).map(
        lambda claims: json.dumps({"token": token_of(claims)}).encode()
    )
    | st.binary(max_size=40),
    st.sampled_from(["application/json", "text/html"]),
)


@given(reply=REPLIES, scope=st.sampled_from([None, ACCESS]))
def test_the_same_answer_to_both_never_means_anything(reply: Reply, scope: Scope | None) -> None:
    heard = interpret(reply, scope)
    if not isinstance(heard, Faulted):
        assert isinstance(meaning_of(heard, heard, bare=scope is None), Faulted)


@given(nobody=REPLIES, somebody=REPLIES, scope=st.sampled_from([None, ACCESS]))
def test_only_a_token_lets_in_and_only_a_refusal_of_the_login_is_a_no(
    nobody: Reply, somebody: Reply, scope: Scope | None
) -> None:
    before, after = interpret(nobody, scope), interpret(somebody, scope)
    if isinstance(before, Faulted) or isinstance(after, Faulted):
        return
    said = meaning_of(before, after, bare=scope is None)
    if isinstance(said, Answer):
        assert somebody.status in ([200] if said.active else [401, 403])


@pytest.mark.parametrize("reason", [Reason.UNREACHABLE, Reason.TIMED_OUT, Reason.TLS_FAILED])
def test_no_answer_keeps_its_reason(reason: Reason) -> None:
    said = interpret(NoReply(reason=reason, detail="no"), None)
    assert isinstance(said, Faulted)
    assert said.reason is reason


def provider_of(api: RegistryApi, scope: str | None = SCOPE) -> TokenProvider:
    found = parse_tokenprovider(api.provider(**({"scope": scope} if scope else {})))
    assert not found.invalid
    return found


class Desk:
    """Asks one registry, by a clock that the test moves."""

    def __init__(self, api: RegistryApi, scope: str | None = SCOPE) -> None:
        self.now = START
        self.provider = provider_of(api, scope)
        self.nobody = Nobody(lambda: self.now)
        self.asker = Egress(per_second=1000)

    async def asks(self, pair: bytes = PAIR) -> Answer | Faulted:
        assert self.provider.vendor is not None
        asked = (self.provider, self.provider.vendor, Sealed(pair), self.asker, self.nobody)
        return await ask_registry(*asked)


# Whether a server says of a wrong password what it does not say of none.
TELLS = {"Docker Hub": True, "GitLab": True, "Harbor": False, "Quay": True}


@pytest.mark.parametrize("style", STYLES)
async def test_a_login_lives_until_its_password_is_another_as_far_as_the_server_tells(
    style: str,
) -> None:
    async with RegistryApi(style) as api:
        api.users[USER], api.grants[USER] = PASSWORD, ["pull"]
        desk = Desk(api)
        said = await desk.asks()
        assert isinstance(said, Answer)
        assert (said.active, said.claims.scopes) == (True, ("pull",))
        api.users[USER] = "another"
        assert word(await desk.asks()) == ("inactive" if TELLS[style] else "UnexpectedAnswer")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("good", [True, False])
async def test_a_proxy_that_takes_logins_away_makes_none_live_and_none_dead(
    style: str, public: bool, good: bool
) -> None:
    async with RegistryApi(style) as api:
        api.users[USER], api.grants[USER] = PASSWORD if good else "another", ["pull", "push"]
        api.grants[""] = ["pull"] if public else []
        api.strips = {"", SCOPE}
        said = await Desk(api).asks()
        assert isinstance(said, Faulted)
        assert said.of_token


async def test_a_proxy_that_takes_the_second_login_away_makes_no_right_missing() -> None:
    async with RegistryApi() as api:
        api.users[USER], api.grants[USER], api.strips = PASSWORD, ["pull"], {SCOPE}
        said = await Desk(api).asks()
        assert isinstance(said, Answer)
        assert (said.active, said.claims.scopes) == (True, None)


@pytest.mark.parametrize("style", STYLES)
async def test_without_a_scope_only_whether_one_may_log_in_is_asked(style: str) -> None:
    async with RegistryApi(style) as api:
        api.users[USER] = PASSWORD
        said = await Desk(api, scope=None).asks()
        assert isinstance(said, Answer)
        assert (said.active, said.claims.scopes) == (True, None)
        assert api.asked == [("", ""), (USER, "")]


async def test_the_login_stands_in_one_header_and_nobody_is_asked_first() -> None:
    async with RegistryApi() as api:
        api.users[USER] = PASSWORD
        await Desk(api).asks()
        assert api.asked == [("", ""), (USER, ""), ("", SCOPE), (USER, SCOPE)]
        encoded = base64.b64encode(PAIR)
        assert api.said.count(b"\r\nAuthorization: Basic " + encoded + b"\r\n") == 2
        assert api.said.count(encoded) == 2
        assert not [text for text in (USER, PASSWORD) if text.encode() in api.said]
        # What it gave is a credential, and goes nowhere.
        assert len(api.minted) == 4
        assert not [token for token in api.minted if token.encode() in api.said]


async def test_a_dead_login_is_shown_once_and_not_for_its_access() -> None:
    async with RegistryApi() as api:
        assert word(await Desk(api).asks()) == "inactive"
        assert api.asked == [("", ""), (USER, "")]


async def test_what_nobody_hears_is_asked_once_a_minute_for_all_logins() -> None:
    async with RegistryApi() as api:
        desk = Desk(api)
        api.users = {f"user-{number}": PASSWORD for number in range(6)}
        asked = [desk.asks(f"{name}:{PASSWORD}".encode()) for name in api.users]
        assert {word(one) for one in await asyncio.gather(*asked)} == {"active"}
        assert api.asked.count(("", "")) == api.asked.count(("", SCOPE)) == 1
        api.users[USER] = PASSWORD
        desk.now += KEPT - timedelta(seconds=1)
        await desk.asks()
        assert api.asked.count(("", "")) == 1
        desk.now += timedelta(seconds=1)
        await desk.asks()
        assert api.asked.count(("", "")) == 2
        desk.now -= timedelta(hours=1)  # the clock was set back
        await desk.asks()
        assert api.asked.count(("", "")) == 3


@pytest.mark.parametrize("style", STYLES)
async def test_a_server_that_has_shut_since_nobody_asked_it_convicts_no_login(style: str) -> None:
    """Its users cannot be looked up, say: for a minute it would have been a no to each of them."""
    async with RegistryApi(style) as api:
        api.users[USER], api.grants[USER] = PASSWORD, ["pull"]
        desk = Desk(api)
        assert word(await desk.asks()) == "active"
        api.mode = "shut"
        desk.now += timedelta(seconds=30)
        said = await desk.asks()
        assert word(said) == "UnexpectedAnswer"
        api.mode, api.users[USER] = "well", "another"
        desk.now += KEPT
        assert word(await desk.asks()) == ("inactive" if TELLS[style] else "UnexpectedAnswer")


async def test_a_server_that_is_open_again_acquits_no_login() -> None:
    """This one lets a wrong password in as nobody, and a minute ago it let nobody in."""
    async with RegistryApi("Harbor") as api:
        desk = Desk(api)
        api.users[USER], api.mode = "another", "shut"
        assert word(await desk.asks()) == "UnexpectedAnswer"
        api.mode = "well"
        desk.now += timedelta(seconds=30)
        assert word(await desk.asks()) == "UnexpectedAnswer"
        api.users[USER], api.grants[USER] = PASSWORD, []
        assert word(await desk.asks()) == "active"


@pytest.mark.parametrize("mode", ["500", "429", "redirect"])
async def test_a_login_is_not_shown_while_it_is_not_known_what_nobody_hears(mode: str) -> None:
    async with RegistryApi() as api:
        api.users[USER], api.mode = PASSWORD, mode
        desk = Desk(api)
        said = await desk.asks()
        assert isinstance(said, Faulted)
        assert not said.of_token
        assert api.asked == [("", "")]
        api.mode = "well"  # a fault is not kept
        assert word(await desk.asks()) == "active"


async def test_a_fault_is_one_for_all_that_wait_for_it() -> None:
    async with RegistryApi() as api:
        api.mode = "500"
        desk = Desk(api)
        said = await asyncio.gather(*(desk.asks() for _ in range(4)))
        assert {word(one) for one in said} == {"ProviderUnavailable"}
        assert api.asked == [("", "")]


async def test_a_registry_that_is_at_fault_when_access_is_asked_for_is_asked_again() -> None:
    async with RegistryApi() as api:
        api.users[USER] = PASSWORD
        desk = Desk(api)
        assert word(await desk.asks()) == "active"
        api.mode = "500"
        assert word(await desk.asks()) == "ProviderUnavailable"


def registry(**more: Any) -> dict[str, Any]:
    found = {"host": HOST, "service": SERVICE} | more
    return {
        "type": "Registry",
        "url": "https://auth.example.com/token",
        "registry": {name: value for name, value in found.items() if value is not None},
    }


@pytest.mark.parametrize(
    ("vendor", "fault"),
    [
        (registry(host="*.example.com"), "spec.vendor.registry.host: must be the registry's as"),
        (registry(host=None), "spec.vendor.registry.host: must be given"),
        (registry(service=None), "spec.vendor.url: must end with /v2/"),
        (registry(service=None, scope=SCOPE), "registry.scope: is asked of a token server"),
        (registry(service=7), "spec.vendor.registry.service: must be a string"),
        (registry(service="a\nb"), "spec.vendor.registry.service: must be plain ASCII"),
        (registry(scope="registry:catalog:*"), "must be repository:NAME:ACTIONS"),
        (registry(scope="repository:a:pull repository:b:pull"), "must be repository:NAME"),
        (registry(scope=f"repository:{'a' * 600}:pull"), "must be repository:NAME:ACTIONS"),
        (registry() | {"url": None}, "is needed: Registry has no address"),
        (registry() | {"url": "https://a.example.com/token?x=y"}, "must have no query"),
        (registry() | {"registry": None}, "is for type: Registry, and needed there"),
        (registry() | {"type": "GitHub"}, "is for type: Registry, and needed there"),
        (registry() | {"type": "Kubernetes", "url": None}, "is none of Kubernetes"),
    ],
)
def test_a_registry_that_cannot_be_asked_is_a_fault_of_the_spec(
    vendor: dict[str, Any], fault: str
) -> None:
    found = parse_tokenprovider({"spec": {"allowedNamespaces": {"all": True}, "vendor": vendor}})
    assert any(fault in str(one) for one in found.invalid), found.invalid


def test_only_the_token_server_is_dialled_and_the_operator_alone_asks_it() -> None:
    spec = {"allowedNamespaces": {"all": True}, "vendor": registry(), "hosts": [HOST]}
    found = parse_tokenprovider({"spec": spec | {"match": {"kinds": ["Registry"]}}})
    assert not found.invalid
    servers = dialled(found)
    assert servers is not None
    assert [one.place.host for one in servers.servers] == ["auth.example.com"]
    assert not found.asks_as_anybody
    assert implied_by(found)["*"] == ("delete", "pull", "push")


@pytest.mark.parametrize(
    ("entry", "host"),
    [
        ("registry.example.com", "registry.example.com"),
        ("REGISTRY.example.com:5000", "registry.example.com:5000"),
        ("https://registry.example.com/v2/", "registry.example.com"),
        ("http://registry.example.com:443/team", "registry.example.com"),
        ("registry.example.com/team/app", "registry.example.com"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("[::1]:5000", "[::1]:5000"),
        ("*.example.com", ""),
        ("ann@registry.example.com", ""),
        ("registry.example.com\n", ""),
        ("ftp://registry.example.com", ""),
        ("", ""),
        ("/", ""),
    ],
)
def test_an_entry_names_its_registry_in_any_of_its_spellings(entry: str, host: str) -> None:
    assert registry_host(entry) == host


@given(st.text(max_size=40))
def test_every_text_names_a_registry_or_none(text: str) -> None:
    assert registry_host(registry_host(text)) == registry_host(text)
