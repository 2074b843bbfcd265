"""What RBAC grants is computed as the API server decides it: it judges random roles and bindings.

Nothing is told to the core but what it reads itself, and every answer is a SubjectAccessReview.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, TypeAlias

import pytest

from controlplane import Api, ControlPlane
from tokencheck.api.tokencheck import Requester
from tokencheck.clients.kube.extents import Extents
from tokencheck.clients.kube.rbac import RbacReader
from tokencheck.clients.kube.reviews import review_of_user
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.rights.excess import EVERYBODY, beyond, excess_told
from tokencheck.core.rights.granted import ALL, Granted, allows, granted_to, verbs_of
from tokencheck.core.rights.permission import permission_of
from tokencheck.core.tokens.formats import finished
from tokencheck.model.rbac import Rbac
from tokencheck.model.rights import Right

Object: TypeAlias = dict[str, Any]
API = "rbac.authorization.k8s.io"
NOW = datetime(2026, 7, 1, tzinfo=UTC)
OF_REQUESTS = ["get", "list", "create"]
VERBS = [*OF_REQUESTS, "impersonate", "bind"]
GROUPS = ["", "apps", "rbac.authorization.k8s.io"]
RESOURCES = ["pods", "pods/log", "deployments", "deployments/scale", "nodes", "users", "secrets"]
RESOURCES += ["clusterroles", "nodes/proxy", "namespaces"]
WILD = ["*", "*/scale", "*/log", "pods/*", "*/*"]
NAMES = ["a", "b", "c"]
ROLES, BINDINGS, REQUESTS = 8, 24, 250
ROUNDS = int(os.environ.get("TOKENCHECK_RBAC_ROUNDS", "4"))


class Cluster:
    """Random roles of all kinds, bound to the users of two namespaces, to groups, and to others."""

    def __init__(self, api: Api, seed: int) -> None:
        self.api = api
        self.dice = random.Random(seed)  # noqa: S311 - it makes no secret
        self.id = secrets.token_hex(3)
        self.namespaces = [f"rbac-{letter}-{self.id}" for letter in "ab"]
        self.users = [*map(self._account, self.namespaces), self._person("ann", "staff")]
        self.users.append(self._person("ben"))
        self.users.append(Requester(name="root", groups=("system:masters",)))
        self.made = 0

    def _account(self, namespace: str) -> Requester:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        name = f"system:serviceaccount:{namespace}:app"
        return Requester(name=name, groups=(*groups, "system:authenticated"))

    def _person(self, name: str, *groups: str) -> Requester:
        own = tuple(f"{group}-{self.id}" for group in groups)
        return Requester(name=f"{name}-{self.id}", groups=(*own, "system:authenticated"))

    def build(self) -> None:
        for name in self.namespaces:
            self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for number in range(ROLES):
            self._role("ClusterRole", "", f"r{number}-{self.id}")
            for namespace in self.namespaces:
                self._role("Role", namespace, f"r{number}-{self.id}")
        for _ in range(BINDINGS):
            self._bind(self.dice.choice(["", *self.namespaces]))

    async def settle(self, transport: Transport) -> None:
        """The authorizer knows of all: of each kind it hears in order, and these come last."""
        last = Requester(name=f"last-{self.id}")
        subject = {"apiGroup": API, "kind": "User", "name": last.name}
        for namespace in ("", self.namespaces[0]):
            kind = "Role" if namespace else "ClusterRole"
            rule = {"verbs": ["watch"], "apiGroups": [""], "resources": [kind.lower()]}
            self._put(kind, namespace, f"last-{self.id}", rules=[rule])
            ref = {"apiGroup": API, "kind": kind, "name": f"last-{self.id}"}
            self._put(
                f"{kind}Binding", namespace, f"last-{self.id}", roleRef=ref, subjects=[subject]
            )
            right = Right(verb="watch", group="", resource=kind.lower(), namespace=namespace)
            for _ in range(1000):
                if (await review_of_user(transport, right, last)).allowed:
                    break
                await asyncio.sleep(0.05)
            else:
                raise TimeoutError(kind)

    def tear_down(self) -> None:
        for kind in ("ClusterRoleBinding", "ClusterRole"):
            for found in self.api.list(kind):
                if found["metadata"]["name"].endswith(self.id):
                    self.api.delete(kind, found["metadata"]["name"])
        for kind in ("RoleBinding", "Role"):
            for namespace in self.namespaces:
                self.api.delete_all(kind, namespace)

    def request(self) -> Right:
        dice = self.dice
        return Right(
            verb=dice.choice([*VERBS, "*"]),
            group=dice.choice([*GROUPS, "*"]),
            resource=dice.choice([*RESOURCES, *WILD]),
            namespace=dice.choice(["", *self.namespaces]),
            name=dice.choice(["", *NAMES]),
        )

    def near(self, granted: list[Right]) -> Right:
        """What a user may, or that but for one thing."""
        right, other = self.dice.choice(granted), self.request()
        field = self.dice.choice(["verb", "group", "resource", "namespace", "name", ""])
        return replace(right, **{field: getattr(other, field)}) if field else right

    def _role(self, kind: str, namespace: str, name: str) -> None:
        rules = [self._rule() for _ in range(self.dice.randint(0, 3))]
        if kind == "ClusterRole" and self.dice.random() < 0.3:
            rules.append({"verbs": ["get"], "nonResourceURLs": ["*"]})
        self._put(kind, namespace, name, rules=rules)

    def _rule(self) -> Object:
        def some(of: list[str], wild: list[str], chance: float) -> list[str]:
            found = self.dice.sample(of, self.dice.randint(1, 3))
            return [*found, self.dice.choice(wild)] if self.dice.random() < chance else found

        rule = {
            "verbs": some(VERBS, ["*"], 0.1),
            "apiGroups": some(GROUPS, ["*"], 0.1),
            "resources": some(RESOURCES, WILD, 0.2),
        }
        return rule | ({"resourceNames": some(NAMES, NAMES, 0)} if self.dice.random() < 0.3 else {})

    def _bind(self, namespace: str) -> None:
        self.made += 1
        kinds = ["ClusterRole"] if not namespace else ["ClusterRole", "Role"]
        role = f"r{self.dice.randint(0, ROLES)}-{self.id}"  # the last one does not exist
        ref = {"apiGroup": API, "kind": self.dice.choice(kinds), "name": role}
        subjects = [self._subject(namespace) for _ in range(self.dice.randint(0, 2))]
        kind = "RoleBinding" if namespace else "ClusterRoleBinding"
        self._put(kind, namespace, f"b{self.made}-{self.id}", roleRef=ref, subjects=subjects)

    def _subject(self, namespace: str) -> Object:
        here, there = self.namespaces
        user = self.dice.choice(self.users[:4])
        group = self.dice.choice([f"system:serviceaccounts:{here}", f"staff-{self.id}", user.name])
        account = {"kind": "ServiceAccount", "name": self.dice.choice(["app", "other"])}
        own = {} if namespace and self.dice.random() < 0.5 else {"namespace": there}
        return self.dice.choice(
            [
                {"apiGroup": API, "kind": "User", "name": user.name},
                {"apiGroup": API, "kind": "User", "name": "app"},
                {"apiGroup": API, "kind": "Group", "name": group},
                account | own,
                account | {"namespace": here},
            ]
        )

    def _put(self, kind: str, namespace: str, name: str, **more: Any) -> None:
        metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
        self.api.create({"apiVersion": f"{API}/v1", "kind": kind, "metadata": metadata} | more)


@pytest.fixture
async def transport(bare_controlplane: ControlPlane) -> AsyncIterator[Transport]:
    made = await Transport.connect(kubeconfig=bare_controlplane.kubeconfig())
    yield made
    await made.close()


async def answers(
    transport: Transport, user: Requester, rights: Iterable[Right]
) -> dict[Right, bool]:
    every = list(dict.fromkeys(rights))
    found = await asyncio.gather(*(review_of_user(transport, right, user) for right in every))
    assert all(one.allowed is not None for one in found)
    return {one.right: bool(one.allowed) for one in found}


def each(granted: Granted) -> list[Right]:
    return [
        Right(
            verb=verb,
            group=target.group,
            resource=target.resource,
            namespace=target.namespace,
            name=target.name,
        )
        for target, verbs in granted.items()
        for verb in verbs
    ]


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_the_api_server_allows_what_is_computed_and_nothing_else(
    bare_controlplane: ControlPlane, transport: Transport, number: int
) -> None:
    seed = secrets.randbits(32)
    print(f"round {number}, seed {seed}")
    cluster = Cluster(bare_controlplane.api(), seed)
    try:
        cluster.build()
        await cluster.settle(transport)
        rbac = await RbacReader(transport).rbac(NOW, timedelta(minutes=1))
        assert isinstance(rbac, Rbac)
        extents, allowed = Extents(transport), 0
        for user in cluster.users:
            granted, whole = finished(granted_to(user, rbac))
            assert whole
            said = await answers(transport, user, each(granted))
            assert [right for right, may in said.items() if not may] == []
            asked = [cluster.request() for _ in range(REQUESTS // 2)]
            asked += [cluster.near(each(granted)) for _ in range(REQUESTS // 2) if granted]
            said = await answers(transport, user, asked)
            wrong = {right: may for right, may in said.items() if allows(granted, right) != may}
            assert wrong == {}
            named = [cluster.request() for _ in range(5)]
            may_do = [right for right, may in said.items() if may]
            assert await missed(granted, named, may_do, extents) == []
            allowed += sum(said.values())
        print(f"{allowed} of {len(cluster.users) * REQUESTS} requests are allowed")
        assert allowed > REQUESTS  # root alone has nearly as many
    finally:
        cluster.tear_down()


async def missed(
    granted: Granted, named: list[Right], may: list[Right], extents: Extents
) -> list[Right]:
    """Of what a user may, that which is neither named nor told as excess, in the words of a spec.

    No request is in a namespace for what is in none: such a right is no loss.
    """
    named = [right for right in named if "/*" not in right.resource and not right.name]
    found = finished(beyond(granted, named))
    kinds = {(target.group, target.plural) for _, target in found}
    kinds |= {(right.group, right.plural) for right in may}
    places = {kind: await extents.namespaced(*kind) for kind in kinds if ALL not in kind}
    told = excess_told(found, "", places, most=len(found))
    assert len(told.scopes) == told.count
    # Each says where it is meant, as no namespace is that of the spec.
    excess = [permission_of(scope.partition(" ")[0]) for scope in told.scopes]
    assert None not in excess
    both = verbs_of((*named, *filter(None, excess), *EVERYBODY))
    of_cluster = [kind for kind, namespaced in places.items() if namespaced is False]
    return [
        right
        for right in may
        if not allows(both, right)
        and not (right.verb in OF_REQUESTS and right.namespace and in_none(right, of_cluster))
    ]


def in_none(right: Right, of_cluster: list[tuple[str, str]]) -> bool:
    return (right.group, right.plural) in of_cluster and right.plural != "namespaces"


async def test_what_everybody_may_do_on_a_fresh_cluster_is_no_excess(
    own_controlplane: ControlPlane,
) -> None:
    transport = await Transport.connect(kubeconfig=own_controlplane.kubeconfig())
    try:
        rbac = await RbacReader(transport).rbac(NOW, timedelta(minutes=1))
        groups = ("system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated")
        user = Requester(name="system:serviceaccount:shop:new", groups=groups)
        assert isinstance(rbac, Rbac)
        granted, _ = finished(granted_to(user, rbac))
        assert granted
        assert finished(beyond(granted, [])) == {}
        for verb, group, resource in product(VERBS, GROUPS, RESOURCES):
            assert not allows(granted, Right(verb=verb, group=group, resource=resource))
    finally:
        await transport.close()
