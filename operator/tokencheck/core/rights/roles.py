"""Roles that grant exactly what is needed, as manifests."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tokencheck.core.rights.needs import OURS, READ

Manifest = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io"
_WRITE = ("create", "update", "patch", "delete")
SECRETS, AUTHOR = "tokencheck-needed-secrets", "tokencheck-author"


def secret_roles(
    named: Mapping[str, Collection[str]], account: tuple[str, str]
) -> tuple[Manifest, ...]:
    """Return a Role for each namespace that lets the operator read these Secrets alone.

    List and watch honour `resourceNames` when they select one name, as the operator does.

    Args:
        named: namespace -> names of Secrets.
        account: namespace and name of the operator's ServiceAccount.
    """
    namespace, name = account
    subject = {"kind": "ServiceAccount", "namespace": namespace, "name": name}
    return tuple(
        manifest
        for place, names in sorted(named.items())
        if names
        for manifest in _granted(SECRETS, place, [_rule("", "secrets", READ, names)], subject)
    )


def author_roles(namespace: str, subject: Mapping[str, str]) -> tuple[Manifest, ...]:
    """Return a Role with which somebody writes TokenChecks in a namespace and sees their verdicts.

    It reads no Secret and writes no status: whoever writes that forges a verdict.

    Args:
        namespace: the only one.
        subject: of the binding, by `subject_of`.
    """
    rule = _rule(OURS, "tokenchecks", (*READ, *_WRITE))
    return tuple(_granted(AUTHOR, namespace, [rule], subject))


def subject_of(kind: str, name: str) -> Mapping[str, str]:
    """Return the subject of a binding for a User or a Group."""
    return {"kind": kind, "apiGroup": _RBAC, "name": name}


def values_of(named: Mapping[str, Collection[str]]) -> Manifest:
    """Return the values of the chart that grant the same, and tell the operator so."""
    listed = {place: sorted(names) for place, names in sorted(named.items()) if names}
    return {"secrets": {"scope": "named", "namespaces": [], "named": listed}}


def _rule(group: str, resource: str, verbs: Sequence[str], names: Collection[str] = ()) -> Manifest:
    rule: Manifest = {"apiGroups": [group], "resources": [resource]}
    if names:
        rule["resourceNames"] = sorted(names)
    return rule | {"verbs": list(verbs)}


def _granted(
    name: str, namespace: str, rules: list[Manifest], subject: Mapping[str, str]
) -> Iterator[Manifest]:
    head = {"apiVersion": f"{_RBAC}/v1"}
    meta = {"name": name, "namespace": namespace}
    yield head | {"kind": "Role", "metadata": meta, "rules": rules}
    yield head | {
        "kind": "RoleBinding",
        "metadata": dict(meta),
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
        "subjects": [dict(subject)],
    }
