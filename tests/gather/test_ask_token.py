"""What a provider is asked about a token, over a real connection, and what each answer means."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from introspector import CLIENT, Introspector
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.clients.egress.client import Egress
from tokencheck.core.questions.replies import Faulted
from tokencheck.gather.ask_token import ask_token, interpret
from tokencheck.model.activity import Answer
from tokencheck.model.asking import NoReply, Reply
from tokencheck.model.evidence import (
    Absent,
    Denied,
    Failed,
    SecretContent,
    SecretMeta,
    Unread,
)
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

TOKEN = "opaque+token/with=signs&canary"
NOW = datetime(2027, 1, 1, tzinfo=UTC)
TABLE = yaml.safe_load((Path(__file__).parent / "introspection.yaml").read_text())


@pytest.fixture
async def server() -> AsyncIterator[Introspector]:
    server = Introspector()
    await server.start()
    yield server
    await server.stop()


def credentials(name: str = CLIENT[0], secret: str = CLIENT[1]) -> SecretContent:
    meta = SecretMeta(
        namespace="tokencheck-system",
        name="introspect-client",
        uid="u",
        resource_version="1",
        created_at=NOW,
        changed_at=NOW,
    )
    values = {"client_id": Sealed(name.encode()), "client_secret": Sealed(secret.encode())}
    return SecretContent(meta=meta, values=MappingProxyType(values))


def provider_of(server: Introspector, **introspection: Any) -> TokenProvider:
    provider = parse_tokenprovider(server.provider(**introspection))
    assert not provider.invalid
    return provider


async def asked(
    server: Introspector, content: SecretContent | Unread | None = None, **introspection: Any
) -> Answer | Faulted:
    provider = provider_of(server, **introspection)
    token = Sealed(TOKEN.encode())
    return await ask_token(provider, content or credentials(), token, Egress(), datetime.now(UTC))


@pytest.mark.parametrize("authentication", ["Basic", "Post"])
async def test_the_token_and_the_client_arrive_as_they_are(
    server: Introspector, authentication: str
) -> None:
    server.tokens[TOKEN] = {"scope": "a b"}
    answer = await asked(server, authentication=authentication)
    assert isinstance(answer, Answer)
    assert answer.active
    assert answer.claims.scopes == ("a", "b")
    assert server.asked == {TOKEN: 1}
    head, _, body = server.said.partition(b"\r\n\r\n")
    assert (b"Authorization: Basic " in head) == (authentication == "Basic")
    assert (b"client_secret" in body) == (authentication == "Post")


async def test_a_line_break_after_the_client_secret_is_left_out(server: Introspector) -> None:
    answer = await asked(server, credentials(secret=f"{CLIENT[1]}\n"))
    assert answer == Answer(active=False)


async def test_a_wrong_client_says_nothing_of_the_token(server: Introspector) -> None:
    answer = await asked(server, credentials(secret="another"))
    assert isinstance(answer, Faulted)
    assert answer.reason is Reason.INTROSPECTION_UNAUTHORIZED


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (Absent(what="Secret"), Reason.SECRET_NOT_FOUND),
        (Denied(what="Secret"), Reason.ACCESS_DENIED),
        (Failed(what="Secret"), Reason.READ_FAILED),
        (credentials(secret=" \n"), Reason.SECRET_KEY_NOT_FOUND),
    ],
)
async def test_without_credentials_nobody_is_asked(
    server: Introspector, content: SecretContent | Unread, reason: Reason
) -> None:
    answer = await asked(server, content)
    assert isinstance(answer, Faulted)
    assert answer.reason is reason
    assert server.connections == 0


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"network": {"cidrs": []}}, Reason.ADDRESS_FORBIDDEN),
        ({"tls": {}}, Reason.TLS_FAILED),
    ],
)
async def test_a_place_that_is_refused_gets_no_byte_of_token_or_client(
    server: Introspector, spec: dict[str, Any], reason: Reason
) -> None:
    """Counted where it would arrive."""
    manifest = server.provider()
    manifest["spec"] |= spec
    token = Sealed(TOKEN.encode())
    provider = parse_tokenprovider(manifest)
    answer = await ask_token(provider, credentials(), token, Egress(), NOW)
    assert isinstance(answer, Faulted)
    assert answer.reason is reason
    assert server.said == b""
    assert (server.connections == 0) or reason is Reason.TLS_FAILED


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("500", Reason.PROVIDER_UNAVAILABLE),
        ("429", Reason.RATE_LIMITED),
        ("redirect", Reason.REDIRECT_REFUSED),
        ("html", Reason.UNEXPECTED_ANSWER),
        ("denied", Reason.INTROSPECTION_UNAUTHORIZED),
    ],
)
async def test_a_fault_is_told_by_its_class_and_shows_nothing(
    server: Introspector, mode: str, reason: Reason, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.mode = mode
    answer = await asked(server, authentication="Post")
    assert isinstance(answer, Faulted)
    assert answer.reason is reason
    shown = f"{answer}{caplog.text}"
    assert "canary" not in shown
    assert "127.0.0.1" not in answer.detail


async def test_an_answer_that_is_too_large_is_none(server: Introspector) -> None:
    server.mode, server.raw = "raw", b'{"active": true, "x": "' + b"x" * 70_000 + b'"}'
    answer = await asked(server)
    assert isinstance(answer, Faulted)
    assert answer.reason is Reason.ANSWER_TOO_LARGE


async def test_a_server_that_is_away_is_told_so(server: Introspector) -> None:
    await server.stop()
    answer = await asked(server)
    assert isinstance(answer, Faulted)
    assert answer.reason is Reason.UNREACHABLE


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["what"])
def test_an_answer_means_what_the_table_says(row: dict[str, Any]) -> None:
    body = row["body"] if isinstance(row["body"], str) else json.dumps(row["body"])
    kind = row.get("type", "application/json")
    reply = Reply(status=row.get("status", 200), media_type=kind, body=body.encode("latin-1"))
    found = interpret(reply)
    if "reason" in row:
        assert isinstance(found, Faulted)
        assert (str(found.reason), found.of_token) == (row["reason"], row.get("ofToken", False))
        return
    assert isinstance(found, Answer)
    assert found.active is row["active"]
    claims = found.claims
    ends = int(claims.expires_at.timestamp()) if claims.expires_at else None
    told: dict[str, Any] = {"exp": ends, "iss": claims.issuer}
    for name, values in (("scopes", claims.scopes), ("aud", claims.audiences)):
        told[name] = None if values is None else list(values)
    assert {k: v for k, v in told.items() if v is not None} == row.get("parts", {})


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
NAMES = ("active", "exp", "nbf", "iat", "scope", "aud", "iss", "sub", "error", "kubernetes.io")
ANSWERS = st.dictionaries(st.sampled_from(NAMES), JSONS).map(lambda d: json.dumps(d).encode())


@given(
    status=st.sampled_from([200, 200, 200, 204, 301, 400, 401, 403, 404, 429, 500, 503]),
    kind=st.sampled_from(["application/json", "text/html", ""]),
    body=st.binary(max_size=200) | ANSWERS,
)
@example(status=200, kind="application/json", body=b'{"active": true, "active": false}')
@example(status=200, kind="application/json", body=b"[" * 100_000)
@example(status=200, kind="application/json", body=b'{"active": true, "exp": 1e999}')
@example(status=200, kind="application/json", body=b'{"active": true, "scope": "\\ud800"}')
def test_only_a_boolean_in_a_200_is_an_answer(status: int, kind: str, body: bytes) -> None:
    """Whatever comes: nothing is raised, and no answer is made of what is none."""
    found = interpret(Reply(status=status, media_type=kind, body=body))
    if isinstance(found, Faulted):
        assert found.detail
        return
    assert status == 200
    assert json.loads(body)["active"] is found.active


def test_no_reply_is_no_answer() -> None:
    found = interpret(NoReply(reason=Reason.TIMED_OUT, detail="no whole answer came in time"))
    assert isinstance(found, Faulted)
    assert found.reason is Reason.TIMED_OUT


async def test_a_server_that_hangs_ends_with_the_deadline(server: Introspector) -> None:
    server.mode = "silent"
    question = asyncio.create_task(asked(server))
    await asyncio.sleep(0.2)
    assert not question.done()
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question
