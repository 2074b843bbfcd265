"""A real operator asks a real Vault, and a real OpenBao, whether tokens live."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from cluster.shop import Shop, condition, findings, listed, ready, states, token_of
from cluster.test_introspection import HOME, secret
from cluster.test_vendors import GOOD, five_lines
from controlplane import Api
from vaultserver import CAPABILITIES, SERVERS, VaultServer, running

PATIENCE_S = 120.0

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module", params=SERVERS)
def vault(request: pytest.FixtureRequest) -> Iterator[VaultServer]:
    with running(request.param) as server:
        yield server


@pytest.fixture
def own(vault: VaultServer) -> str:
    """The operator's own token."""
    return vault.own()


@pytest.fixture
def provider(vault: VaultServer, own: str, admin: Api, namespace: str) -> Iterator[str]:
    name = f"vault-{namespace}"
    admin.apply(secret(name, HOME, token=own))
    admin.apply(vault.provider(name, name))
    yield name
    admin.delete("TokenProvider", name)
    admin.delete("Secret", name, HOME)


def checked(shop: Shop, provider: str, token: str, **expected: object) -> None:
    shop.secret("vault", token)
    shop.check("vault", listed("vault", providerRef={"name": provider}, **expected), interval="30s")


def test_a_token_of_two_uses_keeps_them_and_its_policies_and_end_are_shown(
    shop: Shop, vault: VaultServer, provider: str
) -> None:
    token = vault.token(num_uses=2, ttl="24h", policies=["shop", "billing"])
    scopes = {"required": ["shop"], "allowed": ["billing", "default"]}
    checked(shop, provider, token, scopes=scopes)
    found = shop.reads("vault", *GOOD, timeout_s=PATIENCE_S)
    assert states(found)["Active"] == "True"
    assert token_of(found)["scopes"]["granted"] == ["billing", "default", "shop"]
    looked_up = vault.call("POST", "auth/token/lookup", token=token)["data"]
    assert token_of(found)["expirationTime"][:19] == looked_up["expire_time"][:19]
    assert looked_up["num_uses"] == 2
    vault.revoke(token)
    found = shop.wait("vault", lambda it: ready(it) == ("False", "Inactive"), timeout_s=PATIENCE_S)
    assert "Vault does not accept it" in condition(found, "Active")["message"]


def test_a_policy_that_is_missing_or_too_many_is_told(
    shop: Shop, vault: VaultServer, provider: str
) -> None:
    token = vault.token(ttl="24h", policies=["shop", "admin"])
    checked(shop, provider, token, scopes={"required": ["billing"], "allowed": ["shop", "default"]})
    found = shop.reads("vault", "False", "ScopeMissing", timeout_s=PATIENCE_S)
    assert token_of(found)["scopes"]["missing"] == ["billing"]
    assert token_of(found)["scopes"]["excess"] == ["admin"]


SHOP = """
path "secret/data/payments" { capabilities = ["read"] }
path "auth/token/create" { capabilities = ["update"] }
"""


def test_what_a_token_may_do_on_paths_is_asked_and_followed(
    shop: Shop, vault: VaultServer, provider: str, admin: Api
) -> None:
    admin.apply(secret(provider, HOME, token=vault.own("capabilities")))
    vault.policy("reader", SHOP)
    token = vault.token(num_uses=2, ttl="24h", policies=["reader"])
    scopes = {
        "required": ["read:secret/data/payments", "reader"],
        "allowed": ["default"],
        "forbidden": ["update:auth/token/create", "sudo:sys/seal"],
    }
    checked(shop, provider, token, scopes=scopes)
    found = shop.reads("vault", "False", "ScopeForbidden", timeout_s=PATIENCE_S)
    assert '"update:auth/token/create"' in condition(found, "ScopesSatisfied")["message"]
    vault.policy("reader", 'path "secret/data/*" { capabilities = ["update"] }')
    found = shop.reads("vault", "False", "ScopeMissing", timeout_s=PATIENCE_S)
    assert token_of(found)["scopes"]["missing"] == ["read:secret/data/payments"]
    vault.policy("reader", 'path "secret/data/*" { capabilities = ["read"] }')
    found = shop.reads("vault", *GOOD, timeout_s=PATIENCE_S)
    granted = ["default", "read:secret/data/payments", "reader"]
    assert token_of(found)["scopes"]["granted"] == granted
    assert vault.call("POST", "auth/token/lookup", token=token)["data"]["num_uses"] == 2


