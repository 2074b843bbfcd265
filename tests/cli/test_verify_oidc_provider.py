"""`verify --provider` judges the tokens of an issuer that we did not write: oidc-provider."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from oidcprovider import AUDIENCE, SCOPES, OidcProvider, running


@pytest.fixture(scope="module")
def server() -> Iterator[OidcProvider]:
    with running() as server:
        yield server


def verified(place, server: OidcProvider, token: str, scope: str):
    """`verify` with these expectations."""
    provider = place.file("login.yaml", json.dumps(server.provider()))
    asked = ["--audience", AUDIENCE, "--require-scope", SCOPES[0], "--require-scope", scope]
    source = ["--file", place.file("token", token), "--provider", provider]
    return place.run("verify", *source, *asked, "-o", "json")


@pytest.mark.parametrize("algorithm", ["PS256", "Ed25519"])
def test_a_token_passes_every_check(place, server: OidcProvider, algorithm: str) -> None:
    """Its type is ``at+jwt`` (RFC 9068)."""
    done = verified(place, server, server.token(algorithm, ttl_s=86_400), SCOPES[1])
    assert done.code == 0, done
    assert not done.reasons("Fail") | done.reasons("Unknown") | done.reasons("Warn"), done
    (token,) = done.document["tokens"]
    assert token["scopes"]["granted"] == list(SCOPES)
    assert token["issuer"] == server.url


def test_what_it_does_not_grant_fails_and_a_key_that_is_gone_is_no_failure(
    place, server: OidcProvider
) -> None:
    token = server.token("ES256")
    done = verified(place, server, token, "payments:admin")
    assert (done.code, done.reasons("Fail")) == (1, {"ScopeMissing"})
    server.rotate()
    done = verified(place, server, token, SCOPES[1])
    assert (done.code, done.reasons("Fail")) == (3, set())
    assert "KeyNotFound" in done.reasons("Unknown")
