"""A real Vault and a real OpenBao are asked what tokens may do on paths, and no use is spent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gather.test_ask_vendor import known_by, reply_of
from tokencheck.api.tokenprovider import parse_tokenprovider
from tokencheck.clients.egress.client import Egress
from tokencheck.gather.ask_vendor import ask_vendor, interpret_capabilities
from tokencheck.model.activity import Answer, Capabilities
from tokencheck.model.asking import NoReply, Reply
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed
from vaultserver import CAPABILITIES, SERVERS, OpenBaoServer, VaultServer, running

TABLE = Path(__file__).parents[1] / "core/questions/capabilities.yaml"
ROWS = yaml.safe_load(TABLE.read_text())
PATHS = ("kv/a", "kv/b")
SHOP = """
path "kv/*" { capabilities = ["read", "list"] }
path "kv/closed" { capabilities = ["deny"] }
path "kv/+/made" { capabilities = ["create"] }
path "sys/seal" { capabilities = ["update", "sudo"] }
"""


@pytest.mark.parametrize("row", ROWS, ids=[row["it"] for row in ROWS])
def test_an_answer_means_what_the_table_says(row: dict[str, Any]) -> None:
    found = interpret_capabilities(reply_of(row), PATHS)
    told = {path: None if words is None else sorted(words) for path, words in found.on.items()}
    assert told == row["may"]
    assert row.get("tells", "") in found.why
    assert bool(found.why) is bool(found.action) is ("tells" in row)


def test_no_answer_keeps_its_reason_in_words() -> None:
    found = interpret_capabilities(NoReply(reason=Reason.TIMED_OUT, detail="too slow"), PATHS)
    assert found.why == "too slow"
    assert found.on == dict.fromkeys(PATHS)


WORDS = st.lists(st.sampled_from(["read", "deny", "root", "sudo"]) | st.integers(), max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=9) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*PATHS, "data", "errors"]), inner)
    ),
    max_leaves=8,
)


@given(
    status=st.sampled_from([200, 204, 400, 403, 404, 429, 500]),
    body=JSON.map(lambda said: json.dumps(said).encode()) | st.binary(max_size=40),
)
def test_reading_is_total_and_only_a_list_of_words_at_its_path_is_an_answer(
    status: int, body: bytes
) -> None:
    reply = Reply(status=status, media_type="application/json", body=body)
    found = interpret_capabilities(reply, PATHS)
    assert set(found.on) == set(PATHS)
    for words in found.on.values():
        assert words is None or (status == 200 and words)


@pytest.fixture(scope="module", params=SERVERS)
def vault(request: pytest.FixtureRequest) -> Iterator[VaultServer]:
    with running(request.param) as server:
        server.policy("shop", SHOP)
        yield server


@pytest.fixture(scope="module")
def own(vault: VaultServer) -> str:
    """The operator's own token, with the policy for capabilities."""
    return vault.own("capabilities")


async def told(
    vault: VaultServer, own: str, token: str, *paths: str, below: str = ""
) -> Capabilities:
    found = parse_tokenprovider(vault.provider(below=below))
    assert found.vendor is not None
    said = await ask_vendor(
        found, found.vendor, Sealed(token.encode()), Egress(), known_by(own), paths=paths
    )
    assert isinstance(said, Answer), said
    assert said.active
    assert said.claims.scopes is not None
    return said.capabilities


def words(found: Capabilities) -> Mapping[str, set[str] | None]:
    return {path: None if had is None else set(had) for path, had in found.on.items()}


async def test_each_path_has_what_the_policies_grant_there(vault: VaultServer, own: str) -> None:
    token = vault.token(policies=["shop"])
    paths = ("kv/a", "kv/closed", "kv/x/made", "sys/seal", "kv/", "elsewhere", "kv/with space")
    found = await told(vault, own, token, *paths)
    assert not found.why
    assert words(found) == {
        "kv/a": {"read", "list"},
        "kv/closed": {"deny"},
        "kv/x/made": {"create"},
        "sys/seal": {"update", "sudo"},
        "kv/": {"read", "list"},
        "elsewhere": {"deny"},
        "kv/with space": {"read", "list"},
    }


