"""A real operator, and an issuer below a path that we did not write: mock-oauth2-server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.test_verify_mock_oauth2 import CLAIMS
from cluster.shop import Shop, listed, token_of
from controlplane import Api
from mockoauth2 import MockOAuth2, running

PATIENCE_S = 120.0
SCOPES = {"required": ["payments:read", "payments:write"]}

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def login() -> Iterator[MockOAuth2]:
    with running(CLAIMS) as server:
        yield server


@pytest.fixture
def provider(login: MockOAuth2, admin: Api, namespace: str) -> Iterator[str]:
    manifest = login.provider(scopeClaims=["scope", "scp", "realm_access.roles"])
    manifest["metadata"]["name"] = namespace
    admin.apply(manifest)
    yield namespace
    admin.delete("TokenProvider", namespace)


def test_claims_of_each_form_are_verified_and_read_and_what_is_missing_is_told(
    shop: Shop, login: MockOAuth2, provider: str
) -> None:
    for name, claims in CLAIMS.items():
        audiences = [claims["aud"]] if isinstance(claims["aud"], str) else claims["aud"]
        shop.secret(name, login.token(name))
        asked = {"audiences": audiences, "scopes": SCOPES}
        shop.check(name, listed(name, providerRef={"name": provider}, **asked))
    for name in ("text", "list", "roles"):
        found = shop.reads(name, "True", "AllChecksPassed", timeout_s=PATIENCE_S)
        assert token_of(found)["scopes"]["granted"] == SCOPES["required"]
    found = shop.reads("reads", "False", "ScopeMissing", timeout_s=PATIENCE_S)
    assert token_of(found)["scopes"]["missing"] == ["payments:write"]
