"""A key of a provider that is exchanged under its old id ends the verdicts that it gave."""

from __future__ import annotations

import json

import pytest

from cluster.shop import Shop, Signer, jwks, listed
from controlplane.launch import NAMESPACE as OPERATOR_NAMESPACE

pytestmark = pytest.mark.usefixtures("operator")


def test_another_key_under_the_same_id_is_seen_although_the_provider_says_the_same(
    shop: Shop,
) -> None:
    provider = shop.namespace
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": provider, "namespace": OPERATOR_NAMESPACE},
        "data": {"jwks.json": json.dumps(jwks(shop.signer))},
    }
    shop.admin.apply(manifest)
    try:
        ref = {"type": "ConfigMap", "configMapRef": {"name": provider, "key": "jwks.json"}}
        shop.provider(keys=ref)
        shop.secret("payments", shop.signer.token())
        shop.check("checkout", listed("payments", providerRef={"name": provider}))
        shop.reads("checkout", "True", "AllChecksPassed")
        other = Signer(kid=shop.signer.kid)
        shop.admin.apply(manifest | {"data": {"jwks.json": json.dumps(jwks(other))}})
        shop.reads("checkout", "False", "SignatureInvalid")
    finally:
        shop.admin.delete("ConfigMap", provider, OPERATOR_NAMESPACE)
