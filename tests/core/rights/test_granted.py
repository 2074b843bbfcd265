"""What RBAC grants: the real API server judges the same in tests/cluster/test_granted.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from core.rights.rbac import APP, rbac
from tokencheck.api.tokencheck import Requester
from tokencheck.core.rights.granted import MAX_RIGHTS, MAX_WORDS, Grants, Target, allows, granted_to
from tokencheck.core.tokens.formats import finished
from tokencheck.model.rbac import Bound, Rbac, Subject
from tokencheck.model.rights import Right

ROWS = yaml.safe_load((Path(__file__).parent / "granted.yaml").read_text())


def right(text: str) -> Right:
    verb, group, resource, *rest = text.split()
    where = dict(one.split("=") for one in rest)
    return Right(
        verb=verb,
        group="" if group == "core" else group,
        resource=resource,
        namespace=where.get("in", ""),
        name=where.get("name", ""),
    )


def granted(of: Rbac, user: Requester = APP) -> Grants:
    return finished(granted_to(user, of))


@pytest.mark.parametrize("row", ROWS, ids=[row["says"] for row in ROWS])
def test_rbac_allows_what_the_table_says(row: dict[str, Any]) -> None:
    found, whole = granted(rbac(*row["grants"]))
    assert whole
    assert [one for one in row["may"] if not allows(found, right(one))] == []
    assert [one for one in row.get("may_not", ()) if allows(found, right(one))] == []


def test_who_the_api_server_lets_do_everything_may_everything() -> None:
    user = Requester(name="root", groups=("system:masters",))
    assert allows(granted(rbac(), user).granted, right("delete core nodes name=a"))


def test_a_role_that_is_gone_grants_nothing() -> None:
    app = Subject(kind="ServiceAccount", name="app", namespace="shop")
    bound = {app: (Bound(namespace="shop", role=("shop", "gone")),)}
    assert granted(Rbac(bound=bound, rules={})) == Grants({})


MANY = ",".join(f"r{number}" for number in range(MAX_RIGHTS // 4))


def test_of_more_rights_than_can_be_compared_there_are_as_many_as_can() -> None:
    assert granted(rbac({"rules": [f"get,list a,b {MANY}"]})).whole
    found, whole = granted(rbac({"rules": [f"get,list a,b {MANY},more", "get core pods"]}))
    assert not whole
    assert sum(map(len, found.values())) == MAX_RIGHTS
    # The same rule by two ways is one.
    twice = {"rules": [f"get,list a,b {MANY}"]}
    assert granted(rbac(twice, twice | {"to": "Group system:authenticated"})).whole


def test_who_may_everything_is_found_behind_any_number_of_rights() -> None:
    more = {"rules": [f"get,list a,b {MANY},more"]}
    everything = Target("*", "*", "", "")
    found = granted(rbac(more, {"rules": ["get,* *,core pods,*"]}))
    assert found == Grants({everything: frozenset({"*"})})
    found = granted(rbac(more, {"in": "shop", "rules": ["* * *"]}))
    assert not found.whole
    assert found.granted[everything._replace(namespace="shop")] == {"*"}
    # One verb on everything is not everything.
    assert granted(rbac({"rules": ["get * *", "list core pods"]})).granted == {
        everything: {"get"},
        Target("", "pods", "", ""): {"list"},
    }


def test_rules_are_looked_at_within_bounds_and_in_turns() -> None:
    large = {"rules": [f"get a {MANY}"]}
    many = [large | {"in": f"n{number}"} for number in range(2 * MAX_WORDS * 4 // MAX_RIGHTS)]
    turns = len(list(granted_to(APP, rbac(*many))))
    assert not granted(rbac(*many)).whole
    assert MAX_RIGHTS / 5_000 <= turns <= MAX_WORDS / 5_000
