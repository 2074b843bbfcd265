"""A Secret value may be a document with tokens in it: they are found, and `field` names one."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml

from cluster.shop import SCOPES, Shop, condition, listed, pod_spec, token_of

pytestmark = pytest.mark.usefixtures("operator")

REGISTRY = 'auths["registry.example.com"].auth'
# The key of the Secret, and the path under which its token is found.
PATHS = {
    "app.json": "payments.token",
    "app.yaml": "apis[0].api-key",
    ".env": "API_TOKEN",
    "kubeconfig": "users[0].user.token",
    ".dockerconfigjson": REGISTRY,
}


def documents(tokens: dict[str, str]) -> dict[str, str]:
    """One document a key, with that key's token in it."""
    auth = base64.b64encode(f"ci:{tokens['.dockerconfigjson']}".encode()).decode()
    cluster = {"name": "shop", "cluster": {"server": "https://api.example.com"}}
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster],
        "users": [{"name": "ci", "user": {"token": tokens["kubeconfig"]}}],
    }
    return {
        "app.json": json.dumps({"payments": {"token": tokens["app.json"], "ttl": 3600}}),
        "app.yaml": yaml.safe_dump({"apis": [{"name": "pay", "api-key": tokens["app.yaml"]}]}),
        ".env": f"# made by hand\nexport API_TOKEN='{tokens['.env']}'\nDEBUG=1\n",
        "kubeconfig": yaml.safe_dump(kubeconfig),
        ".dockerconfigjson": json.dumps({"auths": {"registry.example.com": {"auth": auth}}}),
    }


def mounts(secret: str) -> dict[str, Any]:
    volume = {"name": "v", "secret": {"secretName": secret}}
    return pod_spec({"volumeMounts": [{"name": "v", "mountPath": "/v"}]}, volumes=[volume])


def test_tokens_in_documents_are_found_with_the_path_that_leads_to_them(shop: Shop) -> None:
    shop.secret("config", data=documents({key: shop.signer.token() for key in PATHS}))
    shop.workload("checkout", mounts("config"))
    shop.check("checkout", workload="Deployment/checkout")
    found = shop.reads("checkout", "True", "PassedWithWarnings")
    named = {one["name"] for one in found["status"]["tokens"]}
    assert named == {f"config/{key}:{path}" for key, path in PATHS.items()}
    assert {one["kind"] for one in found["status"]["tokens"]} == {"JWT"}

    # One of them ends: the message says which.
    tokens = {key: shop.signer.token() for key in PATHS}
    shop.secret("config", data=documents(tokens | {"kubeconfig": shop.signer.expired()}))
    ended = shop.reads("checkout", "False", "TokenExpired")
    where = f'Secret {shop.namespace}/config key "kubeconfig" field users[0].user.token'
    assert where in condition(ended, "Ready")["message"]


@pytest.mark.parametrize("key", PATHS)
def test_a_field_selects_the_token_in_the_document_and_the_others_stay_found(
    shop: Shop, key: str
) -> None:
    shop.secret("config", data=documents({key: shop.signer.token() for key in PATHS}))
    shop.workload("checkout", mounts("config"), replicas=0)
    expected = {
        "providerRef": {"name": shop.provider()},
        "audiences": ["payments-api"],
        "scopes": {"required": SCOPES},
    }
    selected = listed("config", key, field=PATHS[key], **expected)
    shop.check("one", selected)
    shop.check("all", selected, workload="Deployment/checkout")
    found = shop.reads("one", "True", "AllChecksPassed")
    assert token_of(found)["scopes"]["granted"] == SCOPES
    found = shop.reads("all", "True", "PassedWithWarnings")
    rest = {f"config/{other}:{path}" for other, path in PATHS.items() if other != key}
    assert {one["name"] for one in found["status"]["tokens"]} == {"payments", *rest}


# What a field can be wrong about, and what is said then.
WRONG = {
    "absent": ("payments.nothing", "app.json", "SecretKeyNotFound", "field"),
    "no-text": ("payments.ttl", "app.json", "MalformedToken", "holds no text"),
    "no-document": ("payments.token", "plain", "MalformedToken", "no document"),
    "broken": ("payments.token", "broken.json", "MalformedToken", ""),
}


def test_a_field_that_leads_nowhere_says_where_it_ended(shop: Shop) -> None:
    tokens = {key: shop.signer.token() for key in PATHS}
    texts = documents(tokens) | {"plain": shop.signer.token(), "broken.json": '{"payments": {'}
    shop.secret("config", data=texts)
    for name, (field, key, _, _) in WRONG.items():
        shop.check(name, listed("config", key, field=field))
    for name, (field, key, reason, words) in WRONG.items():
        found = shop.reads(name, "False", reason)
        message = condition(found, "Ready")["message"]
        assert f'key "{key}" field {field}' in message
        assert words in message
