"""What the owner of a token may do beyond what a spec names, by the RBAC of the cluster."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from tokencheck.api.tokencheck import Requester, Scopes, TokenCheck
from tokencheck.core.rights.excess import beyond, excess_told
from tokencheck.core.rights.granted import ALL, granted_to
from tokencheck.core.rights.permission import is_placed, of_all, permission_of
from tokencheck.gather.sources import Sources
from tokencheck.gather.turns import in_turns
from tokencheck.model.evidence import Excess
from tokencheck.model.ports import Extents
from tokencheck.model.rbac import Rbac, Unseen
from tokencheck.model.rights import Right

# Of which discovery is asked for one token; the role edit names twelve groups with some hundred
# resources. Whoever writes a Role writes as many as fit into it.
_MAX_GROUPS, _MAX_RESOURCES = 32, 1000


async def excess_for(
    check: TokenCheck, wanted: Scopes, user: Requester, sources: Sources, now: datetime
) -> Excess | Unseen | None:
    """Return it as scopes, or why it is not known; None where nobody looks for it."""
    if sources.policies is None or not (wanted.required or wanted.allowed):
        return None
    rbac = await sources.policies.rbac(now, check.spec.interval)
    if isinstance(rbac, Unseen):
        return rbac
    scopes = (*wanted.required, *wanted.allowed)
    named = await _meant(scopes, check.namespace, sources.extents)
    if named is None:
        return Unseen.UNPLACED
    return await _excess_of(user, rbac, named, check.namespace, sources.extents)


async def _excess_of(
    user: Requester,
    rbac: Rbac,
    named: Iterable[Right],
    namespace: str,
    extents: Extents | None,
) -> Excess:
    granted, whole = await in_turns(granted_to(user, rbac))
    found = await in_turns(beyond(granted, named))
    places = await _places({(target.group, target.plural) for _, target in found}, extents)
    told = excess_told(found, namespace, places)
    return replace(told, at_least=not whole, as_of=rbac.as_of)


async def _places(
    kinds: Iterable[tuple[str, str]], extents: Extents | None
) -> dict[tuple[str, str], bool | None]:
    """Return whether they are in namespaces: always of the same ones, where they are many."""
    if extents is None:
        return {}
    every = sorted(kind for kind in kinds if ALL not in kind)
    groups = sorted({group for group, _ in every})[:_MAX_GROUPS]
    asked = [kind for kind in every if kind[0] in groups][:_MAX_RESOURCES]
    told = await asyncio.gather(*(extents.namespaced(group, plural) for group, plural in asked))
    return dict(zip(asked, told, strict=True))


async def _meant(
    scopes: Iterable[str], namespace: str, extents: Extents | None
) -> tuple[Right, ...] | None:
    """Return what scopes name; None where it is not known of one where it is meant."""
    rights = {scope: permission_of(scope) for scope in scopes}
    formed = ((scope, right) for scope, right in rights.items() if right is not None)
    found = await asyncio.gather(*(_where(*one, namespace, extents) for one in formed))
    placed = tuple(right for right in found if right is not None)
    return placed if len(placed) == len(found) else None


async def _where(scope: str, right: Right, namespace: str, extents: Extents | None) -> Right | None:
    """Return a right where a scope means it: what does not exist, wherever it may be."""
    if is_placed(scope) or of_all(right):
        return right
    if extents is None:
        return None
    namespaced = await extents.namespaced(right.group, right.plural)
    if namespaced is None:
        return right if await extents.lists(right.group) else None
    return replace(right, namespace=namespace if namespaced else "")
