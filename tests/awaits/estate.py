"""What stands in the cluster on this road: a token for each way of judging, each with a canary."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt

from awaits.apiserver import Object, Place
from canary import Secret
from cluster.canaries import rare
from introspector import CLIENT, Introspector
from issuer import Issuer
from tokencheck.core.rights.bypass_policy import bypass_policy
from tokencheck.core.rights.guards import (
    guard_binding,
    provider_policy,
    stamp_policy,
    stamping_policy,
)
from tokencheck.core.rights.policy import requester_binding, requester_policy
from tokencheck.model.admission import REQUESTER_POLICY, Guard

_ACCOUNT = "https://kubernetes.default.svc"
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
_USER = "system:serviceaccount:shop:author"


class Tokens:
    """Texts of one value of the Secret, and what of them nobody may show."""

    def __init__(self, issuer: Issuer, login: Introspector) -> None:
        """The issuer signs, the introspector knows."""
        hidden = {"sub": f"sub-{rare()}", "email": rare()}
        self.opaque, self.robot = rare(40), _of_robot(hidden)
        self.signed = issuer.token("k1", aud="shop", **hidden)
        self.document = json.dumps({"auth": {"token": rare(40)}})
        login.tokens[self.opaque] = {"scope": "pay"}
        pieces = [*hidden.values(), self.opaque, json.loads(self.document)["auth"]["token"]]
        pieces += [token.rpartition(".")[2] for token in (self.signed, self.robot)]
        self.secrets = [Secret(f"token {at}", piece) for at, piece in enumerate(pieces)]

    @property
    def all(self) -> str:
        """All of them, as a careless exception would say them."""
        return f"Bearer {self.signed} {self.opaque} {self.robot} {self.document}"

    def secret(self) -> tuple[Place, Object]:
        """The Secret that holds them."""
        texts = {"signed": self.signed, "opaque": self.opaque, "robot": self.robot}
        return ("secrets", "shop", "api"), secret(texts | {"document": self.document})


def _of_robot(hidden: Object) -> str:
    now = int(time.time())
    claims = {"iss": _ACCOUNT, "aud": [_ACCOUNT], "iat": now, "exp": now + 9000} | hidden
    claims |= {"sub": "system:serviceaccount:shop:robot", "kubernetes.io": {"namespace": "shop"}}
    return jwt.encode(claims, rare(40), algorithm="HS256")


def secret(texts: dict[str, str]) -> Object:
    """A Secret with these values."""
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    return {"apiVersion": "v1", "kind": "Secret", "data": data}


def objects(issuer: Issuer, login: Introspector, *, alike: int = 1) -> dict[Place, Object]:
    """All but the Secret of the tokens; so many providers of each type that is asked."""
    more = range(2, alike + 1)
    issuers = {f"issuer-{n}": issuer.provider(f"issuer-{n}") for n in more}
    logins = {f"login-{n}": _selective(login.provider(f"login-{n}")) for n in more}
    several = {("tokenproviders", "", name): one for name, one in (issuers | logins).items()}
    several |= {("tokenchecks", "shop", f"asked-{n}"): _asked(n) for n in more}
    home = "tokencheck-system"
    client = dict(zip(("client_id", "client_secret"), CLIENT, strict=True))
    return several | {
        ("secrets", home, "introspect-client"): secret(client),
        ("configmaps", "shop", "keys"): {"data": {"jwks": json.dumps({"keys": issuer.published})}},
        ("namespaces", "", "shop"): {"metadata": {"labels": {"team": "pay"}}},
        ("validatingadmissionpolicies", "", REQUESTER_POLICY): requester_policy(),
        ("validatingadmissionpolicybindings", "", REQUESTER_POLICY): requester_binding(),
        ("validatingadmissionpolicies", "", Guard.BYPASS): bypass_policy(),
        ("validatingadmissionpolicybindings", "", Guard.BYPASS): guard_binding(Guard.BYPASS),
        ("validatingadmissionpolicies", "", Guard.PROVIDER): provider_policy(),
        ("validatingadmissionpolicybindings", "", Guard.PROVIDER): guard_binding(Guard.PROVIDER),
        ("validatingadmissionpolicies", "", Guard.STAMP): stamp_policy(stamps=True),
        ("validatingadmissionpolicybindings", "", Guard.STAMP): guard_binding(Guard.STAMP),
        ("mutatingadmissionpolicies", "", Guard.STAMP): stamping_policy(),
        ("mutatingadmissionpolicybindings", "", Guard.STAMP): {"spec": {"policyName": Guard.STAMP}},
        ("tokenproviders", "", "issuer"): issuer.provider("issuer"),
        ("tokenproviders", "", "login"): _selective(login.provider("login")),
        ("tokenproviders", "", "cluster"): _provider(vendor={"type": "Kubernetes"}),
        ("deployments", "shop", "checkout"): _deployment(),
        ("tokenchecks", "shop", "listed"): _check(tokens=_listed()),
        ("tokenchecks", "shop", "found"): _check(),
    }


def _selective(provider: Object) -> Object:
    allowed = {"selector": {"matchLabels": {"team": "pay"}}}
    return provider | {"spec": provider["spec"] | {"allowedNamespaces": allowed}}


def _provider(**spec: Any) -> Object:
    return {"kind": "TokenProvider", "spec": {"allowedNamespaces": {"all": True}} | spec}


def _check(**spec: Any) -> Object:
    meta = {"annotations": {"tokencheck.dev/requester": _USER}}
    workload = {"workloadRef": {"kind": "Deployment", "name": "checkout"}}
    return {"kind": "TokenCheck", "metadata": meta, "spec": workload | spec}


def _one(name: str, key: str, **more: Any) -> Object:
    return {"name": name, "secretKeyRef": {"name": "api", "key": key}} | more


def _by(provider: str) -> Object:
    return {"providerRef": {"name": provider}}


def _asked(number: int) -> Object:
    """Both providers of this number are asked about its tokens."""
    signed = _one("discovered", "signed", **_by(f"issuer-{number}"), audiences=["shop"])
    return _check(tokens=[signed, _one("asked", "opaque", **_by(f"login-{number}"))])


def _listed() -> list[Object]:
    return [
        _one("discovered", "signed", **_by("issuer"), audiences=["shop"]),
        _one("keyed", "signed", keys={"configMapKeyRef": {"name": "keys", "key": "jwks"}}),
        _one("asked", "opaque", **_by("login")),
        _one("reviewed", "robot", **_by("cluster"), scopes={"required": ["get:pods"]}),
        _one("inside", "document", field="auth.token"),
    ]


def _deployment() -> Object:
    pod = {"containers": [{"name": "app", "envFrom": [{"secretRef": {"name": "api"}}]}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {"replicas": 1, "template": {"metadata": {}, "spec": pod}},
        "status": {"observedGeneration": 1} | dict.fromkeys(_COUNTS, 1),
    }
