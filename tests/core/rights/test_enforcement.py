"""What the answer to a probe proves, and what of an installed binding is ours."""

from __future__ import annotations

import copy

import pytest

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.core.rights.asked import asked_of
from tokencheck.core.rights.bypass_policy import bypass_policy
from tokencheck.core.rights.enforcement import (
    enforcement_of,
    is_shipped_binding,
    is_shipped_policy,
)
from tokencheck.core.rights.guards import (
    Installation,
    guard_binding,
    is_bound_everywhere,
    is_shipped_guard,
)
from tokencheck.core.rights.policy import PROBE_REFUSAL, requester_binding, requester_policy
from tokencheck.model.admission import REQUESTER_POLICY, Enforcement, Guard

ANYBODY = Installation(operators=frozenset(), stamps=True)

HEAD = 'tokenchecks.tokencheck.dev "p" is forbidden: '
OURS = (
    f"{HEAD}ValidatingAdmissionPolicy '{REQUESTER_POLICY}' with binding '{REQUESTER_POLICY}'"
    " denied request: "
)


@pytest.mark.parametrize(
    ("status", "message", "shipped", "expected"),
    [
        (403, OURS + PROBE_REFUSAL, True, Enforcement.PROVEN),
        (403, OURS + PROBE_REFUSAL, False, Enforcement.ALTERED),
        (403, OURS + PROBE_REFUSAL, None, Enforcement.UNKNOWN),
        (201, "", True, Enforcement.ADMITTED),
        (200, "", None, Enforcement.ADMITTED),
        (403, f'{HEAD}User "a" cannot patch resource', True, Enforcement.UNKNOWN),
        (403, OURS.replace(REQUESTER_POLICY, "other") + PROBE_REFUSAL, True, Enforcement.UNKNOWN),
        (403, OURS + "expression resulted in error", True, Enforcement.UNKNOWN),
        (404, "", True, Enforcement.UNKNOWN),
        (500, OURS + PROBE_REFUSAL, True, Enforcement.UNKNOWN),
        (0, "", True, Enforcement.UNKNOWN),
    ],
)
def test_only_our_own_refusal_proves_anything(
    status: int, message: str, shipped: bool | None, expected: Enforcement
) -> None:
    assert enforcement_of(status, message, shipped=shipped) is expected


@pytest.mark.parametrize(
    ("shipped", "guarded", "expected"),
    [
        (True, True, Enforcement.PROVEN),
        (True, False, Enforcement.UNGUARDED),
        (True, None, Enforcement.UNKNOWN),
        (False, None, Enforcement.ALTERED),
    ],
)
def test_it_is_no_proof_without_the_policies_on_which_it_rests(
    shipped: bool, guarded: bool | None, expected: Enforcement
) -> None:
    found = enforcement_of(403, OURS + PROBE_REFUSAL, shipped=shipped, guarded=guarded)
    assert found is expected


def test_one_of_them_may_have_refused_it_first() -> None:
    """Where nothing stamps any more, the policy that guards stamps refuses the dry run too."""
    said = OURS.replace(REQUESTER_POLICY, "tokencheck-stamp")
    assert enforcement_of(403, said, shipped=True, guarded=False) is Enforcement.UNGUARDED
    assert enforcement_of(403, said, shipped=True, guarded=True) is Enforcement.UNKNOWN


@pytest.mark.parametrize(
    ("change", "ours"),
    [
        ({}, True),
        ({"validationActions": ["Deny", "Audit"]}, True),
        ({"validationActions": ["Warn"]}, False),
        ({"matchResources": {"namespaceSelector": {"matchLabels": {"a": "b"}}}}, True),
        ({"matchResources": {"matchPolicy": "Equivalent", "objectSelector": {}}}, True),
        ({"matchResources": {"objectSelector": {"matchLabels": {"a": "b"}}}}, False),
        ({"matchResources": {"excludeResourceRules": [{"operations": ["UPDATE"]}]}}, False),
        ({"paramRef": {"name": "a"}}, False),
        ({"policyName": "other"}, False),
    ],
)
def test_a_binding_is_ours_when_it_leaves_out_whole_namespaces_at_most(
    change: dict, ours: bool
) -> None:
    binding = requester_binding()
    assert is_shipped_binding(binding | {"spec": binding["spec"] | change}) is ours


def test_a_policy_that_lacks_a_rule_is_not_ours() -> None:
    policy = requester_policy()
    assert is_shipped_policy(policy)
    altered = copy.deepcopy(policy)
    altered["spec"]["validations"].pop()
    assert not is_shipped_policy(altered)


@pytest.mark.parametrize(
    ("change", "ours"),
    [
        ({}, True),
        ({"validationActions": ["Deny", "Audit"]}, True),
        ({"validationActions": ["Audit"]}, False),
        ({"matchResources": {"namespaceSelector": {"matchLabels": {"a": "b"}}}}, False),
        ({"policyName": "other"}, False),
    ],
)
def test_the_binding_of_break_glass_is_ours_when_it_leaves_out_nothing(
    change: dict, ours: bool
) -> None:
    """The dry run is refused by another policy, so it shows nothing of this one's selectors."""
    binding = guard_binding(Guard.BYPASS)
    changed = binding | {"spec": binding["spec"] | change}
    assert is_bound_everywhere(changed, Guard.BYPASS) is ours


def test_a_break_glass_policy_that_lacks_a_rule_is_not_ours() -> None:
    policy = bypass_policy()
    assert is_shipped_guard(Guard.BYPASS, policy, ANYBODY)
    altered = copy.deepcopy(policy)
    altered["spec"]["validations"].pop(0)
    assert not is_shipped_guard(Guard.BYPASS, altered, ANYBODY)


def test_what_is_asked_again_is_what_the_policy_asks() -> None:
    check = parse_tokencheck(
        {
            "metadata": {"name": "checkout", "namespace": "shop", "uid": "u", "generation": 1,
                         "resourceVersion": "1"},
            "spec": {
                "workloadRef": {"kind": "Deployment", "name": "checkout"},
                "tokens": [
                    {"name": "a", "secretKeyRef": {"name": "one", "key": "k"},
                     "providerRef": {"name": "login"}},
                    {"name": "b", "secretKeyRef": {"name": "two", "key": "k"},
                     "keys": {"configMapKeyRef": {"name": "issuer", "key": "jwks.json"}}},
                    {"name": "c", "secretKeyRef": {"name": "one", "key": "other"},
                     "providerRef": {"name": "login"}},
                ],
            },
        }
    )  # fmt: skip
    asked = [(one.option, [f"{r.verb} {r.kind} {r.name}".strip() for r in one.any_of])
             for one in asked_of(check)]  # fmt: skip
    assert asked == [
        ("--all-secrets", ["create pods", "get secrets"]),
        ("--secret one", ["create pods", "get secrets one"]),
        ("--secret two", ["create pods", "get secrets two"]),
        ("--configmap issuer", ["create pods", "get configmaps issuer"]),
        ("--provider login", ["use tokenproviders.tokencheck.dev login"]),
    ]
