"""Scopes that are permissions of Kubernetes: ``get:configmaps``, ``list:pods/log``.

The form is ``VERB:RESOURCE[.GROUP][/SUBRESOURCE][@NAMESPACE]``, the resource as kubectl writes it:
the group follows the first dot, and is the core group without one (``secrets``, ``secrets.``).
``*`` means all verbs, resources or groups, and is granted only to who has all of them. All
resources are those of the cluster and of all its namespaces, where no namespace is named; so are
those of one name in all groups. ``@*`` means all namespaces together.

A resource of the cluster (``nodes``) is asked about without a namespace: with one, a RoleBinding
there would count, and gives nothing of the kind. A Namespace is one of the cluster too, though RBAC
takes a request for one as in it. That is so for the verbs of requests. Others are asked about by
whoever made them up, and some in a namespace: ``bind`` of ClusterRoles in that of a binding.

Source: kubernetes.io, "Authorization" (attributes of a request, request verbs) and "Using RBAC
Authorization" (RoleBinding: within its namespace); kubectl auth can-i; kubernetes,
pkg/registry/rbac/escalation_check.go (BindingAuthorized); KEP-5284
(``impersonate:user-info``, ``impersonate-on:user-info:list``).
"""

import re

from tokencheck.model.rights import Right

_FORM = re.compile(
    r"(?P<verb>[a-z]{1,63}|impersonate(?:-on)?:[a-z:-]{1,63}|\*):(?P<resource>[a-z0-9_-]{1,63}|\*)"
    r"(?:\.(?P<group>[a-z0-9.-]{1,253}|\*)?)?(?P<sub>/(?:[a-z0-9_.-]{1,63}|\*))?"
    r"(?:@(?P<place>[a-z0-9-]{1,63}|\*))?"
)
# What requests do. Source: kubernetes.io, "Authorization", "Request verbs and authorization".
_OF_REQUESTS = frozenset(
    {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
)


def permission_of(scope: str) -> Right | None:
    """Return what a scope allows, in the namespace that it names; None when it has another form.

    One that names none, or all of them, is returned for the whole cluster: `is_placed` tells them
    apart.
    """
    found = _FORM.fullmatch(scope)
    if found is None:
        return None
    return Right(
        verb=found["verb"],
        group=found["group"] or "",
        resource=found["resource"] + (found["sub"] or ""),
        namespace=(found["place"] or "").strip("*"),
    )


def is_placed(scope: str) -> bool:
    """Return whether a permission says where it is meant: in a namespace, or in all."""
    return "@" in scope


def is_void(right: Right, namespaced: bool | None) -> bool:
    """Return whether no request needs this right: in a namespace, on what is in none.

    Args:
        namespaced: whether the resource is in namespaces; None when that is not known.
    """
    if namespaced is not False or not right.namespace or right.plural == "namespaces":
        return False
    return right.verb in _OF_REQUESTS


def scope_of(right: Right, place: str = "") -> str:
    """Return the scope that allows this, where `place` says: "" for none named, ``*`` for all."""
    plural, slash, sub = right.resource.partition("/")
    group = f".{right.group}" if right.group else ""
    return f"{right.verb}:{plural}{group}{slash}{sub}{f'@{place}' if place else ''}"


def of_all(right: Right) -> bool:
    """Return whether a right names no resource in particular: it is of the whole cluster."""
    return "*" in (right.plural, right.group)
