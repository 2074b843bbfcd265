"""Roles and bindings, written short: what the tests of RBAC are tables of."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tokencheck.api.tokencheck import Requester
from tokencheck.model.rbac import Bound, Place, Rbac, Rule, Subject

APP = Requester(
    name="system:serviceaccount:shop:app",
    groups=("system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"),
)


def rule(text: str) -> Rule:
    """``get,list apps,batch deployments,jobs names=a,b``; a group ``core`` is the core group."""
    verbs, groups, resources, *names = text.split()
    return Rule(
        verbs=tuple(verbs.split(",")),
        groups=tuple("" if one == "core" else one for one in groups.split(",")),
        resources=tuple(resources.split(",")),
        names=tuple(names[0].removeprefix("names=").split(",")) if names else (),
    )


def rbac(*grants: dict[str, Any]) -> Rbac:
    """Each with `to` (``User ann``, ``ServiceAccount shop/app``), `in` (namespace), `rules`."""
    bound: defaultdict[Subject, list[Bound]] = defaultdict(list)
    rules: dict[Place, tuple[Rule, ...]] = {}
    for number, grant in enumerate(grants):
        kind, name = grant.get("to", "ServiceAccount shop/app").split(" ", 1)
        namespace, _, own = name.rpartition("/") if kind == "ServiceAccount" else ("", "", name)
        role = ("", str(number))
        subject = Subject(kind=kind, name=own, namespace=namespace)
        bound[subject].append(Bound(namespace=grant.get("in", ""), role=role))
        rules[role] = tuple(map(rule, grant["rules"]))
    return Rbac(bound={who: tuple(what) for who, what in bound.items()}, rules=rules)
