"""Where the API server is asked whether a token's owner may do something, and where it is not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from tokencheck.api.tokencheck import Requester, Scopes, SecretKeyRef, Spec, TokenCheck, TokenSpec
from tokencheck.gather.permissions import with_permissions
from tokencheck.model.activity import Activity, ActivityState, Answer
from tokencheck.model.evidence import Absent, Permissions, TokenEvidence
from tokencheck.model.rights import Right
from tokencheck.model.trust import Trust

NOW = datetime(2026, 7, 1, tzinfo=UTC)
OWNER = Requester(name="system:serviceaccount:shop:app")
PLACES = {
    ("", "pods"): True,
    ("", "nodes"): False,
    ("", "namespaces"): False,
    ("rbac", "clusterroles"): False,
    ("security", "constraints"): False,
}
CHECK = TokenCheck(
    namespace="shop", name="app", uid="u", generation=1, resource_version="1", spec=Spec()
)


@dataclass
class Cluster:
    """Owners may do all in namespace ``shop``, by a RoleBinding there, and nothing elsewhere."""

    asked: list[Right] = field(default_factory=list)

    async def allowed(
        self, requester: Requester, right: Right, now: datetime
    ) -> tuple[bool | None, datetime]:
        assert requester == OWNER
        self.asked.append(right)
        return right.namespace == "shop", now

    async def namespaced(self, group: str, resource: str) -> bool | None:
        return PLACES.get((group, resource))

    async def lists(self, group: str) -> bool:
        return True


def found_of(*scopes: str, extents: bool = True) -> tuple[Permissions, list[Right]]:
    cluster = Cluster()
    token = TokenEvidence(
        spec=TokenSpec(
            name="a",
            source=SecretKeyRef(name="app", key="token"),
            scopes=Scopes(required=scopes[:1], forbidden=scopes[1:]),
        ),
        source="",
        holding=Absent(what=""),
        trust=Trust(by_permission=True),
        activity=Activity(
            provider="own",
            state=ActivityState.KNOWN,
            answer=Answer(active=True, user=OWNER),
        ),
    )
    ports = {
        "permissions": cluster,
        "extents": cluster if extents else None,
        "policies": None,
    }
    sources = type("Sources", (), ports)()
    found = asyncio.run(with_permissions(CHECK, token, sources, NOW)).permissions
    assert found is not None
    return found, cluster.asked


@pytest.mark.parametrize(
    ("scope", "may"),
    [
        ("get:pods", True),
        ("get:pods/log", True),
        ("*:pods/*", True),
        ("get:nodes", False),
        ("get:nodes/proxy", False),
        ("create:clusterroles.rbac", False),
        # All resources are those of the cluster too.
        ("*:*.*", False),
        ("get:*", False),
        ("get:pods.*", False),
    ],
)
def test_a_role_binding_gives_nothing_of_the_cluster_s(scope: str, may: bool) -> None:
    found, asked = found_of(scope)
    assert found == Permissions(said={scope: may})
    (right,) = asked
    assert right.namespace == ("shop" if may else "")


@pytest.mark.parametrize(
    ("scope", "namespace"),
    [
        ("get:pods", "shop"),
        ("get:pods@billing", "billing"),
        ("get:pods@*", ""),
        ("*:*.*@billing", "billing"),
        ("*:*.*@*", ""),
        # A Namespace is the cluster's, and RBAC takes one as in itself.
        ("get:nodes@*", ""),
        ("get:namespaces", ""),
        ("get:namespaces@billing", "billing"),
        # Whoever made a verb up asks about it where he likes.
        ("bind:clusterroles.rbac@shop", "shop"),
        ("use:constraints.security@shop", "shop"),
        ("*:nodes@shop", "shop"),
        ("bind:clusterroles.rbac", ""),
    ],
)
def test_a_scope_is_asked_about_where_it_says(scope: str, namespace: str) -> None:
    found, (right,) = found_of(scope)
    assert found == Permissions(said={scope: namespace == "shop"})
    assert right.namespace == namespace


def test_nobody_is_asked_about_a_request_in_a_namespace_for_what_is_in_none() -> None:
    found, asked = found_of("get:nodes@shop", "create:clusterroles.rbac@billing", "get:pods")
    there = ("get:nodes@shop", "create:clusterroles.rbac@billing")
    assert found.misplaced == there
    assert found.said == {**dict.fromkeys(there), "get:pods": True}
    assert [right.resource for right in asked] == ["pods"]


def test_where_nobody_says_where_a_resource_is_nothing_is_asked_or_known() -> None:
    unserved, there = "create:deployments", "create:deployments@billing"
    found, asked = found_of(unserved, there, "get:pods", "payments:")
    assert found.said == {unserved: None, there: None, "get:pods": True, "payments:": None}
    assert found.unlisted == (unserved, there)
    assert found.formless == ("payments:",)
    assert [right.resource for right in asked] == ["pods"]


def test_without_discovery_only_all_resources_can_be_asked_about() -> None:
    found, _ = found_of("get:pods", "*:*.*", extents=False)
    assert found.said == {"get:pods": None, "*:*.*": False}