async def test_a_root_token_is_told_to_have_all(vault: VaultServer, own: str) -> None:
    assert words(await told(vault, own, vault.root, *PATHS)) == {path: {"root"} for path in PATHS}


async def test_a_path_may_have_any_name(vault: VaultServer, own: str) -> None:
    names = ("data/", "errors/a", "auth/token/create", 'kv2/q"uote', "kv2/straße", "kv2/<&>:,;\\")
    found = await told(vault, own, vault.token(policies=["shop"]), *names)
    assert words(found) == {name: {"deny"} for name in names}


async def test_a_hundred_and_more_long_paths_are_one_question(vault: VaultServer, own: str) -> None:
    paths = tuple(f"kv/{number:03}{'<' * 122}" for number in range(128))
    found = await told(vault, own, vault.token(policies=["shop"]), *paths)
    assert words(found) == {path: {"read", "list"} for path in paths}


@pytest.mark.parametrize("kind", ["service", "batch"])
async def test_of_tokens_of_both_kinds_nothing_is_used_up(
    vault: VaultServer, own: str, kind: str
) -> None:
    uses = {"num_uses": 1} if kind == "service" else {}
    token = vault.token(policies=["shop"], type=kind, ttl="1h", **uses)
    for _ in range(3):
        assert words(await told(vault, own, token, "kv/a")) == {"kv/a": {"read", "list"}}
    if kind == "service":
        assert vault.call("POST", "auth/token/lookup", token=token)["data"]["num_uses"] == 1


async def test_a_policy_that_changes_is_seen(vault: VaultServer, own: str) -> None:
    vault.policy("moves", 'path "kv/a" { capabilities = ["read"] }')
    token = vault.token(policies=["moves"])
    assert words(await told(vault, own, token, "kv/a")) == {"kv/a": {"read"}}
    vault.policy("moves", 'path "kv/a" { capabilities = ["update"] }')
    assert words(await told(vault, own, token, "kv/a")) == {"kv/a": {"update"}}


async def test_without_the_policy_the_rest_is_known_and_it_is_said_which_is_missing(
    vault: VaultServer,
) -> None:
    found = await told(vault, vault.own(), vault.token(policies=["shop"]), *PATHS)
    assert words(found) == dict.fromkeys(PATHS)
    assert "does not let it ask" in found.why
    assert CAPABILITIES in found.action


async def test_where_no_paths_are_asked_about_the_policy_is_not_needed(vault: VaultServer) -> None:
    assert await told(vault, vault.own(), vault.token()) == Capabilities()


async def test_an_own_token_that_ends_between_the_questions_is_said_to(vault: VaultServer) -> None:
    once = vault.token(policies=["lookup", "capabilities"], num_uses=1)
    found = await told(vault, once, vault.token(), *PATHS)
    assert "does not accept the operator's own token" in found.why
    assert words(found) == dict.fromkeys(PATHS)


async def test_paths_are_those_of_the_namespace_in_the_address() -> None:
    with running("OpenBao") as bao:
        assert isinstance(bao, OpenBaoServer)
        team = bao.namespace("team")
        bao.policy("shop", 'path "kv/a" { capabilities = ["read"] }', team)
        token = bao.token(team, policies=["shop"])
        own = bao.own("capabilities", below=team)
        assert words(await told(bao, own, token, "kv/a", below=team)) == {"kv/a": {"read"}}
        assert CAPABILITIES in (await told(bao, own, token, "kv/a")).action
        found = await told(bao, bao.root, token, "kv/a", "team/kv/a")
        assert words(found) == {"kv/a": {"deny"}, "team/kv/a": {"read"}}