def test_a_scope_that_is_added_is_asked_about_at_once(
    shop: Shop, vault: VaultServer, provider: str, admin: Api
) -> None:
    admin.apply(secret(provider, HOME, token=vault.own("capabilities")))
    vault.policy("reader", SHOP)
    shop.secret("vault", vault.token(ttl="24h", policies=["reader"]))
    for path in ("secret/data/payments", "auth/token/create"):
        scopes = {"required": [f"read:{path}"], "allowed": ["reader", "default"]}
        token = listed("vault", providerRef={"name": provider}, scopes=scopes)
        shop.check("vault", token, interval="1h")
        expected = GOOD if path.startswith("secret") else ("False", "ScopeMissing")
        shop.reads("vault", *expected, timeout_s=PATIENCE_S)


def test_without_the_policy_for_paths_they_are_unknown_and_the_rest_goes_on(
    shop: Shop, vault: VaultServer, provider: str, admin: Api
) -> None:
    vault.policy("reader", SHOP)
    scopes = {"required": ["read:secret/data/payments"], "allowed": ["reader", "default"]}
    checked(shop, provider, vault.token(ttl="24h", policies=["reader"]), scopes=scopes)
    found = shop.reads("vault", "Unknown", "ScopeUnknown", timeout_s=PATIENCE_S)
    assert CAPABILITIES in condition(found, "ScopesSatisfied")["message"]
    assert states(found)["Active"] == "True"
    standing = admin.get("TokenProvider", provider)
    assert states(standing)["Reachable"] == "True"
    admin.apply(secret(provider, HOME, token=vault.own("capabilities")))
    shop.reads("vault", *GOOD, timeout_s=PATIENCE_S)


def test_five_lines_find_a_root_token_that_never_ends(
    shop: Shop, vault: VaultServer, provider: str
) -> None:
    shop.secret("vault", vault.root)
    five_lines(shop, "checkout", "vault")
    found = shop.wait("checkout", lambda it: ready(it)[0] == "True", timeout_s=PATIENCE_S)
    told = next(one for one in found["status"]["tokens"] if one["name"] == "vault/token")
    assert told["provider"] == provider
    assert "never ends, says Vault" in json.dumps(found["status"])


def test_five_lines_leave_a_token_of_another_vault_alone(
    shop: Shop, vault: VaultServer, provider: str
) -> None:
    ended = vault.token(ttl="24h")
    vault.revoke(ended)
    shop.secret("vault", ended)
    five_lines(shop, "checkout", "vault")
    found = shop.wait("checkout", lambda it: "Active" in states(it), timeout_s=PATIENCE_S)
    assert ("Active", "Skip", "NotVerifiable") in findings(found)
    assert ready(found)[0] == "True"
    checked(shop, provider, ended)
    shop.reads("vault", "False", "Inactive", timeout_s=PATIENCE_S)


def test_while_the_operator_s_own_token_is_dead_the_token_is_unknown(
    shop: Shop, vault: VaultServer, own: str, provider: str, admin: Api
) -> None:
    checked(shop, provider, vault.token(ttl="24h"))
    shop.reads("vault", *GOOD, timeout_s=PATIENCE_S)
    vault.revoke(own)
    found = shop.wait(
        "vault", lambda it: ready(it) == ("Unknown", "IntrospectionUnauthorized"), timeout_s=180
    )
    assert "last known active at 20" in condition(found, "Active")["message"]
    standing = admin.wait(
        "TokenProvider", provider, until=lambda it: states(it).get("Reachable") == "False"
    )
    assert (
        "renew the one in the Secret of vendor.credentialsRef"
        in (condition(standing, "Reachable")["message"])
    )
    admin.apply(secret(provider, HOME, token=vault.own()))
    shop.wait("vault", lambda it: ready(it) == GOOD, timeout_s=180)


def test_a_token_that_is_renewed_again_and_again_is_never_called_expired(
    shop: Shop, vault: VaultServer, provider: str
) -> None:
    token = vault.token(period="20s")
    expiry = {"warnBefore": "1s"}
    checked(shop, provider, token, expiry=expiry)
    shop.reads("vault", *GOOD, timeout_s=PATIENCE_S)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        vault.call("POST", "auth/token/renew", token=token)
        time.sleep(2)
    told = {ready(seen.object) for seen in shop.history("vault")}
    assert not {one for one in told if one[0] == "False"}
    found = shop.wait("vault", lambda it: ready(it)[0] == "False", timeout_s=PATIENCE_S)
    assert ready(found) == ("False", "Inactive")
