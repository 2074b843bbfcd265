"""What RBAC grants a user: the rules of all bindings that name him or one of his groups.

Source: kubernetes, pkg/registry/rbac/validation/rule.go (which bindings count) and
pkg/apis/rbac/v1/evaluation_helpers.go (what a rule matches). The rules of a RoleBinding count for
requests in its namespace, those of a ClusterRoleBinding for all. ``*`` is all verbs, groups, or
resources with their subresources; ``*/scale`` is that subresource of all resources.

A rule of names alone is taken for each name. An empty name, with which RBAC allows requests that
name nothing, is taken for all names: that is more than it grants, and never less.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import islice, product
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
# And whoever writes bindings has it looked at as often as he likes: words of rules, for one user.
MAX_WORDS = 1_000_000
_TURN = 5_000  # words and rights between two turns of everybody else: a few milliseconds


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


EVERYTHING = Target(ALL, ALL, "", "")


class Grants(NamedTuple):
    """What a user has; `whole` is False where he has more, which is too much to be compared."""

    granted: Granted
    whole: bool = True


def granted_to(user: Requester, rbac: Rbac) -> Generator[None, None, Grants]:
    """Yield between steps; return the verbs that a user has, by what he has them on.

    Who may do everything has that alone, whatever he has beside, and however much it is.

    Args:
        user: as the API server names him, with all of his groups.
    """
    everything = Grants({EVERYTHING: frozenset({ALL})})
    if _MASTERS in user.groups:
        return everything
    found, looked, turn = _Found(), 0, 0
    for namespace, rule in _rules_of(user, rbac):
        looked += rule.words
        if looked > MAX_WORDS:
            found.whole = False
            break
        turn += rule.words + found.add(namespace, rule)
        if ALL in found.verbs.get(EVERYTHING, ()):
            return everything
        if turn >= _TURN:
            turn = 0
            yield
    return Grants({on: frozenset(verbs) for on, verbs in found.verbs.items()}, found.whole)


class _Found:
    """The rights of rules, each once, as many as there is room for; and those to everything."""

    def __init__(self) -> None:
        self.verbs: dict[Target, set[str]] = {}
        self.whole = True
        self._room = MAX_RIGHTS
        self._seen: set[tuple[str, Rule]] = set()

    def add(self, namespace: str, rule: Rule) -> int:
        """Return how many rights of the rule are new; as many as there is room for are taken."""
        if ALL in rule.verbs and ALL in rule.groups and ALL in rule.resources and not rule.names:
            self.verbs.setdefault(EVERYTHING._replace(namespace=namespace), set()).add(ALL)
            return 1
        if (namespace, rule) in self._seen:
            return 0
        if not self._room:
            self.whole = False
            return 0
        self._seen.add((namespace, rule))
        fitting = min(rule.size, self._room)
        self.whole &= fitting == rule.size
        self._room -= fitting
        targets = product(rule.groups, rule.resources, rule.names or ("",))
        for group, resource, name in islice(targets, fitting // len(rule.verbs)):
            target = Target(group, resource, namespace, name)
            self.verbs.setdefault(target, set()).update(rule.verbs)
        return fitting


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
