"""What the owner of a token may do beyond what a spec names, by the RBAC of the cluster."""

import asyncio
from collections.abc import Iterable

from tokencheck.api.tokencheck import Requester
from tokencheck.core.rights.excess import beyond, excess_told
from tokencheck.core.rights.granted import ALL, granted_to
from tokencheck.gather.turns import in_turns
from tokencheck.model.evidence import Excess
from tokencheck.model.ports import Extents
from tokencheck.model.rbac import Rbac
from tokencheck.model.rights import Right

# Of which discovery is asked for one token; the role edit names twelve groups with some hundred
# resources. Whoever writes a Role writes as many as fit into it.
_MAX_GROUPS, _MAX_RESOURCES = 32, 1000


async def excess_of(
    user: Requester,
    rbac: Rbac,
    named: Iterable[Right],
    namespace: str,
    extents: Extents | None,
) -> Excess | None:
    """Return it as scopes; None when he has more rights than can be compared.

    Args:
        named: what he needs and may have, each with its namespace or for the whole cluster.
        namespace: in which a scope is meant that names none.
    """
    granted = granted_to(user, rbac)
    if granted is None:
        return None
    found = await in_turns(beyond(granted, named))
    if extents is None:
        return excess_told(found, namespace, {})
    every = {(target.group, target.plural) for _, target in found}
    groups = sorted({group for group, _ in every if group != ALL})[:_MAX_GROUPS]
    kinds = [kind for kind in every if kind[0] in groups and kind[1] != ALL][:_MAX_RESOURCES]
    told = await asyncio.gather(*(extents.namespaced(group, plural) for group, plural in kinds))
    return excess_told(found, namespace, dict(zip(kinds, told, strict=True)))
