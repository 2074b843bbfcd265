"""A Pod that takes a token in every way that a template knows, and what is said of it."""

from __future__ import annotations

import base64
import json
from typing import Any

from cluster.shop import Object, Shop, env, pod_spec

# Name of the token -> its sites, as the status says them.
SITES = {
    "by-init/token": ["env INIT_TOKEN of prepare"],
    "by-env/token": ["env TOKEN of app"],
    "by-env-from/token": ["envFrom X_* of app"],
    "by-volume/token": ["volume /whole of app"],
    "by-items/live": ["volume /chosen/l of app"],
    "by-sub-path/token": ["subPath /one-token of app"],
    "by-projected/token": ["projected /mixed/t of app"],
    'registry/.dockerconfigjson:auths["registry.example.com"].auth': [
        "imagePullSecret imagePullSecrets"
    ],
}


def mount(volume: str, path: str, **more: str) -> dict[str, str]:
    return {"name": volume, "mountPath": path} | more


def every_way() -> Object:
    """The Pod's spec."""
    init = {"name": "prepare", "image": "example.com/init:1"} | env("by-init", name="INIT_TOKEN")
    app = {
        "envFrom": [{"prefix": "X_", "secretRef": {"name": "by-env-from"}}],
        "volumeMounts": [
            mount("whole", "/whole"),
            mount("chosen", "/chosen"),
            mount("one", "/one-token", subPath="token"),
            mount("mixed", "/mixed"),
        ],
    } | env("by-env")
    projected = {"secret": {"name": "by-projected", "items": [{"key": "token", "path": "t"}]}}
    chosen = {"secretName": "by-items", "items": [{"key": "live", "path": "l"}], "optional": False}
    volumes = [
        {"name": "whole", "secret": {"secretName": "by-volume", "defaultMode": 256}},
        {"name": "chosen", "secret": chosen},
        {"name": "one", "secret": {"secretName": "by-sub-path"}},
        {"name": "mixed", "projected": {"sources": [projected]}},
    ]
    pull = [{"name": "registry"}]
    return pod_spec(app, initContainers=[init], volumes=volumes, imagePullSecrets=pull)


def fill(shop: Shop) -> None:
    """Its Secrets, with a good token in each."""
    signer = shop.signer
    for name in ("by-init", "by-env", "by-volume", "by-sub-path", "by-projected"):
        shop.secret(name, signer.token())
    shop.secret("by-env-from", signer.token(), data={"LOG_LEVEL": "debug"})
    shop.secret("by-items", data={"live": signer.token(), "other": signer.token()})
    auth = base64.b64encode(f"ci:{signer.token()}".encode()).decode()
    document = json.dumps({"auths": {"registry.example.com": {"auth": auth}}})
    shop.secret(
        "registry", type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": document}
    )


def sites(found: dict[str, Any]) -> dict[str, list[str]]:
    """Name of each token of the status -> its sites."""
    return {one["name"]: one.get("sites", []) for one in found["status"]["tokens"]}
