"""The objects that stages seed, as plain JSON, and where they live."""

from __future__ import annotations

import base64
import random
from collections.abc import Mapping, Sequence
from typing import Any

from bench.tokens import ISSUER

Object = dict[str, Any]
NAMESPACES = tuple(f"team-{number}" for number in range(10))
CHECKS = "/apis/tokencheck.dev/v1alpha1/tokenchecks"
PROVIDER = "bench"
CLUSTER_CHECKS = CHECKS.replace("tokenchecks", "clustertokenchecks")
ENABLED = "tokencheck.dev/enabled"
# In base64 this is 1.5 KB of value in the API server's memory and on the wire.
_FILLER_BYTES = 1_125
# In base64 1 MB: etcd takes 1.5 MiB a request.
_RELEASE_BYTES = 750_000


def namespace_of(number: int, spaces: Sequence[str] = NAMESPACES) -> str:
    """Objects are spread over the namespaces round robin."""
    return spaces[number % len(spaces)]


def path(plural: str, namespace: str, name: str = "", *, group: str = "") -> str:
    """The URL path of a collection or object; the core group by default."""
    root = f"/apis/{group}" if group else "/api/v1"
    return f"{root}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def checks_path(namespace: str, name: str = "") -> str:
    """The URL path of the TokenChecks of a namespace, or of one."""
    return path("tokenchecks", namespace, name, group="tokencheck.dev/v1alpha1")


def token_name(number: int) -> str:
    """The name of a TokenCheck and of its Secret."""
    return f"token-{number:05d}"


def token_secret(number: int, token: str) -> Object:
    """The Secret that holds the token of TokenCheck ``number``."""
    return secret(namespace_of(number), token_name(number), {"token": token.encode()})


def other_secret(number: int, source: random.Random) -> Object:
    """A Secret of 1.5 KB that no TokenCheck names."""
    value = source.randbytes(_FILLER_BYTES)
    return secret(namespace_of(number), f"other-{number:05d}", {"value": value})


def secret(namespace: str, name: str, data: dict[str, bytes]) -> Object:
    """A Secret."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def token_check(number: int, *, deployment: str = "") -> Object:
    """The TokenCheck that says whether token ``number`` is signed by the provider and alive."""
    name = token_name(number)
    check = check_of(namespace_of(number), name, secret=name)
    if deployment:
        check["spec"]["workloadRef"] = {"kind": "Deployment", "name": deployment}
    return check


def check_of(namespace: str, name: str, *, secret: str) -> Object:
    """A TokenCheck over one Secret of its namespace."""
    token = {
        "name": "api",
        "secretKeyRef": {"name": secret, "key": "token"},
        "providerRef": {"name": PROVIDER},
    }
    return {
        "apiVersion": "tokencheck.dev/v1alpha1",
        "kind": "TokenCheck",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"discover": "None", "tokens": [token]},
    }


def helm_release(number: int, source: random.Random) -> Object:
    """What Helm keeps of a release: 1 MB that no TokenCheck names."""
    name = f"sh.helm.release.v1.app-{number:04d}.v1"
    # What cannot be compressed: as large as Helm's own gzip leaves it.
    release = secret(namespace_of(number), name, {"release": source.randbytes(_RELEASE_BYTES)})
    return release | {"type": "helm.sh/release.v1"}


def provider(jwks: Object) -> Object:
    """The TokenProvider whose key signs; no skew, so that both contenders see the same end."""
    jwt = {
        "issuer": ISSUER,
        "keys": {"type": "Inline", "jwks": jwks},
        "algorithms": ["RS256"],
        "clockSkew": "0s",
    }
    return {
        "apiVersion": "tokencheck.dev/v1alpha1",
        "kind": "TokenProvider",
        "metadata": {"name": PROVIDER},
        "spec": {"allowedNamespaces": {"all": True}, "jwt": jwt},
    }


def namespace(name: str, labels: Mapping[str, str] | None = None) -> Object:
    """A Namespace."""
    meta = {"name": name, "labels": dict(labels or {})}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}


def cluster_check(name: str) -> Object:
    """The ClusterTokenCheck of all Deployments in the namespaces that have it enabled."""
    return {
        "apiVersion": "tokencheck.dev/v1alpha1",
        "kind": "ClusterTokenCheck",
        "metadata": {"name": name},
        "spec": {
            "namespaceSelector": {"matchLabels": {ENABLED: "true"}},
            "workloads": {"kinds": ["Deployment"]},
        },
    }
