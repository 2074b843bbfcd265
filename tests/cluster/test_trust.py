"""Who vouches decides at once: keys and rules of providers and ConfigMaps, edited under a check."""

from __future__ import annotations

import json

import pytest

from cluster.shop import (
    SCOPES,
    Shop,
    Signer,
    condition,
    findings,
    jwks,
    listed,
    ready,
    states,
    token_of,
)
from controlplane.launch import NAMESPACE as OPERATOR_NAMESPACE

pytestmark = pytest.mark.usefixtures("operator")

GOOD = ("True", "AllChecksPassed")
IMPLIES = {"implies": {"payments:admin": ["payments:write"], "payments:write": ["payments:read"]}}


def words_of(shop: Shop, name: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Everything that the status says of who vouches, but since when."""
    found = shop.reads(name, "Unknown", "ProviderNotUsable")
    told = {one["type"]: one["message"] for one in found["status"]["conditions"]}
    said = found["status"]["findings"]
    return told, [{name: text for name, text in one.items() if name != "since"} for one in said]


def test_a_check_follows_its_provider_through_absence_creation_rotation_and_deletion(
    shop: Shop,
) -> None:
    provider, old, new = shop.namespace, shop.signer, Signer(kid="shop-2")
    shop.secret("payments", old.token())
    shop.check("checkout", listed("payments", providerRef={"name": provider}))
    shop.reads("checkout", "Unknown", "ProviderNotUsable")

    shop.provider(old)
    shop.reads("checkout", *GOOD)
    shop.provider(new)
    unknown = shop.reads("checkout", "Unknown", "KeyNotFound")
    assert states(unknown)["Verified"] == "Unknown"
    assert "Stalled" not in states(unknown)
    shop.provider(old, new)
    shop.reads("checkout", *GOOD)
    shop.secret("payments", new.token())
    shop.reads("checkout", *GOOD)

    shop.admin.delete("TokenProvider", provider)
    shop.reads("checkout", "Unknown", "ProviderNotUsable")
    shop.provider(old, new)
    shop.reads("checkout", *GOOD)


def test_a_provider_that_forbids_the_namespace_is_told_in_the_words_of_an_absent_one(
    shop: Shop,
) -> None:
    provider = shop.namespace
    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", providerRef={"name": provider}))
    absent = words_of(shop, "checkout")

    label = {"selector": {"matchLabels": {"payments": "yes"}}}
    shop.provider(allowed=label)
    shop.admin.wait("TokenProvider", provider, until=lambda it: ready(it)[0] == "True")
    body = {"metadata": {"labels": {"payments": "yes"}}}
    shop.admin.patch("Namespace", shop.namespace, body)
    shop.reads("checkout", *GOOD)

    shop.admin.patch("Namespace", shop.namespace, {"metadata": {"labels": {"payments": None}}})
    assert words_of(shop, "checkout") == absent
    shop.provider(allowed={"all": True})
    shop.reads("checkout", *GOOD)
    shop.provider(allowed=label)
    assert words_of(shop, "checkout") == absent


def test_a_provider_says_which_keys_it_vouches_with(shop: Shop) -> None:
    provider = shop.provider(shop.signer, Signer(kid="shop-2"))
    found = shop.admin.wait("TokenProvider", provider, until=lambda it: ready(it)[0] == "True")
    assert "2 usable keys" in condition(found, "Ready")["message"]
    assert found["status"]["keys"] == [
        {"kid": "shop-1", "algorithm": "ES256"},
        {"kid": "shop-2", "algorithm": "ES256"},
    ]


def test_keys_of_a_provider_come_from_a_config_map_of_the_operator_s_namespace(shop: Shop) -> None:
    provider = shop.namespace
    keys = {"type": "ConfigMap", "configMapRef": {"name": provider, "key": "jwks.json"}}
    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", providerRef={"name": provider}))
    shop.provider(keys=keys)
    unknown = shop.reads("checkout", "Unknown", "KeysUnavailable")
    assert states(unknown)["Verified"] == "Unknown"

    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": provider, "namespace": OPERATOR_NAMESPACE},
        "data": {"jwks.json": json.dumps(jwks(shop.signer))},
    }
    shop.admin.apply(manifest)
    try:
        shop.reads("checkout", *GOOD)
        shop.admin.wait("TokenProvider", provider, until=lambda it: ready(it)[0] == "True")
        shop.admin.apply(manifest | {"data": {"jwks.json": json.dumps(jwks(Signer(kid="new")))}})
        shop.reads("checkout", "Unknown", "KeyNotFound")
    finally:
        shop.admin.delete("ConfigMap", provider, OPERATOR_NAMESPACE)
    shop.reads("checkout", "Unknown", "KeysUnavailable")


def test_keys_of_one_s_own_verify_a_signature_without_an_admin(shop: Shop) -> None:
    ref = {"configMapKeyRef": {"name": "issuer", "key": "jwks.json"}}
    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", keys=ref, scopes={"required": SCOPES}))
    shop.reads("checkout", "Unknown", "KeysUnavailable")

    shop.config_map("issuer", jwks_json=json.dumps(jwks(shop.signer)))
    found = shop.reads("checkout", *GOOD)
    assert states(found)["Verified"] == states(found)["ScopesSatisfied"] == "True"

    shop.config_map("issuer", jwks_json=json.dumps(jwks(Signer())))
    shop.reads("checkout", "False", "SignatureInvalid")
    shop.config_map("issuer", jwks_json="{not json")
    shop.reads("checkout", "Unknown", "KeysUnavailable")
    shop.config_map("issuer", other="x")
    shop.reads("checkout", "Unknown", "KeysUnavailable")
    shop.config_map("issuer", jwks_json=json.dumps(jwks(shop.signer)))
    shop.reads("checkout", *GOOD)


def test_the_rules_of_a_provider_hold_for_every_check_that_names_it(shop: Shop) -> None:
    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", providerRef={"name": shop.namespace}))
    shop.provider()
    shop.reads("checkout", *GOOD)
    shop.provider(issuer="https://other.example.com")
    shop.reads("checkout", "False", "IssuerMismatch")
    shop.provider(algorithms=["RS256"])
    shop.reads("checkout", "False", "AlgorithmForbidden")
    shop.provider(types=["at+jwt"])
    shop.reads("checkout", "False", "WrongTokenType")
    shop.provider()
    shop.reads("checkout", *GOOD)


def test_scopes_are_read_from_the_claims_that_the_provider_names(shop: Shop) -> None:
    claims = {"scope": None, "realm_access": {"roles": SCOPES}}
    shop.secret("payments", shop.signer.token(**claims))
    expected = {"providerRef": {"name": shop.namespace}, "scopes": {"required": SCOPES}}
    shop.check("checkout", listed("payments", **expected))
    shop.provider()
    shop.reads("checkout", "Unknown", "ScopeUnknown")
    shop.provider(scopeClaims=["realm_access.roles"])
    found = shop.reads("checkout", *GOOD)
    assert token_of(found)["scopes"]["granted"] == SCOPES


def test_a_scope_counts_with_all_that_it_implies(shop: Shop) -> None:
    shop.secret("payments", shop.signer.token(scope="payments:admin"))
    provider = {"providerRef": {"name": shop.namespace}}
    shop.check("reads", listed("payments", scopes={"required": ["payments:read"]}, **provider))
    shop.check("rules", listed("payments", scopes={"required": ["payments:admin"]}, **provider))
    shop.check(
        "allows",
        listed(
            "payments",
            scopes={"required": ["payments:read"], "allowed": ["payments:admin"]},
            **provider,
        ),
    )
    shop.check("forbids", listed("payments", scopes={"forbidden": ["payments:write"]}, **provider))
    shop.provider()
    shop.reads("reads", "False", "ScopeMissing")
    shop.reads("forbids", *GOOD)

    shop.provider(scopes=IMPLIES)
    broad = shop.reads("reads", "True", "PassedWithWarnings")
    assert token_of(broad)["scopes"]["granted"] == [
        "payments:admin",
        "payments:read",
        "payments:write",
    ]
    assert token_of(broad)["scopes"]["excess"] == ["payments:admin"]
    shop.reads("rules", *GOOD)
    shop.reads("allows", *GOOD)
    shop.reads("forbids", "False", "ScopeForbidden")


def test_excess_is_loud_and_never_takes_ready_away(shop: Shop) -> None:
    granted = [*SCOPES, "payments:admin"]
    shop.secret("payments", shop.signer.token(scope=" ".join(granted)))
    expected = {"providerRef": {"name": shop.provider(scopes=IMPLIES)}}
    asked = listed("payments", scopes={"required": SCOPES}, **expected)
    shop.check("checkout", asked, policy={"drift": "Ignore"})
    found = shop.reads("checkout", "True", "PassedWithWarnings")
    over = condition(found, "OverScoped")
    assert (over["status"], over["reason"]) == ("True", "ScopeExcess")
    for said in (over["message"], condition(found, "Ready")["message"]):
        assert 'more than it needs: "payments:admin"' in said
        # write implies read: the smallest set is write alone
        assert '"payments:write" would do' in said
    assert states(found)["ScopesSatisfied"] == "True"
    assert ("ExcessScopes", "Warn", "ScopeExcess") in findings(found)
    event = shop.wait_event("checkout", "TokenOverScoped")
    assert event["type"] == "Warning"
    assert "payments:admin" in event["note"]

    shop.secret("payments", shop.signer.token(scope="payments:write"))
    found = shop.reads("checkout", *GOOD)
    assert states(found)["OverScoped"] == "False"
