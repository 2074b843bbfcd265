"""`verify --provider` reads what the tokens of mock-oauth2-server, not of our making, claim."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mockoauth2 import MockOAuth2, running

CLAIMS: dict[str, dict[str, Any]] = {
    "text": {"sub": "checkout", "aud": "payments-api", "scope": "payments:read payments:write"},
    "list": {"aud": ["ledger-api", "payments-api"], "scp": ["payments:read", "payments:write"]},
    "roles": {
        "aud": ["payments-api"],
        "realm_access": {"roles": ["payments:read", "payments:write"]},
        "https://example.com/tenant": {"id": 7, "name": "Käse & Söhne"},
    },
    "reads": {"aud": "payments-api", "scope": "payments:read"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[MockOAuth2]:
    with running(CLAIMS) as server:
        yield server


def verified(place, server: MockOAuth2, name: str, *expected: str, **rules: Any):
    """`verify` of a token with the claims of this name; `rules` of how the provider reads JWTs."""
    provider = place.file("login.yaml", json.dumps(server.provider(**rules)))
    source = ["--file", place.file("token", server.token(name)), "--provider", provider]
    asked = ["--audience", "payments-api", "--require-scope", "payments:read", *expected]
    return place.run("verify", *source, *asked, "--require-scope", "payments:write", "-o", "json")


@pytest.mark.parametrize(
    ("name", "expected", "rules"),
    [
        ("text", (), {}),
        ("list", ("--audience", "ledger-api"), {}),
        ("roles", (), {"scopeClaims": ["realm_access.roles"]}),
    ],
    ids=["scope as text", "scp and aud as lists", "roles inside another claim"],
)
def test_its_signature_audience_and_scopes_are_read_in_each_form(
    place, server: MockOAuth2, name: str, expected: tuple[str, ...], rules: dict[str, Any]
) -> None:
    done = verified(place, server, name, *expected, **rules)
    assert done.code == 0, done
    assert not done.reasons("Fail") | done.reasons("Unknown") | done.reasons("Warn"), done
    (token,) = done.document["tokens"]
    assert token["scopes"]["granted"] == ["payments:read", "payments:write"]
    assert token["issuer"] == server.url


def test_what_is_not_granted_and_another_issuer_fail(place, server: MockOAuth2) -> None:
    done = verified(place, server, "reads")
    assert (done.code, done.reasons("Fail")) == (1, {"ScopeMissing"})
    done = verified(place, server, "text", "--issuer", f"{server.url}/other")
    assert (done.code, done.reasons("Fail")) == (1, {"IssuerMismatch"})
