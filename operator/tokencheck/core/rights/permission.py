"""Scopes that are permissions of Kubernetes: ``get:configmaps``, ``list:pods/log``.

The form is ``VERB:RESOURCE[.GROUP][/SUBRESOURCE][@NAMESPACE]``, the resource as kubectl writes it:
the group follows the first dot, and is the core group without one (``secrets``, ``secrets.``).
``*`` means all verbs, resources or groups, and is granted only to who has all of them. All
resources are those of the cluster and of all its namespaces, where no namespace is named; so are
those of one name in all groups. ``@*`` means all namespaces together.

A resource of the cluster (``nodes``) is asked about without a namespace: with one, a RoleBinding
there would count, and gives nothing of the kind. A Namespace is one of the cluster too, though RBAC
takes a request for one as in it.

Source: kubernetes.io, "Authorization" (attributes of a request) and "Using RBAC Authorization"
(RoleBinding: within its namespace); kubectl auth can-i.
"""

import re

from tokencheck.model.rights import Right

_FORM = re.compile(
    r"(?P<verb>[a-z]{1,63}|\*):(?P<resource>[a-z0-9-]{1,63}|\*)"
    r"(?:\.(?P<group>[a-z0-9.-]{1,253}|\*)?)?(?P<sub>/(?:[a-z0-9-]{1,63}|\*))?"
    r"(?:@(?P<place>[a-z0-9-]{1,63}|\*))?"
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


def scope_of(right: Right, place: str = "") -> str:
    """Return the scope that allows this, where `place` says: "" for none named, ``*`` for all."""
    plural, slash, sub = right.resource.partition("/")
    group = f".{right.group}" if right.group else ""
    return f"{right.verb}:{plural}{group}{slash}{sub}{f'@{place}' if place else ''}"


def of_all(right: Right) -> bool:
    """Return whether a right names no resource in particular: it is of the whole cluster."""
    return "*" in (right.plural, right.group)
