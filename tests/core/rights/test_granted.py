"""What RBAC grants: the real API server judges the same in tests/cluster/test_granted.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from core.rights.rbac import APP, rbac
from tokencheck.api.tokencheck import Requester
from tokencheck.core.rights.granted import MAX_RIGHTS, allows, granted_to
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


@pytest.mark.parametrize("row", ROWS, ids=[row["says"] for row in ROWS])
def test_rbac_allows_what_the_table_says(row: dict[str, Any]) -> None:
    granted = granted_to(APP, rbac(*row["grants"]))
    assert granted is not None
    assert [one for one in row["may"] if not allows(granted, right(one))] == []
    assert [one for one in row.get("may_not", ()) if allows(granted, right(one))] == []


def test_who_the_api_server_lets_do_everything_may_everything() -> None:
    user = Requester(name="root", groups=("system:masters",))
    granted = granted_to(user, rbac())
    assert granted is not None
    assert allows(granted, right("delete core nodes name=a"))


def test_a_role_that_is_gone_grants_nothing() -> None:
    app = Subject(kind="ServiceAccount", name="app", namespace="shop")
    bound = {app: (Bound(namespace="shop", role=("shop", "gone")),)}
    assert granted_to(APP, Rbac(bound=bound, rules={})) == {}


def test_more_rights_than_can_be_compared_are_not_known() -> None:
    many = ",".join(f"r{number}" for number in range(MAX_RIGHTS // 4))
    assert granted_to(APP, rbac({"rules": [f"get,list a,b {many}"]})) is not None
    assert granted_to(APP, rbac({"rules": [f"get,list a,b {many},more"]})) is None
    # The same rule by two ways is one.
    twice = {"rules": [f"get,list a,b {many}"]}
    assert granted_to(APP, rbac(twice, twice | {"to": "Group system:authenticated"})) is not None
