"""People of every right that admission policies ask for, with tokens of their own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from cluster.shop import API
from controlplane import Api, ApiError, ControlPlane

Object = dict[str, Any]
RIGHTS = ("none", "secret", "keys", "secrets", "pods")
USERS = [(right, use) for right in RIGHTS for use in (False, True)]
RBAC = "rbac.authorization.k8s.io/v1"
KEYS = {"configMapKeyRef": {"name": "issuer", "key": "jwks.json"}}
HARMLESS = {"tokens": [{"name": "a", "secretKeyRef": {"name": "of-the-admin", "key": "token"}}]}


class World:
    """A namespace with users of all rights, as ServiceAccounts with tokens of their own."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.admin = plane.api()
        self.namespace = self.provider = f"admission-{secrets.token_hex(3)}"
        self.admin.create(self._object("v1", "Namespace", self.namespace, space=False))
        self.admin.create(self._object("v1", "Secret", "payments"))
        self.admin.create(self._object("v1", "ConfigMap", "issuer"))
        spec = {
            "allowedNamespaces": {"all": True},
            "jwt": {"issuer": "https://a.example.com", "keys": {"type": "Discovery"}},
        }
        self.admin.create(
            self._object(API, "TokenProvider", self.provider, space=False) | {"spec": spec}
        )
        self.users = {user: self._user(*user) for user in USERS}

    def close(self) -> None:
        # Where no controllers act, an ending namespace keeps what is in it.
        self.admin.delete_all("TokenCheck", self.namespace)
        self.admin.delete("Namespace", self.namespace)
        self.admin.delete("TokenProvider", self.provider)
        self.admin.delete("ClusterRole", self.provider)
        self.admin.delete("ClusterRoleBinding", self.provider)

    def name_of(self, right: str, use: bool) -> str:
        return f"{right}-{'use' if use else 'no-use'}"

    def user_name(self, right: str, use: bool) -> str:
        return f"system:serviceaccount:{self.namespace}:{self.name_of(right, use)}"

    def _user(self, right: str, use: bool) -> Api:
        name = self.name_of(right, use)
        self.admin.create(self._object("v1", "ServiceAccount", name))
        verbs = ["get", "create", "update", "patch"]
        own = ["tokenchecks", "tokenchecks/status"]
        rules = [{"apiGroups": ["tokencheck.dev"], "resources": own, "verbs": verbs}]
        one = {"resources": ["secrets"], "resourceNames": ["payments"], "verbs": ["get"]}
        keys = {"resources": ["configmaps"], "resourceNames": ["issuer"], "verbs": ["get"]}
        more = {
            "secret": [one],
            "keys": [one, keys],
            "secrets": [{"resources": ["secrets"], "verbs": ["get"]}],
            "pods": [{"resources": ["pods"], "verbs": ["create"]}],
        }
        rules += [{"apiGroups": [""], **rule} for rule in more.get(right, ())]
        self.grant(name, rules, name)
        if use:
            rule = {"resources": ["tokenproviders"], "resourceNames": [self.provider]}
            rule |= {"apiGroups": ["tokencheck.dev"], "verbs": ["use"]}
            everybody = [self.name_of(one, True) for one in RIGHTS]
            self.grant(self.provider, [rule], *everybody, cluster=True)
        token = self.plane.token_for_service_account(self.namespace, name)
        return self.plane.api_for_token(token)

    def grant(self, name: str, rules: list[Object], *accounts: str, cluster: bool = False) -> None:
        kind = "ClusterRole" if cluster else "Role"
        subjects = [
            {"kind": "ServiceAccount", "name": one, "namespace": self.namespace} for one in accounts
        ]
        role = self._object(RBAC, kind, name, space=not cluster) | {"rules": rules}
        binding = self._object(RBAC, f"{kind}Binding", name, space=not cluster)
        binding |= {"subjects": subjects}
        binding |= {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
        }
        self.admin.apply(role)
        self.admin.apply(binding)

    def _object(self, version: str, kind: str, name: str, *, space: bool = True) -> Object:
        meta = {"name": name} | ({"namespace": self.namespace} if space else {})
        return {"apiVersion": version, "kind": kind, "metadata": meta}

    def check(self, spec: Object, name: str = "", **meta: Any) -> Object:
        made = self._object(API, "TokenCheck", name or f"check-{secrets.token_hex(4)}")
        made["metadata"] |= meta
        # The placeholder of needs.yaml.
        text = yaml.safe_dump(spec).replace("PROVIDER", self.provider)
        return made | {"spec": yaml.safe_load(text)}

    def harmless(self) -> Object:
        """A TokenCheck that the admin made."""
        return self.admin.create(self.check(HARMLESS))


@contextmanager
def world_of(plane: ControlPlane) -> Iterator[World]:
    """All users are there, and the authorizer knows of every grant."""
    made = World(plane)
    settle(made)
    yield made
    made.close()


def settle(world: World) -> None:
    """RBAC has told the authorizer of every grant."""
    asked = [({"verb": "create", "group": "tokencheck.dev", "resource": "tokenchecks"}, RIGHTS)]
    asked += [
        ({"verb": "get", "resource": "secrets", "name": "payments"}, ("secret", "keys", "secrets")),
        ({"verb": "get", "resource": "configmaps", "name": "issuer"}, ("keys",)),
        ({"verb": "create", "resource": "pods"}, ("pods",)),
    ]
    for right, use in USERS:
        for attributes, rights in asked:
            if right in rights:
                reviewed(
                    world, world.user_name(right, use), attributes | {"namespace": world.namespace}
                )
        if use:
            attributes = {"verb": "use", "group": "tokencheck.dev", "resource": "tokenproviders"}
            reviewed(world, world.user_name(right, use), attributes | {"name": world.provider})


def reviewed(world: World, user: str, attributes: Object, *, allowed: bool = True) -> None:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {"user": user, "resourceAttributes": attributes},
    }
    deadline = time.monotonic() + 30
    while world.admin.create(review)["status"]["allowed"] is not allowed:
        assert time.monotonic() < deadline, (user, attributes)
        time.sleep(0.02)


def refusal(write: Callable[[], object]) -> str:
    """The message of a refusal by a policy of ours; "" when the write was done."""
    try:
        write()
    except ApiError as error:
        status = error.status
    else:
        return ""
    assert "ValidatingAdmissionPolicy 'tokencheck-" in status["message"], status
    return status["message"]


def refused_bytes(write: Callable[[], object]) -> Object:
    with pytest.raises(ApiError) as error:
        write()
    return error.value.status


def token(number: int, **more: Any) -> Object:
    return {"name": f"t{number}", "secretKeyRef": {"name": "payments", "key": "token"}} | more
