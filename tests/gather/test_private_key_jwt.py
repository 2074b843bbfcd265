"""A client with a key of its own: what the provider verifies, and what it must refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from gather.test_ask_token import TOKEN, credentials, provider_of
from introspector import ASSERTION_TYPE, CLIENT, Introspector
from tokencheck.api.tokenprovider import parse_tokenprovider
from tokencheck.clients.egress.client import Egress
from tokencheck.core.questions.replies import Faulted
from tokencheck.core.tokens.assertion import assertion_of
from tokencheck.gather.ask_token import ask_token
from tokencheck.model.activity import Answer
from tokencheck.model.evidence import SecretContent
from tokencheck.model.reasons import Reason
from tokencheck.model.reveal import reveal
from tokencheck.model.sealed import Sealed

KEYS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
EC = KEYS["ES256"]()


@pytest.fixture
async def server() -> AsyncIterator[Introspector]:
    async with Introspector() as server:
        server.public_key = EC.public_key()
        server.tokens[TOKEN] = {}
        yield server


def pem(key: Any, form: str = "PKCS8", password: bytes | None = None) -> bytes:
    kind = getattr(serialization.PrivateFormat, form)
    sealing: Any = serialization.NoEncryption()
    if password is not None:
        sealing = serialization.BestAvailableEncryption(password)
    text: bytes = key.private_bytes(serialization.Encoding.PEM, kind, sealing)
    return text


def content(key: bytes, **more: bytes) -> SecretContent:
    values = {"client_id": CLIENT[0].encode(), "private_key": key} | more
    sealed = {name: Sealed(value) for name, value in values.items()}
    return replace(credentials(), values=MappingProxyType(sealed))


async def asked(
    server: Introspector,
    held: SecretContent,
    now: datetime | None = None,
    **introspection: Any,
) -> Answer | Faulted:
    provider = provider_of(server, authentication="PrivateKeyJWT", **introspection)
    token = Sealed(TOKEN.encode())
    return await ask_token(provider, held, token, Egress(), now or datetime.now(UTC))


@pytest.mark.parametrize("name", KEYS)
async def test_each_type_of_key_signs_with_its_algorithm_and_the_provider_verifies_it(
    server: Introspector, name: str
) -> None:
    key = KEYS[name]()
    server.public_key = key.public_key()
    answer = await asked(server, content(pem(key)))
    assert isinstance(answer, Answer)
    assert answer.active
    assert server.heads[0]["alg"] == name
    (claims,) = server.assertions
    assert claims["iss"] == claims["sub"] == CLIENT[0]
    assert claims["exp"] - claims["iat"] == 60
    assert b"authorization:" not in server.said.lower()


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
async def test_each_form_of_pem_is_taken_and_a_key_id_is_told(
    server: Introspector, form: str
) -> None:
    answer = await asked(server, content(pem(EC, form) + b"\n", key_id=b"k-1\n"))
    assert isinstance(answer, Answer)
    assert server.heads[0]["kid"] == "k-1"


async def test_no_two_questions_share_an_assertion(server: Introspector) -> None:
    for _ in range(3):
        assert isinstance(await asked(server, content(pem(EC))), Answer)
    assert len({claims["jti"] for claims in server.assertions}) == 3


async def test_an_assertion_that_is_used_again_is_refused(server: Introspector) -> None:
    """Of the server that the others rest on: it does look."""
    await asked(server, content(pem(EC)))
    used = server.said.partition(b"client_assertion=")[2].partition(b"&")[0].decode()
    form = {"client_assertion": used, "client_assertion_type": ASSERTION_TYPE}
    assert server.client_of_assertion(form) == ("", "")
    server.assertions.clear()
    assert server.client_of_assertion(form) == CLIENT  # nothing else was wrong with it


async def test_another_s_key_an_old_assertion_and_another_audience_are_the_client_s_fault(
    server: Introspector,
) -> None:
    old = datetime.now(UTC) - timedelta(minutes=10)
    wrong = [
        await asked(server, content(pem(KEYS["ES256"]()))),
        await asked(server, content(pem(EC)), now=old),
        await asked(server, content(pem(EC)), audience="https://other.example.com"),
    ]
    for answer in wrong:
        assert isinstance(answer, Faulted)
        assert answer.reason is Reason.INTROSPECTION_UNAUTHORIZED
    assert isinstance(await asked(server, content(pem(EC))), Answer)


async def test_the_audience_is_what_the_spec_says_else_the_issuer_else_the_address(
    server: Introspector,
) -> None:
    await asked(server, content(pem(EC)))
    server.audience = "https://login.example.com/as"
    await asked(server, content(pem(EC)), audience=server.audience)
    manifest = server.provider(authentication="PrivateKeyJWT")
    keys = {"type": "Inline", "jwks": {"keys": []}}
    manifest["spec"]["jwt"] = {"issuer": "https://login.example.com", "keys": keys}
    server.audience = "https://login.example.com"
    provider, token = parse_tokenprovider(manifest), Sealed(TOKEN.encode())
    await ask_token(provider, content(pem(EC)), token, Egress(), datetime.now(UTC))
    told = [claims["aud"] for claims in server.assertions]
    assert told == [server.url, "https://login.example.com/as", "https://login.example.com"]


@pytest.mark.parametrize(
    ("introspection", "typ"),
    [
        ({}, "JWT"),
        ({"assertionType": "JWT"}, "JWT"),
        (
            {"assertionType": "client-authentication+jwt", "audience": "https://as.example.com"},
            "client-authentication+jwt",
        ),
    ],
)
async def test_the_type_is_what_the_spec_says_else_jwt(
    server: Introspector, introspection: dict[str, str], typ: str
) -> None:
    server.audience = introspection.get("audience", "")
    answer = await asked(server, content(pem(EC), key_id=b"k-1"), **introspection)
    assert isinstance(answer, Answer)
    assert server.heads == [{"alg": "ES256", "kid": "k-1", "typ": typ}]


@pytest.mark.parametrize(
    ("introspection", "said"),
    [
        ({"assertionType": "at+jwt"}, "must be one of JWT, client-authentication+jwt"),
        ({"assertionType": "JWT", "authentication": "Basic"}, "is for authentication"),
        ({"assertionType": "client-authentication+jwt"}, "must be the issuer"),
    ],
)
async def test_a_type_that_makes_no_assertion_is_a_fault_of_the_spec(
    server: Introspector, introspection: dict[str, str], said: str
) -> None:
    """The API server refuses these; a file of `verify` never met one."""
    asked = {"authentication": "PrivateKeyJWT"} | introspection
    (fault,) = parse_tokenprovider(server.provider(**asked)).invalid
    assert said in fault.message


@pytest.mark.parametrize(
    "key",
    [
        b"canary",
        b"-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n",
        pem(EC, password=b"secret"),
        pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505 - too weak
        pem(ec.generate_private_key(ec.SECP256K1())),
        pem(dsa.generate_private_key(key_size=2048)),
        EC.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        b"\xff\xfe",
        b" \n",
    ],
)
async def test_without_a_key_that_signs_nobody_is_asked(server: Introspector, key: bytes) -> None:
    answer = await asked(server, content(key))
    assert isinstance(answer, Faulted)
    assert answer.reason is Reason.SECRET_KEY_NOT_FOUND
    assert "private_key" in answer.detail
    assert "canary" not in answer.detail
    assert server.connections == 0


def test_no_repr_shows_an_assertion_or_its_key() -> None:
    key = Sealed(pem(EC))
    signed = assertion_of(
        Sealed(b"me"),
        key,
        key_id=None,
        audience="a",
        kind="JWT",
        now=datetime.now(UTC),
        unique="u",
    )
    assert signed is not None
    assert jwt.decode(reveal(signed), EC.public_key(), ["ES256"], audience="a")["jti"] == "u"
    assert reveal(signed).decode() not in repr(signed)
    assert "BEGIN" not in repr(key)
