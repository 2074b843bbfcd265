"""What the owner of a token may do, as the API server says of each scope that the spec names."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto

from tokencheck.api.tokencheck import Requester, TokenCheck
from tokencheck.core.rights.permission import is_placed, is_void, of_all, permission_of
from tokencheck.gather.excess import excess_for
from tokencheck.gather.rights import again_after
from tokencheck.gather.sources import Sources
from tokencheck.model.activity import ActivityState
from tokencheck.model.assessment import Assessment
from tokencheck.model.evidence import Excess, Permissions, TokenEvidence
from tokencheck.model.ports import Extents, Reviews
from tokencheck.model.rbac import Unseen
from tokencheck.model.rights import Right


class _Nowhere(Enum):
    """Why nobody is asked about a right."""

    UNLISTED = auto()  # nobody says whether its resource is in namespaces
    MISPLACED = auto()  # it is not, and the scope names one


async def with_permissions(
    check: TokenCheck, token: TokenEvidence, sources: Sources, now: datetime
) -> TokenEvidence:
    """Return the evidence with what its owner may do, where its provider is asked for that.

    Only about an owner that the API server has named at its last answer, and only about scopes that
    are required or forbidden: in the namespace of the check, of what is in namespaces and names
    none, and else in the whole cluster. What he may do beside is read and not asked, where the spec
    says what he needs.
    """
    wanted, user = token.spec.scopes, _owner(token)
    if not token.trust.by_permission or user is None or sources.permissions is None:
        return token
    named = tuple(dict.fromkeys((*wanted.required, *wanted.forbidden)))
    if not named and not wanted.allowed:
        return token
    rights = {scope: permission_of(scope) for scope in (*named, *wanted.allowed)}
    placed = await _placed({one: rights[one] for one in named}, check.namespace, sources.extents)
    asked = {scope: right for scope, right in placed.items() if isinstance(right, Right)}
    answers = (_said(right, user, sources.permissions, now) for right in asked.values())
    said = dict(zip(asked, await asyncio.gather(*answers), strict=True))
    excess = await excess_for(check, wanted, user, sources, now)
    found = Permissions(
        said={scope: said.get(scope) for scope in named},
        formless=tuple(scope for scope, right in rights.items() if right is None),
        unlisted=tuple(one for one, right in placed.items() if right is _Nowhere.UNLISTED),
        misplaced=tuple(one for one, right in placed.items() if right is _Nowhere.MISPLACED),
        excess=excess if isinstance(excess, Excess) else None,
        unseen=excess if isinstance(excess, Unseen) else None,
    )
    return replace(token, permissions=found)


def permissions_again_at(
    check: TokenCheck, assessment: Assessment, now: datetime
) -> datetime | None:
    """Return when to ask again what owners may do, for no watch tells it; None without any.

    Soon for what is not known, that a right which the operator gets and an answer that comes late
    are not missed for an interval.
    """
    asked = [token.evidence.permissions for token in assessment.tokens]
    found = [one for one in asked if one is not None]
    said = [may for one in found for may in one.said.values()]
    unseen = any(one.unseen is not None for one in found)
    if not said and not unseen and all(one.excess is None for one in found):
        return None
    return now + again_after(check, unanswered=None in said or unseen)


async def _placed(
    rights: Mapping[str, Right | None], namespace: str, extents: Extents | None
) -> dict[str, Right | _Nowhere]:
    """Return each that has the form of a right where it is meant, or why that is nowhere."""
    formed = {scope: right for scope, right in rights.items() if right is not None}
    places = (_place(scope, right, namespace, extents) for scope, right in formed.items())
    return dict(zip(formed, await asyncio.gather(*places), strict=True))


async def _place(
    scope: str, right: Right, namespace: str, extents: Extents | None
) -> Right | _Nowhere:
    if of_all(right):
        return right
    namespaced = await extents.namespaced(right.group, right.plural) if extents else None
    if namespaced is None:
        return _Nowhere.UNLISTED
    if is_placed(scope):
        return _Nowhere.MISPLACED if is_void(right, namespaced) else right
    return replace(right, namespace=namespace if namespaced else "")


async def _said(right: Right, user: Requester, reviews: Reviews, now: datetime) -> bool | None:
    return (await reviews.allowed(user, right, now))[0]


def _owner(token: TokenEvidence) -> Requester | None:
    activity = token.activity
    if activity is None or activity.state is not ActivityState.KNOWN or activity.answer is None:
        return None
    return activity.answer.user if activity.answer.active else None
