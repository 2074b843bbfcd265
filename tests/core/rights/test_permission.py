"""Which scopes are permissions of Kubernetes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.rights.permission import (
    is_placed,
    is_void,
    of_all,
    permission_of,
    scope_of,
)
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
        (
            "get:pods.custom.metrics.k8s.io/http_requests",
            "get",
            "custom.metrics.k8s.io",
            "pods/http_requests",
        ),
        (
            "get:queue_length.external.metrics.k8s.io",
            "get",
            "external.metrics.k8s.io",
            "queue_length",
        ),
        ("impersonate:users", "impersonate", "", "users"),
        ("impersonate:user-info:users.a", "impersonate:user-info", "a", "users"),
        ("impersonate-on:user-info:list:pods", "impersonate-on:user-info:list", "", "pods"),
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
        "impersonate:user-info:",
        "get-on:user-info:list:pods",
        "*",
    ],
)
def test_anything_else_is_none(scope: str) -> None:
    assert permission_of(scope) is None


@pytest.mark.parametrize(
    ("scope", "namespace"),
    [
        ("get:pods@shop", "shop"),
        ("get:pods/log@shop", "shop"),
        ("*:*.*@shop", "shop"),
        ("get:jobs.batch@*", ""),
    ],
)
def test_a_permission_may_name_its_namespace_or_all(scope: str, namespace: str) -> None:
    right = permission_of(scope)
    assert right is not None
    assert (right.namespace, is_placed(scope)) == (namespace, True)
    assert permission_of(scope.partition("@")[0]) == replace(right, namespace="")
    assert not is_placed(scope.partition("@")[0])


@pytest.mark.parametrize("scope", ["get:pods@", "get:pods@Shop", "get:pods@a@b", "get@a:pods"])
def test_another_place_is_none(scope: str) -> None:
    assert permission_of(scope) is None


@given(
    st.builds(
        Right,
        verb=st.sampled_from(["get", "*"]),
        group=st.sampled_from(["", "apps", "*", "rbac.authorization.k8s.io"]),
        resource=st.sampled_from(["pods", "*", "pods/log", "*/scale", "pods/*"]),
    ),
    st.sampled_from(["", "*", "shop"]),
)
def test_a_right_told_as_a_scope_is_the_same_right(right: Right, place: str) -> None:
    scope = scope_of(right, place)
    assert permission_of(scope) == replace(right, namespace=place.strip("*"))
    assert is_placed(scope) == bool(place)


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


@pytest.mark.parametrize(
    ("scope", "namespaced", "void"),
    [
        ("get:nodes@shop", False, True),
        ("deletecollection:nodes/status@shop", False, True),
        ("get:nodes", False, False),
        ("get:nodes@*", False, False),
        ("get:pods@shop", True, False),
        ("get:things@shop", None, False),
        ("get:namespaces@shop", False, False),
        # Whoever made the verb up asks in a namespace, if he likes.
        ("bind:clusterroles.rbac.authorization.k8s.io@shop", False, False),
        ("use:securitycontextconstraints.security.openshift.io@shop", False, False),
        ("*:nodes@shop", False, False),
    ],
)
def test_no_request_needs_a_right_in_a_namespace_on_what_is_in_none(
    scope: str, namespaced: bool | None, void: bool
) -> None:
    right = permission_of(scope)
    assert right is not None
    assert is_void(right, namespaced) is void
