"""Roles that grant exactly what is needed, as manifests."""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tokencheck.core.rights.needs import OURS, READ

Manifest = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io"
_WRITE = ("create", "update", "patch", "delete")
SECRETS, AUTHOR, USE = "tokencheck-needed-secrets", "tokencheck-author", "tokencheck-use"
CREDENTIALS = "tokencheck-provider-credentials"
TOKEN_REVIEWS = "tokencheck-token-reviews"
_MAX_WHOM, _DIGITS = 40, 8


def secret_roles(
    named: Mapping[str, Collection[str]],
    account: tuple[str, str],
    *,
    credentials: Collection[str] = (),
    token_reviews: bool = False,
) -> tuple[Manifest, ...]:
    """Return a Role for each namespace that lets the operator read these Secrets alone.

    List and watch honour `resourceNames` when they select one name, as the operator does.

    Args:
        named: namespace -> names of Secrets.
        account: namespace and name of the operator's ServiceAccount.
        credentials: names of the Secrets in that namespace by which TokenProviders know it.
        token_reviews: whether it has to ask the API server about tokens too.
    """
    namespace, name = account
    subject = {"kind": "ServiceAccount", "namespace": namespace, "name": name}
    granted = [
        _granted(SECRETS, place, [_rule("", "secrets", READ, names)], subject)
        for place, names in sorted(named.items())
        if names
    ]
    if credentials:
        rule = _rule("", "secrets", ("get",), credentials)
        granted.append(_granted(CREDENTIALS, namespace, [rule], subject))
    if token_reviews:
        rule = _rule("authentication.k8s.io", "tokenreviews", ("create",))
        granted.append(_granted(TOKEN_REVIEWS, "", [rule], subject))
    return tuple(manifest for of_one in granted for manifest in of_one)


def author_roles(
    namespace: str,
    subject: Mapping[str, str],
    *,
    secrets: Collection[str] = (),
    all_secrets: bool = False,
    config_maps: Collection[str] = (),
    providers: Collection[str] = (),
) -> tuple[Manifest, ...]:
    """Return Roles with which somebody writes TokenChecks in a namespace and sees their verdicts.

    They write no status: whoever writes that forges a verdict. A Role is named after what it grants
    and a binding after whom, so that what was granted before, to him or to others, stays.

    Args:
        namespace: the only one; providers are of the whole cluster.
        subject: of the bindings, by `subject_of`.
        secrets: names of those that his TokenChecks may name, with which he reads them himself.
        all_secrets: all of the namespace: what the tokens of any workload there are found with.
        config_maps: names of those with keys that his TokenChecks may name, which he reads too.
        providers: names of the TokenProviders that his TokenChecks may name.
    """
    rule = _rule(OURS, "tokenchecks", (*READ, *_WRITE))
    granted = [_granted(AUTHOR, namespace, [rule], subject, whom=_whom(subject))]
    if all_secrets:
        rule = _rule("", "secrets", ("get",))
        granted += [_granted(f"{AUTHOR}-secrets", namespace, [rule], subject, whom=_whom(subject))]
    for kind, names in (("secret", secrets), ("configmap", config_maps)):
        for name in sorted(set(names)):
            rule = _rule("", f"{kind}s", ("get",), [name])
            role = f"{AUTHOR}-{kind}.{name}"
            granted += [_granted(role, namespace, [rule], subject, whom=_whom(subject))]
    for name in sorted(set(providers)):
        rule = _rule(OURS, "tokenproviders", ("use",), [name])
        granted += [_granted(f"{USE}.{name}", "", [rule], subject, whom=_whom(subject))]
    return tuple(manifest for of_one in granted for manifest in of_one)


def _whom(subject: Mapping[str, str]) -> str:
    """Return an ending for the names of somebody's bindings; nobody else has the same."""
    told = f"{subject['kind']}:{subject['name']}"
    digest = hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]
    readable = re.sub(r"[^a-z0-9]+", "-", subject["name"].lower()).strip("-")[:_MAX_WHOM]
    return f".{readable.strip('-') or subject['kind'].lower()}-{digest}"


def subject_of(kind: str, name: str) -> Mapping[str, str]:
    """Return the subject of a binding for a User or a Group."""
    return {"kind": kind, "apiGroup": _RBAC, "name": name}


def values_of(
    named: Mapping[str, Collection[str]],
    credentials: Collection[str] = (),
    *,
    token_reviews: bool = False,
) -> Manifest:
    """Return the values of the chart that grant the same, and tell the operator so."""
    listed = {place: sorted(names) for place, names in sorted(named.items()) if names}
    values: Manifest = {"secrets": {"scope": "named", "namespaces": [], "named": listed}}
    if credentials:
        values["providers"] = {"credentials": sorted(credentials)}
    if token_reviews:
        values.setdefault("providers", {})["tokenReviews"] = True
    return values


def _rule(group: str, resource: str, verbs: Sequence[str], names: Collection[str] = ()) -> Manifest:
    rule: Manifest = {"apiGroups": [group], "resources": [resource]}
    if names:
        rule["resourceNames"] = sorted(names)
    return rule | {"verbs": list(verbs)}


def _granted(
    name: str, namespace: str, rules: list[Manifest], subject: Mapping[str, str], *, whom: str = ""
) -> Iterator[Manifest]:
    """Yield a Role and its binding; those of the whole cluster without a namespace."""
    head = {"apiVersion": f"{_RBAC}/v1"}
    cluster = "" if namespace else "Cluster"
    place = {"namespace": namespace} if namespace else {}
    yield head | {
        "kind": f"{cluster}Role",
        "metadata": {"name": name, **place},
        "rules": rules,
    }
    yield head | {
        "kind": f"{cluster}RoleBinding",
        "metadata": {"name": f"{name}{whom}", **place},
        "roleRef": {"apiGroup": _RBAC, "kind": f"{cluster}Role", "name": name},
        "subjects": [dict(subject)],
    }
