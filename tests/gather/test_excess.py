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
from tokencheck.model.rbac import Rbac, Unseen
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
    "clusterroles": False,
    "securitycontextconstraints": False,
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
    """What RBAC grants, and where resources are; nobody may do what he is asked about.

    Discovery of the groups that are `silent` does not answer.
    """

    granted: Rbac | Unseen
    silent: tuple[str, ...] = ()
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def rbac(self, now: datetime, good_for: timedelta) -> Rbac | Unseen:
        assert (now, good_for) == (NOW, INTERVAL)
        return self.granted

    async def allowed(
        self, requester: Requester, right: Right, now: datetime
    ) -> tuple[bool | None, datetime]:
        return False, now

    async def namespaced(self, group: str, resource: str) -> bool | None:
        self.asked.append((group, resource))
        return None if group in self.silent else PLACES.get(resource)

    async def lists(self, group: str) -> bool:
        return group not in self.silent


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


@pytest.mark.parametrize("why", [Unseen.DENIED, Unseen.UNANSWERED, Unseen.TOO_MUCH])
def test_what_cannot_be_read_is_not_known_and_why_is(why: Unseen) -> None:
    found = found_of(Cluster(why), Scopes(allowed=("get:pods",)))
    assert (found.excess, found.unseen) == (None, why)


def test_more_than_can_be_compared_is_excess_as_far_as_it_was() -> None:
    many = ",".join(f"r{number}" for number in range(MAX_RIGHTS + 1))
    excess = found_of(
        Cluster(rbac({"rules": [f"get a {many}"]})), Scopes(allowed=("get:pods",))
    ).excess
    assert excess is not None
    assert (excess.count, excess.at_least) == (MAX_RIGHTS, True)


def test_excess_that_was_read_a_while_ago_says_when() -> None:
    granted = replace(rbac({"in": "shop", "rules": ["get core pods"]}), as_of=NOW)
    excess = found_of(Cluster(granted), Scopes(allowed=("get:pods",))).excess
    assert excess == Excess(scopes=(), count=0, as_of=NOW)


def test_where_discovery_does_not_answer_nothing_is_allowed_everywhere() -> None:
    cluster = Cluster(rbac({"rules": ["get example.com things"]}), silent=("example.com",))
    found = found_of(cluster, Scopes(allowed=("get:things.example.com",)))
    assert (found.excess, found.unseen) == (None, Unseen.UNPLACED)
    # What says where it is meant needs no discovery.
    found = found_of(cluster, Scopes(allowed=("get:things.example.com@shop",)))
    assert found.excess == Excess(scopes=("get:things.example.com@*",), count=1)
    found = found_of(cluster, Scopes(allowed=("get:things.example.com@*",)))
    assert found.excess == NONE


def test_what_is_allowed_in_another_form_is_told() -> None:
    found = found_of(Cluster(rbac()), Scopes(required=("GET:a",), allowed=("get:pods", "GET:pods")))
    assert found.formless == ("GET:a", "GET:pods")
    assert found.said == {"GET:a": None}


def test_of_many_resources_discovery_is_always_asked_about_the_same() -> None:
    many = [f"r{number:04}" for number in range(1500)]
    cluster = Cluster(rbac({"in": "shop", "rules": [f"get a {','.join(reversed(many))}"]}))
    found_of(cluster, Scopes(allowed=("*:*.b",)))
    assert cluster.asked == [("a", plural) for plural in many[:1000]]


def test_a_role_of_many_groups_does_not_have_discovery_asked_about_all() -> None:
    many = ",".join(f"g{number}" for number in range(1000))
    cluster = Cluster(rbac({"in": "shop", "rules": [f"get {many} things"]}))
    found = found_of(cluster, Scopes(allowed=("get:pods",)))
    assert found.excess is not None
    assert found.excess.count == 1000
    assert len(found.excess.scopes) == MAX_TOLD
    assert len(cluster.asked) < 40


SOON = NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("granted", "scopes", "again_at"),
    [
        (rbac(), Scopes(allowed=("get:pods",)), NOW + INTERVAL),
        # What may be readable by then is tried again, however long the interval is.
        (Unseen.UNANSWERED, Scopes(allowed=("get:pods",)), SOON),
        (Unseen.DENIED, Scopes(required=("get:pods",)), SOON),
        (Unseen.TOO_MUCH, Scopes(required=("get:pods",)), SOON),
        # Nobody wants to know.
        (Unseen.UNANSWERED, Scopes(forbidden=("get:pods",)), NOW + INTERVAL),
    ],
)
def test_excess_is_read_again_after_an_interval_and_soon_where_it_is_not_known(
    granted: Rbac | Unseen, scopes: Scopes, again_at: datetime
) -> None:
    found = found_of(Cluster(granted), scopes)
    evidence = replace(token_of(APP, Scopes()), permissions=found)
    token = TokenAssessment(evidence=evidence, verdict=Verdict.VALID, findings=())
    assessment = Assessment(verdict=Verdict.VALID, tokens=(token,), findings=(), test_findings=())
    assert permissions_again_at(CHECK, assessment, NOW) == again_at
