"""What the owner of a token may do beyond what its TokenCheck names."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.rights.rbac import APP, rbac
from tokencheck.api.tokencheck import Requester, Scopes, SecretKeyRef, Spec, TokenCheck, TokenSpec
from tokencheck.core.rights.excess import MAX_TOLD
from tokencheck.core.rights.granted import MAX_RIGHTS
from tokencheck.core.rights.permission import permission_of
from tokencheck.gather.permissions import permissions_again_at, with_permissions
from tokencheck.model.activity import Activity, ActivityState, Answer
from tokencheck.model.assessment import Assessment, TokenAssessment
from tokencheck.model.evidence import Absent, Excess, Permissions, TokenEvidence
from tokencheck.model.finding import Verdict
from tokencheck.model.rbac import Rbac
from tokencheck.model.rights import Right
from tokencheck.model.trust import Trust

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ROWS = yaml.safe_load((Path(__file__).parent / "excess.yaml").read_text())
NONE = Excess(scopes=(), count=0)
INTERVAL = timedelta(minutes=10)
PLACES = {
    "pods": True,
    "secrets": True,
    "configmaps": True,
    "jobs": True,
    "deployments": True,
    "nodes": False,
    "namespaces": False,
}
CHECK = TokenCheck(
    namespace="shop",
    name="app",
    uid="u",
    generation=1,
    resource_version="1",
    spec=Spec(interval=INTERVAL),
)


@dataclass
class Cluster:
    """What RBAC grants, and where resources are; nobody may do what he is asked about."""

    granted: Rbac | None
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def rbac(self, now: datetime, good_for: timedelta) -> Rbac | None:
        assert (now, good_for) == (NOW, INTERVAL)
        return self.granted

    async def allowed(
        self, requester: Requester, right: Right, now: datetime
    ) -> tuple[bool | None, datetime]:
        return False, now

    async def namespaced(self, group: str, resource: str) -> bool | None:
        self.asked.append((group, resource))
        return PLACES.get(resource)


def token_of(user: Requester, scopes: Scopes) -> TokenEvidence:
    return TokenEvidence(
        spec=TokenSpec(name="a", source=SecretKeyRef(name="app", key="token"), scopes=scopes),
        source="",
        holding=Absent(what=""),
        trust=Trust(by_permission=True),
        activity=Activity(
            provider="own", state=ActivityState.KNOWN, answer=Answer(active=True, user=user)
        ),
    )


def found_of(cluster: Cluster, scopes: Scopes, user: Requester = APP) -> Permissions:
    ports = {"permissions": cluster, "extents": cluster, "policies": cluster}
    sources: Any = type("Sources", (), ports)()
    token = asyncio.run(with_permissions(CHECK, token_of(user, scopes), sources, NOW))
    assert token.permissions is not None
    return token.permissions


@pytest.mark.parametrize("row", ROWS, ids=[row["says"] for row in ROWS])
def test_excess_is_what_is_granted_and_not_named(row: dict[str, Any]) -> None:
    user = replace(APP, groups=(*APP.groups, *row.get("groups", ())))
    first, *rest = row["named"]
    scopes = Scopes(required=(first,), allowed=tuple(rest))
    found = found_of(Cluster(rbac(*row["grants"])), scopes, user)
    assert found.excess == Excess(scopes=tuple(row["excess"]), count=len(row["excess"]))


@pytest.mark.parametrize("row", ROWS, ids=[row["says"] for row in ROWS])
def test_excess_that_is_allowed_is_none(row: dict[str, Any]) -> None:
    user = replace(APP, groups=(*APP.groups, *row.get("groups", ())))
    told = [scope.partition(" ")[0] for scope in row["excess"]]
    assert all(permission_of(scope) for scope in told)
    scopes = Scopes(allowed=(*row["named"], *told))
    assert found_of(Cluster(rbac(*row["grants"])), scopes, user).excess == NONE


def test_a_spec_that_only_forbids_says_nothing_of_the_rest() -> None:
    everything = rbac({"rules": ["* * *"]})
    assert found_of(Cluster(everything), Scopes(forbidden=("get:nodes",))).excess is None


def test_what_cannot_be_read_or_compared_is_not_known() -> None:
    named = Scopes(allowed=("get:pods",))
    assert found_of(Cluster(None), named).excess is None
    many = ",".join(f"r{number}" for number in range(MAX_RIGHTS + 1))
    assert found_of(Cluster(rbac({"rules": [f"get a {many}"]})), named).excess is None


def test_a_role_of_many_groups_does_not_have_discovery_asked_about_all() -> None:
    many = ",".join(f"g{number}" for number in range(1000))
    cluster = Cluster(rbac({"in": "shop", "rules": [f"get {many} things"]}))
    found = found_of(cluster, Scopes(allowed=("get:pods",)))
    assert found.excess is not None
    assert found.excess.count == 1000
    assert len(found.excess.scopes) == MAX_TOLD
    assert len(cluster.asked) < 40


def test_excess_is_read_again_after_an_interval_though_nothing_is_asked() -> None:
    for granted, again_at in ((rbac(), NOW + INTERVAL), (None, None)):
        found = found_of(Cluster(granted), Scopes(allowed=("get:pods",)))
        evidence = replace(token_of(APP, Scopes()), permissions=found)
        token = TokenAssessment(evidence=evidence, verdict=Verdict.VALID, findings=())
        assessment = Assessment(
            verdict=Verdict.VALID, tokens=(token,), findings=(), test_findings=()
        )
        assert permissions_again_at(CHECK, assessment, NOW) == again_at
