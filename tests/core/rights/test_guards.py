"""Which policies and bindings count as those that the chart ships, whatever the installation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tokencheck.core.rights.bypass_policy import bypass_policy
from tokencheck.core.rights.guards import (
    Installation,
    cluster_policy,
    guard_binding,
    is_bound_everywhere,
    is_shipped_guard,
    is_shipped_stamping,
    provider_policy,
    stamp_policy,
    stamping_policy,
    status_policy,
)
from tokencheck.model.admission import Guard

OPERATOR = "system:serviceaccount:ops:tokencheck"
OTHER = "system:serviceaccount:shop:mallory"
KNOWN = Installation(operators=frozenset({OPERATOR}), stamps=True)
UNKNOWN = Installation(operators=frozenset(), stamps=True)
BELOW_1_36 = Installation(operators=frozenset({OPERATOR}), stamps=False)
SHIPPED: dict[Guard, dict[str, Any]] = {
    Guard.PROVIDER: provider_policy(),
    Guard.CLUSTER: cluster_policy(),
    Guard.STATUS: status_policy([OPERATOR, "admin"]),
    Guard.STAMP: stamp_policy(stamps=True, maker=OPERATOR),
    Guard.BYPASS: bypass_policy(),
}


@pytest.mark.parametrize("guard", Guard)
@pytest.mark.parametrize("known", [KNOWN, UNKNOWN], ids=["known", "unknown"])
def test_what_ships_is_known_whether_or_not_the_operator_is(
    guard: Guard, known: Installation
) -> None:
    assert is_shipped_guard(guard, SHIPPED[guard], known)
    assert is_shipped_stamping(stamping_policy(OPERATOR), known)
    assert is_shipped_stamping(stamping_policy(), known)


CHANGES: list[Callable[[dict[str, Any]], object]] = [
    lambda spec: spec.__setitem__("failurePolicy", "Ignore"),
    lambda spec: spec["matchConstraints"].__setitem__("namespaceSelector", {"matchLabels": {}}),
    lambda spec: spec["matchConstraints"]["resourceRules"][0]["operations"].remove("UPDATE"),
    lambda spec: spec["validations"][0].__setitem__("expression", "true"),
    lambda spec: spec.__setitem__("matchConditions", [{"name": "a", "expression": "false"}]),
    lambda spec: spec.pop("validations"),
    lambda spec: spec["validations"].pop(),
]


@pytest.mark.parametrize("guard", Guard)
@pytest.mark.parametrize("change", range(len(CHANGES)))
def test_whatever_is_changed_it_is_not_the_one_that_ships(guard: Guard, change: int) -> None:
    again = {
        Guard.PROVIDER: provider_policy,
        Guard.CLUSTER: cluster_policy,
        Guard.STATUS: lambda: status_policy([OPERATOR]),
        Guard.STAMP: lambda: stamp_policy(stamps=True),
        Guard.BYPASS: bypass_policy,
    }[guard]()
    CHANGES[change](again["spec"])
    assert not is_shipped_guard(guard, again, UNKNOWN)


@pytest.mark.parametrize(
    ("guard", "installed", "known", "ours"),
    [
        (Guard.STATUS, status_policy([OTHER]), KNOWN, False),
        (Guard.STATUS, status_policy([OTHER]), UNKNOWN, True),
        (Guard.STATUS, status_policy([OPERATOR, "<a> & b: c"]), KNOWN, True),
        (Guard.STAMP, stamp_policy(stamps=True, maker=OTHER), KNOWN, False),
        (Guard.STAMP, stamp_policy(stamps=True, maker=OTHER), UNKNOWN, True),
        # A user of a person is no operator that makes TokenChecks.
        (Guard.STAMP, stamp_policy(stamps=True, maker="mallory"), UNKNOWN, False),
        # Where it must be written who asked, it does not do that nobody writes it.
        (Guard.STAMP, stamp_policy(stamps=False), KNOWN, False),
        (Guard.STAMP, stamp_policy(stamps=False), BELOW_1_36, True),
        (Guard.STAMP, stamp_policy(stamps=True), BELOW_1_36, False),
        (Guard.STATUS, {}, KNOWN, False),
    ],
)
def test_what_the_policies_name_must_fit_the_installation(
    guard: Guard, installed: dict[str, Any], known: Installation, ours: bool
) -> None:
    assert is_shipped_guard(guard, installed, known) is ours


WRITTEN = [
    "['system:serviceaccount:ops:tokencheck']",
    "[]",
    '[1,"a"]',
    '[["a"]]',
    "[request.userInfo.username]",
    "['a'].map(x, x + ']')[0:]",
    "[NaN]",
]


@pytest.mark.parametrize("known", [KNOWN, UNKNOWN], ids=["known", "unknown"])
@pytest.mark.parametrize("writers", WRITTEN)
def test_whatever_stands_in_the_place_of_the_writers_it_is_another_policy(
    writers: str, known: Installation
) -> None:
    altered = status_policy([OPERATOR])
    rule = altered["spec"]["validations"][0]
    rule["expression"] = f"request.userInfo.username in {writers}"
    assert not is_shipped_guard(Guard.STATUS, altered, known)


def test_what_kubectl_keeps_of_an_earlier_operator_is_not_taken_for_the_one_of_now() -> None:
    kept = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(stamping_policy(OTHER))}
    stamp, stamping = stamp_policy(stamps=True, maker=OPERATOR), stamping_policy(OPERATOR)
    for policy in (stamp, stamping):
        policy["metadata"]["annotations"] = kept
    assert is_shipped_guard(Guard.STAMP, stamp, UNKNOWN)
    assert is_shipped_stamping(stamping, UNKNOWN)


@pytest.mark.parametrize(
    ("spec", "bound"),
    [
        (guard_binding(Guard.STATUS)["spec"], True),
        ({"policyName": "tokencheck-status"}, True),
        ({"policyName": "tokencheck-status", "validationActions": ["Deny", "Audit"]}, True),
        ({"policyName": "tokencheck-status", "validationActions": ["Audit"]}, False),
        ({"policyName": "tokencheck-stamp", "validationActions": ["Deny"]}, False),
        ({"policyName": "tokencheck-status", "validationActions": ["Deny"],
          "matchResources": {"namespaceSelector": {}}}, False),
        ({}, False),
    ],
)  # fmt: skip
def test_a_binding_that_may_leave_something_out_is_none(spec: dict[str, Any], bound: bool) -> None:
    assert is_bound_everywhere({"spec": spec}, Guard.STATUS) is bound
