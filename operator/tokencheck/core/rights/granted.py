"""What RBAC grants a user: the rules of all bindings that name him or one of his groups.

Source: kubernetes, pkg/registry/rbac/validation/rule.go (which bindings count) and
pkg/apis/rbac/v1/evaluation_helpers.go (what a rule matches). The rules of a RoleBinding count for
requests in its namespace, those of a ClusterRoleBinding for all. ``*`` is all verbs, groups, or
resources with their subresources; ``*/scale`` is that subresource of all resources.

A rule of names alone is taken for each name. An empty name, with which RBAC allows requests that
name nothing, is taken for all names: that is more than it grants, and never less.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple, TypeAlias

from tokencheck.api.tokencheck import Requester
from tokencheck.model.rbac import Rbac, Rule, Subject
from tokencheck.model.rights import Right

ALL = "*"
_ACCOUNT = "system:serviceaccount:"
# The API server's own authorizer lets it do everything before RBAC is asked.
# Source: kubernetes, pkg/kubeapiserver/authorizer: NewPrivilegedGroups.
_MASTERS = "system:masters"
# Each rule is a product, and whoever writes a Role makes it as large as an object may be. The role
# edit is about 800.
MAX_RIGHTS = 20_000


class Target(NamedTuple):
    """On what verbs are granted; namespace and name are "" where all are meant."""

    group: str
    resource: str
    namespace: str
    name: str

    @property
    def plural(self) -> str:
        """Return the resource without its subresource."""
        return self.resource.partition("/")[0]


Granted: TypeAlias = Mapping[Target, frozenset[str]]


def granted_to(user: Requester, rbac: Rbac) -> Granted | None:
    """Return the verbs that a user has, by what he has them on; None when that is too much.

    Args:
        user: as the API server names him, with all of his groups.
    """
    if _MASTERS in user.groups:
        return {Target(ALL, ALL, "", ""): frozenset({ALL})}
    found: dict[Target, set[str]] = {}
    room = MAX_RIGHTS
    for namespace, rule in dict.fromkeys(_rules_of(user, rbac)):
        room -= rule.size
        if room < 0:
            return None
        for group, resource, name in product(rule.groups, rule.resources, rule.names or ("",)):
            target = Target(group, resource, namespace, name)
            found.setdefault(target, set()).update(rule.verbs)
    return {target: frozenset(verbs) for target, verbs in found.items()}


def verbs_of(rights: Iterable[Right]) -> Granted:
    """Return the same rights as verbs, by what they are on."""
    found: dict[Target, set[str]] = {}
    for right in rights:
        found.setdefault(target_of(right), set()).add(right.verb)
    return {target: frozenset(verbs) for target, verbs in found.items()}


def target_of(right: Right) -> Target:
    """Return what a right is on."""
    return Target(right.group, right.resource, right.namespace, right.name)


def allows(granted: Granted, right: Right) -> bool:
    """Return whether RBAC lets a request through that needs this right.

    Args:
        right: of one verb on one resource; one without a namespace needs it in the whole cluster,
            and one without a name needs it for all.
    """
    return not {right.verb, ALL}.isdisjoint(Wider(granted).verbs(target_of(right)))


class Wider:
    """Finds verbs that are granted on a target or on more; most rights have no more above them."""

    def __init__(self, granted: Granted) -> None:
        """Remember in which respects anything is granted on more than one thing."""
        self._granted = granted
        self._all_groups = any(target.group == ALL for target in granted)
        self._resources = {target.resource for target in granted if target.resource[:1] == ALL}
        self._everywhere = any(not target.namespace for target in granted)

    def verbs(self, target: Target, *, itself: bool = True) -> set[str]:
        """Return the verbs on this target and on each wider one; or on those alone."""
        found: set[str] = set()
        for other in self._wider(target):
            if itself or other != target:
                found.update(self._granted.get(other, ()))
        return found

    def _wider(self, target: Target) -> Iterator[Target]:
        group, resource, namespace, name = target
        _, slash, sub = resource.partition("/")
        above = {ALL, f"*/{sub}"} if slash else {ALL}
        groups = {group, ALL} if self._all_groups else {group}
        resources = {resource, *(above & self._resources)}
        namespaces = {namespace, ""} if self._everywhere else {namespace}
        yield from map(Target._make, product(groups, resources, namespaces, {name, ""}))


def _rules_of(user: Requester, rbac: Rbac) -> Iterator[tuple[str, Rule]]:
    for subject in _subjects_of(user):
        for bound in rbac.bound.get(subject, ()):
            for rule in rbac.rules.get(bound.role, ()):
                yield bound.namespace, rule


def _subjects_of(user: Requester) -> Iterator[Subject]:
    """Yield how bindings may name a user.

    Source: serviceaccount.MatchesUsername: a ServiceAccount is who is called so, whatever his
    groups are.
    """
    yield Subject(kind="User", name=user.name)
    for group in user.groups:
        yield Subject(kind="Group", name=group)
    if user.name.startswith(_ACCOUNT):
        namespace, colon, name = user.name.removeprefix(_ACCOUNT).partition(":")
        if colon:
            yield Subject(kind="ServiceAccount", name=name, namespace=namespace)
