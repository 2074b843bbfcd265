"""What `view`, `edit` and `admin` let people do once the chart is there, tried by real users.

The control plane's own controller gathers the chart's rules into these roles.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.shop import API, eventually
from controlplane import Api, ApiError, ControlPlane
from controlplane.launch import grant_operator

Object = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
ROLES = ("view", "edit", "admin")
EVERYWHERE = "view-everywhere"
FIVE_LINES = {"workloadRef": {"kind": "Deployment", "name": "checkout"}}
SECRET = {"name": "payments", "secretKeyRef": {"name": "payments-api", "key": "token"}}
KEYS = {"keys": {"configMapKeyRef": {"name": "issuer", "key": "jwks.json"}}}


class People:
    """A namespace with a ServiceAccount for each role, and one that sees the whole cluster."""

    def __init__(self, plane: ControlPlane) -> None:
        self.admin = plane.api()
        self.namespace = self.provider = f"people-{secrets.token_hex(3)}"
        self._create("v1", "Namespace", self.namespace)
        jwt = {"issuer": "https://a.example.com", "keys": {"type": "Discovery"}}
        self.vouches = {"allowedNamespaces": {"all": True}, "jwt": jwt}
        self._create(API, "TokenProvider", self.provider, spec=self.vouches)
        self.users = {name: self._user(plane, name) for name in (*ROLES, EVERYWHERE)}
        for name, api in self.users.items():
            eventually(lambda api=api: may(api, self.namespace, "get", "tokenchecks"))
            if name == EVERYWHERE:
                eventually(lambda api=api: may(api, "", "list", "tokenproviders"))
            if name in ("edit", "admin"):
                eventually(lambda api=api: may(api, self.namespace, "delete", "tokenchecks"))
        eventually(lambda: may(self.users["admin"], self.namespace, "update", "tokenchecks/bypass"))

    def close(self) -> None:
        self.admin.delete("Namespace", self.namespace)
        self.admin.delete("TokenProvider", self.provider)
        self.admin.delete("ClusterRole", self.namespace)
        for name in (self.namespace, f"{self.namespace}-{EVERYWHERE}"):
            self.admin.delete("ClusterRoleBinding", name)

    def user_name(self, name: str) -> str:
        return f"system:serviceaccount:{self.namespace}:{name}"

    def check(self, spec: Object, **meta: Any) -> Object:
        place = {"name": f"check-{secrets.token_hex(4)}", "namespace": self.namespace}
        return {"apiVersion": API, "kind": "TokenCheck", "metadata": place | meta, "spec": spec}

    def may_use_the_provider(self, name: str) -> None:
        rule = {"apiGroups": ["tokencheck.dev"], "resources": ["tokenproviders"], "verbs": ["use"]}
        rules = [rule | {"resourceNames": [self.provider]}]
        self._create(f"{RBAC}/v1", "ClusterRole", self.namespace, rules=rules)
        self._bind(self.namespace, name, role=self.namespace)

    def _user(self, plane: ControlPlane, name: str) -> Api:
        self._create("v1", "ServiceAccount", name, {"namespace": self.namespace})
        if name == EVERYWHERE:
            self._bind(f"{self.namespace}-{name}", name, role="view")
        else:
            self._bind(name, name, role=name, place={"namespace": self.namespace})
        return plane.api_for_token(plane.token_for_service_account(self.namespace, name))

    def _bind(self, binding: str, name: str, *, role: str, place: Object | None = None) -> None:
        """The ServiceAccount has the ClusterRole in this place, or in the whole cluster."""
        subject = {"kind": "ServiceAccount", "name": name, "namespace": self.namespace}
        of = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
        kind = "RoleBinding" if place else "ClusterRoleBinding"
        self._create(f"{RBAC}/v1", kind, binding, place, subjects=[subject], roleRef=of)

    def _create(
        self, version: str, kind: str, name: str, place: Object | None = None, **body: Any
    ) -> None:
        meta = {"name": name} | (place or {})
        self.admin.create({"apiVersion": version, "kind": kind, "metadata": meta} | body)


def may(api: Api, namespace: str, verb: str, resource: str) -> bool:
    """Whether the authorizer has heard of it."""
    resource, _, part = resource.partition("/")
    attributes = {"namespace": namespace, "verb": verb, "group": "tokencheck.dev"}
    attributes |= {"resource": resource, "subresource": part}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    spec = {"resourceAttributes": attributes}
    return bool(api.create(review | {"metadata": {}, "spec": spec})["status"]["allowed"])


@pytest.fixture(scope="module")
def people(controlplane: ControlPlane) -> Iterator[People]:
    grant_operator(controlplane)  # and the chart's rules for people
    made = People(controlplane)
    yield made
    made.close()


def of_the_admin(people: People) -> str:
    """The name of a TokenCheck that somebody else made."""
    return str(people.admin.create(people.check(FIVE_LINES))["metadata"]["name"])


def patched(people: People, api: Api, body: Object, part: str = "") -> object:
    name = of_the_admin(people)
    return api.patch("TokenCheck", name, body, people.namespace, subresource=part)


def broken_glass(people: People, api: Api) -> object:
    name = next(name for name, one in people.users.items() if one is api)
    given = {"by": people.user_name(name), "reason": "the issuer is down"}
    given["until"] = "2027-01-31T12:00:00Z"
    notes = {f"tokencheck.dev/bypass-{key}": value for key, value in given.items()}
    return patched(people, api, {"metadata": {"annotations": notes}})


def of_the_cluster(people: People, kind: str, spec: Object) -> Object:
    name = f"{people.namespace}-of-people"
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


Deed = Callable[[People, Api], object]
SEE, WRITE, OWN = {"view", "edit", "admin", EVERYWHERE}, {"edit", "admin"}, {"admin"}
DEEDS: dict[str, tuple[set[str], Deed]] = {
    "read a TokenCheck": (SEE, lambda p, api: api.get("TokenCheck", of_the_admin(p), p.namespace)),
    "list them": (SEE, lambda p, api: api.list("TokenCheck", p.namespace)),
    "watch them": (SEE, lambda p, api: list(api.watch("TokenCheck", p.namespace, timeout_s=1))),
    "list those of all namespaces": ({EVERYWHERE}, lambda _, api: api.list("TokenCheck")),
    "see who vouches": ({EVERYWHERE}, lambda p, api: api.get("TokenProvider", p.provider)),
    "see ClusterTokenChecks": ({EVERYWHERE}, lambda _, api: api.list("ClusterTokenCheck")),
    "write five lines": (WRITE, lambda p, api: api.create(p.check(FIVE_LINES))),
    "name a Secret and keys": (
        WRITE,
        lambda p, api: api.create(p.check({"tokens": [SECRET | KEYS]})),
    ),
    "apply": (WRITE, lambda p, api: api.apply(p.check(FIVE_LINES))),
    "change a spec": (WRITE, lambda p, api: patched(p, api, {"spec": {"interval": "1h"}})),
    "have it checked now": (
        WRITE,
        lambda p, api: patched(
            p, api, {"metadata": {"annotations": {"tokencheck.dev/check-now": "1"}}}
        ),
    ),
    "delete one": (
        WRITE,
        lambda p, api: api.request("DELETE", api.path("TokenCheck", p.namespace, of_the_admin(p))),
    ),
    "delete all": (
        WRITE,
        lambda p, api: api.request("DELETE", api.path("TokenCheck", p.namespace)),
    ),
    "break the glass": (OWN, broken_glass),
    "forge a verdict": (
        set(),
        lambda p, api: patched(p, api, {"status": {"verdict": "Valid"}}, "status"),
    ),
    "write a TokenProvider": (
        set(),
        lambda p, api: api.create(of_the_cluster(p, "TokenProvider", p.vouches)),
    ),
    "write a ClusterTokenCheck": (
        set(),
        lambda p, api: api.create(
            of_the_cluster(p, "ClusterTokenCheck", {"namespaceSelector": {}})
        ),
    ),
}


def does(deed: Deed, people: People, api: Api) -> bool:
    try:
        deed(people, api)
    except ApiError as refused:
        if refused.code != 403:
            raise
        return False
    return True


@pytest.mark.parametrize("what", DEEDS)
def test_the_roles_of_kubernetes_let_people_do_exactly_what_they_are_for(
    people: People, what: str
) -> None:
    allowed, deed = DEEDS[what]
    assert {name for name, api in people.users.items() if does(deed, people, api)} == allowed


def test_who_edits_needs_use_of_a_provider_and_nothing_else(people: People) -> None:
    spec = {"tokens": [SECRET | {"providerRef": {"name": people.provider}}]}

    def able() -> set[str]:
        return {
            name
            for name, api in people.users.items()
            if does(lambda p, api: api.create(p.check(spec)), people, api)
        }

    assert able() == set()
    people.may_use_the_provider("edit")
    eventually(lambda: able() == {"edit"})
