"""What somebody may do beyond what a spec names, as scopes that could stand in that spec.

What every ServiceAccount may do is no excess. Source: kubernetes,
plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go, ClusterRoles system:basic-user and
system:cluster-trust-bundle-discovery; those of system:discovery and system:public-info-viewer are
about URLs, which no scope names.
"""

from collections.abc import Generator, Iterable, Mapping
from heapq import nsmallest
from typing import TypeAlias

from tokencheck.core.rights.granted import ALL, Granted, Target, Wider, verbs_of
from tokencheck.core.rights.permission import is_void, of_all, scope_of
from tokencheck.model.evidence import Excess
from tokencheck.model.rights import Right

# What is told of one token: the status keeps no more.
MAX_TOLD = 16
# Targets between two turns of everybody else: about a millisecond.
_TURN = 200
EVERYBODY = tuple(
    Right(verb=verb, group=group, resource=resource)
    for verb, group, resource in (
        ("create", "authorization.k8s.io", "selfsubjectaccessreviews"),
        ("create", "authorization.k8s.io", "selfsubjectrulesreviews"),
        ("create", "authentication.k8s.io", "selfsubjectreviews"),
        ("get", "certificates.k8s.io", "clustertrustbundles"),
        ("list", "certificates.k8s.io", "clustertrustbundles"),
        ("watch", "certificates.k8s.io", "clustertrustbundles"),
    )
)
# Verbs and what they are on that nothing asks for -> for how many names alone, 0 for all. There may
# be thousands, of which a few are ever told.
Beyond: TypeAlias = dict[tuple[str, Target], int]


def beyond(granted: Granted, named: Iterable[Right]) -> Generator[None, None, Beyond]:
    """Yield between steps; return what is granted and not named, each told once.

    What something wider in it says already is left out.

    Args:
        named: with the namespace in which each is meant, "" for the whole cluster. One of a
            resource is for all names of it, and ``pods/*`` is for all subresources.
    """
    wanted = verbs_of((*named, *EVERYBODY))
    of_wanted, of_granted = Wider(wanted), Wider(granted)
    found: Beyond = {}
    for number, (target, verbs) in enumerate(granted.items(), 1):
        said = of_wanted.verbs(target)
        if "/" in target.resource:
            said |= of_wanted.verbs(_all_of_it(target))
        said |= of_granted.verbs(target, itself=False)
        if ALL not in said:
            for verb in (verbs & {ALL}) or (verbs - said):
                one = verb, target._replace(name="")
                found[one] = found.get(one, 0) + (target.name != "")
        if number % _TURN == 0:
            yield
    return found


def excess_told(
    found: Beyond,
    namespace: str,
    extents: Mapping[tuple[str, str], bool | None],
    *,
    most: int = MAX_TOLD,
) -> Excess:
    """Return these rights as scopes, those of all things and of Secrets first.

    What no request needs is left out: a RoleBinding gives no ``get:nodes``. What others ask about
    in a namespace stays, with it: ``bind:clusterroles.rbac.authorization.k8s.io@shop``, and all
    verbs.

    Args:
        namespace: in which a scope is meant that names none.
        extents: group and plural -> whether they are in namespaces, None when it is not known.
        most: how many are told; all are counted.
    """
    every = [one for one in found if not _is_void(*one, extents)]
    scopes = []
    for one in nsmallest(most, every, key=_rank):
        right = right_of(*one)
        place = _place(right, namespace, extents.get((right.group, right.plural)))
        alone = f" ({found[one]} by name)" if found[one] else ""
        scopes.append(f"{scope_of(right, place)}{alone}")
    return Excess(scopes=tuple(scopes), count=len(every))


def right_of(verb: str, target: Target) -> Right:
    """Return one verb on a target as a right, for all names."""
    return Right(
        verb=verb, group=target.group, resource=target.resource, namespace=target.namespace
    )


def _is_void(verb: str, target: Target, extents: Mapping[tuple[str, str], bool | None]) -> bool:
    namespaced = extents.get((target.group, target.plural))
    return namespaced is False and is_void(right_of(verb, target), namespaced)


def _place(right: Right, namespace: str, namespaced: bool | None) -> str:
    """Return what a scope has to say of where it is, "" where it is meant there without."""
    if not right.namespace:
        return "" if of_all(right) or namespaced is False else ALL
    here = right.namespace == namespace and namespaced
    return "" if here else right.namespace


def _all_of_it(target: Target) -> Target:
    """Return all subresources of the same resource, as a spec may name them; RBAC knows no such."""
    return target._replace(resource=f"{target.plural}/*")


def _rank(one: tuple[str, Target]) -> tuple[bool, bool, str, Target]:
    verb, target = one
    return ALL not in (verb, target.plural), target.plural != "secrets", verb, target
