"""Which scopes are permissions of Kubernetes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.rights.permission import of_all, permission_of
from tokencheck.model.rights import Right


@pytest.mark.parametrize(
    ("scope", "verb", "group", "resource"),
    [
        ("get:configmaps", "get", "", "configmaps"),
        ("list:secrets.", "list", "", "secrets"),
        ("create:deployments.apps", "create", "apps", "deployments"),
        ("get:pods/log", "get", "", "pods/log"),
        ("patch:deployments.apps/scale", "patch", "apps", "deployments/scale"),
        ("use:tokenproviders.tokencheck.dev", "use", "tokencheck.dev", "tokenproviders"),
        ("*:*.*", "*", "*", "*"),
        ("*:*.*/*", "*", "*", "*/*"),
        ("deletecollection:jobs.batch", "deletecollection", "batch", "jobs"),
    ],
)
def test_a_permission_is_a_verb_and_a_resource_as_kubectl_writes_it(
    scope: str, verb: str, group: str, resource: str
) -> None:
    right = Right(verb=verb, group=group, resource=resource)
    assert permission_of(scope) == right


@pytest.mark.parametrize(
    "scope",
    [
        "configmaps",
        "payments:",
        ":configmaps",
        "get:",
        "get configmaps",
        "get:configmaps/",
        "get:/log",
        "Get:configmaps",
        "get:configmaps:more",
        "get:*apps",
        "get:pods/log/more",
        "get:configmaps\n",
        "*",
    ],
)
def test_anything_else_is_none(scope: str) -> None:
    assert permission_of(scope) is None


@given(st.text(alphabet="gets:.*/pods-", max_size=128))
def test_no_text_names_an_object(scope: str) -> None:
    right = permission_of(scope)
    assert right is None or (right.namespace, right.name) == ("", "")


@pytest.mark.parametrize(
    ("scope", "all_of_them"),
    [
        ("get:*", True),
        ("*:*.*", True),
        ("get:*.apps", True),
        ("get:pods.*", True),
        ("get:*/log", True),
        ("*:pods", False),
        ("get:pods/*", False),
        ("*:deployments.apps/*", False),
    ],
)
def test_all_resources_or_groups_are_no_resource_in_particular(
    scope: str, all_of_them: bool
) -> None:
    right = permission_of(scope)
    assert right is not None
    assert of_all(right) is all_of_them
