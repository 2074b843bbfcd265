"""What a TokenCheck asks for, as rights of its author: the requester policy once more, for later.

Admission asks once, when the spec is written; these are asked again as long as the check lives.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tokencheck.api.tokencheck import SecretKeyRef, ServiceAccountToken, Spec, TokenCheck
from tokencheck.core.rights.needs import OURS
from tokencheck.model.rights import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One thing that is asked for.

    Args:
        what: it is, as the end of "may no longer …".
        any_of: rights of which one does.
        option: of `tokencheck rbac author` that grants it.
    """

    what: str
    any_of: tuple[Right, ...]
    option: str


def asked_of(check: TokenCheck) -> tuple[Asked, ...]:
    """Return all that the spec asks for, in its order."""
    return tuple(_asked(check.namespace, check.spec))


def _asked(namespace: str, spec: Spec) -> Iterator[Asked]:
    pods = Right(verb="create", group="", resource="pods", namespace=namespace)
    every = Right(verb="get", group="", resource="secrets", namespace=namespace)
    accounts = any(isinstance(token.source, ServiceAccountToken) for token in spec.tokens)
    if accounts or (spec.workload is not None and spec.discover):
        what = f"get the Secrets of namespace {namespace} or create Pods there"
        yield Asked(what=what, any_of=(pods, every), option="--all-secrets")
    named = [t.source.name for t in spec.tokens if isinstance(t.source, SecretKeyRef)]
    keys = [token.keys.name for token in spec.tokens if token.keys]
    for kind, names in (("Secret", named), ("ConfigMap", keys)):
        for name in dict.fromkeys(names):
            one = Right(
                verb="get", group="", resource=f"{kind.lower()}s", namespace=namespace, name=name
            )
            yield Asked(
                what=f"get {kind} {namespace}/{name} or create Pods there",
                any_of=(pods, one),
                option=f"--{kind.lower()} {name}",
            )
    for name in dict.fromkeys(token.provider for token in spec.tokens if token.provider):
        use = Right(verb="use", group=OURS, resource="tokenproviders", name=name)
        yield Asked(what=f"use TokenProvider {name}", any_of=(use,), option=f"--provider {name}")
