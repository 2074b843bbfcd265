"""What a registry without a token server is asked about a login, and what its answers mean."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from distribution import Distribution, running
from gather.test_ask_registry import word
from htpasswdserver import ROTATED
from registryapi import HOST, PASSWORD, USER
from tlsserver import Asked, Said, TlsServer
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.clients.egress.client import Egress
from tokencheck.core.hosts.dialled import dialled
from tokencheck.core.questions.replies import Faulted
from tokencheck.core.questions.vendors.basic import asked_for_login, meaning_of
from tokencheck.core.tokens.strict import strict_json
from tokencheck.gather.ask_registry import Nobody, ask_registry
from tokencheck.model.activity import Answer
from tokencheck.model.asking import NoReply, Reply
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

ROWS = yaml.safe_load((Path(__file__).parents[1] / "core/questions/basic.yaml").read_text())
PAIR = f"{USER}:{PASSWORD}".encode()
NOW = datetime(2027, 1, 1, tzinfo=UTC)
LOCKED = Said(status="401 Unauthorized", headers={"WWW-Authenticate": 'Basic realm="tests"'})


def reply_of(row: dict[str, Any]) -> Reply:
    asks, version = row.get("asks"), row.get("header")
    headers = {"www-authenticate": asks} if asks else {}
    headers |= {"docker-distribution-api-version": version} if version else {}
    body = row["body"] if "body" in row else json.dumps(row.get("says"))
    return Reply(
        status=row.get("status", 401 if asks else 200),
        media_type="text/html" if body.startswith("<html>") else "application/json",
        body=body.encode(),
        headers=headers,
    )


def read(reply: Reply | NoReply) -> Answer | Faulted:
    document = strict_json(reply.body, "the answer") if isinstance(reply, Reply) else None
    return meaning_of(reply, document)


@pytest.mark.parametrize("row", ROWS, ids=[row["it"] for row in ROWS])
def test_the_answers_to_nobody_and_to_a_login_mean_what_the_table_says(row: dict[str, Any]) -> None:
    before = asked_for_login(reply_of(row.get("nobody", {"asks": 'Basic realm="Registry"'})))
    said = before if isinstance(before, Faulted) else read(reply_of(row["somebody"]))
    assert word(said) == row["means"]
    if isinstance(said, Faulted):
        assert said.of_token is row.get("login", False)
        assert row.get("tells", "") in said.detail


REPLIES = st.builds(
    Reply,
    status=st.sampled_from([200, 204, 302, 400, 401, 403, 404, 429, 500]),
    media_type=st.sampled_from(["application/json", "text/html", "text/plain"]),
    body=st.sampled_from([b"{}", b"", b"<html>", b'{"a": 1}']) | st.binary(max_size=40),
    headers=st.fixed_dictionaries(
        {},
        optional={
            "www-authenticate": st.sampled_from(["Basic", 'Bearer realm="a"', "BASIC realm=b"]),
            "docker-distribution-api-version": st.sampled_from(["registry/2.0", "registry/1.0"]),
        },
    ),
)


@given(reply=REPLIES)
def test_only_401_with_basic_is_a_no_and_only_200_without_a_page_a_yes(reply: Reply) -> None:
    asks = reply.headers.get("www-authenticate", "").lower().startswith("basic")
    refused = reply.status == 401 and asks
    assert isinstance(asked_for_login(reply), Faulted) is not refused
    said = read(reply)
    assert (isinstance(said, Answer) and not said.active) is refused
    if isinstance(said, Answer) and said.active:
        assert reply.status == 200
        assert reply.media_type != "text/html"


@pytest.mark.parametrize("reason", [Reason.UNREACHABLE, Reason.TIMED_OUT, Reason.TLS_FAILED])
def test_no_answer_keeps_its_reason(reason: Reason) -> None:
    for said in (asked_for_login(reply := NoReply(reason=reason, detail="no")), read(reply)):
        assert isinstance(said, Faulted)
        assert said.reason is reason


class Door(TlsServer):
    """Says what it is told to, to nobody and to somebody; `shown` are the logins that came."""

    def __init__(self, nobody: Said, somebody: Said) -> None:
        super().__init__("door")
        self.nobody, self.somebody = nobody, somebody
        self.shown: list[str] = []

    def provider(self) -> TokenProvider:
        """One that asks here."""
        vendor = {
            "type": "Registry",
            "url": f"https://{self.place}/v2/",
            "registry": {"host": HOST},
        }
        return parse_tokenprovider(self.trusted("registry", vendor=vendor))

    def beside(self, asked: Asked) -> Asked:
        """All but the login in question."""
        headers = {name: text for name, text in asked.headers.items() if name != "authorization"}
        return replace(asked, headers=headers)

    def answer(self, asked: Asked) -> Said | None:
        assert asked.path == "/v2/"
        self.shown.append(asked.headers.get("authorization", ""))
        return self.somebody if self.shown[-1] else self.nobody


async def said_of(
    provider: TokenProvider, pair: bytes = PAIR, nobody: Nobody | None = None
) -> Answer | Faulted:
    assert provider.vendor is not None
    assert not provider.invalid
    nobody = nobody or Nobody(lambda: NOW)
    return await ask_registry(provider, provider.vendor, Sealed(pair), Egress(), nobody)


async def test_the_login_stands_in_one_header_and_nobody_is_asked_once_for_all() -> None:
    async with Door(LOCKED, Said(body=b"{}")) as door:
        nobody, pairs = Nobody(lambda: NOW), (PAIR, b"another:password")
        for pair in pairs:
            assert word(await said_of(door.provider(), pair, nobody)) == "active"
        logins = [f"Basic {base64.b64encode(pair).decode()}" for pair in pairs]
        assert door.shown == ["", *logins]
        assert door.said.count(base64.b64encode(PAIR)) == 1


@pytest.mark.parametrize(
    "nobody",
    [
        Said(body=b"{}"),
        Said(kind="text/html", body=b"<html>Sign in</html>"),
        Said(status="401 No", headers={"WWW-Authenticate": 'Bearer realm="https://a/t"'}),
        Said(status="302 Found", headers={"Location": "/elsewhere"}),
        Said(status="500 No"),
    ],
    ids=["open", "a page", "a token server", "a redirect", "a fault"],
)
async def test_a_login_is_not_shown_to_a_server_that_asks_for_none(nobody: Said) -> None:
    async with Door(nobody, Said(body=b"{}")) as door:
        said = await said_of(door.provider())
        assert isinstance(said, Faulted)
        assert not said.of_token
        assert door.shown == [""]


async def test_a_registry_that_lets_anybody_in_since_nobody_asked_it_acquits_no_login() -> None:
    async with Door(LOCKED, LOCKED) as door:
        now = [NOW]
        nobody = Nobody(lambda: now[0])
        assert word(await said_of(door.provider(), nobody=nobody)) == "inactive"
        door.nobody = door.somebody = Said(body=b"{}")
        now[0] += timedelta(seconds=30)
        said = await said_of(door.provider(), nobody=nobody)
        assert isinstance(said, Faulted)
        assert "lets anybody in" in said.detail
        assert door.shown.count("") == 2


async def test_a_redirect_takes_no_login_with_it() -> None:
    async with Door(LOCKED, Said(status="302 Found", headers={"Location": "/v2/"})) as door:
        assert word(await said_of(door.provider())) == "RedirectRefused"
        assert len(door.shown) == 2


def test_only_the_registry_that_the_admin_names_is_dialled() -> None:
    spec = {
        "allowedNamespaces": {"all": True},
        "vendor": {
            "type": "Registry",
            "url": "https://registry.example.com:5000/v2/",
            "registry": {"host": "registry.example.com:5000"},
        },
    }
    found = parse_tokenprovider({"spec": spec})
    assert not found.invalid
    servers = dialled(found)
    assert servers is not None
    assert [one.place.place for one in servers.servers] == ["registry.example.com:5000"]
    assert not found.asks_as_anybody


@pytest.fixture(scope="module")
def registry() -> Iterator[Distribution]:
    with running() as started:
        yield started


async def test_distribution_says_yes_and_no_and_takes_a_new_password_at_once(
    registry: Distribution,
) -> None:
    provider = parse_tokenprovider(registry.provider())
    rotated = f"{USER}:{ROTATED}".encode()
    registry.users(USER)
    assert word(await said_of(provider)) == "active"
    assert word(await said_of(provider, rotated)) == "inactive"
    registry.users(USER, password=ROTATED)
    assert word(await said_of(provider)) == "inactive"
    assert word(await said_of(provider, rotated)) == "active"
    registry.users("others")
    assert word(await said_of(provider, rotated)) == "inactive"


async def test_distribution_that_cannot_read_its_passwords_makes_no_login_dead(
    registry: Distribution,
) -> None:
    registry.users(USER)
    registry.file.unlink()
    said = await said_of(parse_tokenprovider(registry.provider()))
    assert isinstance(said, Faulted)
    assert "HTTP 400" in said.detail
