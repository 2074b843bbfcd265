"""What the owner of a token may do, as the API server says of each scope that the spec names."""

import asyncio
from dataclasses import replace
from datetime import datetime

from tokencheck.api.tokencheck import Requester, TokenCheck
from tokencheck.core.rights.permission import of_all, permission_of
from tokencheck.gather.rights import again_after
from tokencheck.gather.sources import Sources
from tokencheck.model.activity import ActivityState
from tokencheck.model.assessment import Assessment
from tokencheck.model.evidence import Permissions, TokenEvidence
from tokencheck.model.ports import Extents, Reviews
from tokencheck.model.rights import Right


async def with_permissions(
    namespace: str, token: TokenEvidence, sources: Sources, now: datetime
) -> TokenEvidence:
    """Return the evidence with what its owner may do, where its provider is asked for that.

    Only about an owner that the API server has named at its last answer, and only about scopes that
    are required or forbidden: in the namespace of the check, of what is in namespaces, and else in
    the whole cluster.
    """
    wanted, user = token.spec.scopes, _owner(token)
    named = tuple(dict.fromkeys((*wanted.required, *wanted.forbidden)))
    if not token.trust.by_permission or user is None or sources.permissions is None or not named:
        return token
    rights = {scope: permission_of(scope) for scope in named}
    formed = {scope: right for scope, right in rights.items() if right is not None}
    places = (_placed(right, namespace, sources.extents) for right in formed.values())
    placed = dict(zip(formed, await asyncio.gather(*places), strict=True))
    asked = {scope: right for scope, right in placed.items() if right is not None}
    answers = (_said(right, user, sources.permissions, now) for right in asked.values())
    said = dict(zip(asked, await asyncio.gather(*answers), strict=True))
    found = Permissions(
        said={scope: said.get(scope) for scope in named},
        formless=tuple(scope for scope, right in rights.items() if right is None),
        unlisted=tuple(scope for scope, right in placed.items() if right is None),
    )
    return replace(token, permissions=found)


def permissions_again_at(
    check: TokenCheck, assessment: Assessment, now: datetime
) -> datetime | None:
    """Return when to ask again what owners may do, for no watch tells it; None without any."""
    asked = [token.evidence.permissions for token in assessment.tokens]
    said = [may for found in asked if found is not None for may in found.said.values()]
    return now + again_after(check, unanswered=None in said) if said else None


async def _placed(right: Right, namespace: str, extents: Extents | None) -> Right | None:
    """Return the right in the namespace or in the cluster, where its resource is; None: unknown."""
    if of_all(right):
        return right
    namespaced = await extents.namespaced(right.group, right.plural) if extents else None
    if namespaced is None:
        return None
    return replace(right, namespace=namespace) if namespaced else right


async def _said(right: Right, user: Requester, reviews: Reviews, now: datetime) -> bool | None:
    return (await reviews.allowed(user, right, now))[0]


def _owner(token: TokenEvidence) -> Requester | None:
    activity = token.activity
    if activity is None or activity.state is not ActivityState.KNOWN or activity.answer is None:
        return None
    return activity.answer.user if activity.answer.active else None
