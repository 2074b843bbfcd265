"""What somebody may do, as the API server says: reviews are asked with POST and change nothing."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from tokencheck.api.tokencheck import Requester
from tokencheck.clients.kube.decode import object_in
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError
from tokencheck.model.rights import Need, Review, Right

_AUTHORIZATION = "/apis/authorization.k8s.io/v1"
_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_ACCOUNT = "system:serviceaccount:"
_DONE = 201
Reviewed = tuple[Need, tuple[Review, ...]]


async def caller_name(transport: Transport) -> str:
    """Return the caller's name as the API server knows it; "" when it does not say."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = await _post(transport, _WHO, body)
    return str(((answer.get("status") or {}).get("userInfo") or {}).get("username") or "")


async def reviewed(
    transport: Transport, needs: Iterable[Need], account: str | None = None
) -> tuple[Reviewed, ...]:
    """Return each need with what the API server says of its rights.

    Args:
        needs: of the caller, or of `account`.
        account: name of a service account as the API server knows it
            (``system:serviceaccount:NS:NAME``); None asks about the caller.
    """
    asked = [_of_need(transport, need, account) for need in needs]
    return tuple(await asyncio.gather(*asked))


async def _of_need(transport: Transport, need: Need, account: str | None) -> Reviewed:
    reviews = (review(transport, right, account) for right in need.rights)
    return need, tuple(await asyncio.gather(*reviews))


async def review(
    transport: Transport,
    right: Right,
    account: str | None = None,
) -> Review:
    """Return what the API server says of one right of the caller, or of `account`.

    Args:
        transport: whose writes allow reviews.
        right: that is asked for.
        account: service account; None asks about the caller.
    """
    if account is None:
        return await _review(transport, right, "SelfSubjectAccessReview", {})
    user = Requester(name=account, groups=_groups_of(account))
    return await review_of_user(transport, right, user)


async def review_of_user(transport: Transport, right: Right, user: Requester) -> Review:
    """Return what the API server says of one right of a user."""
    who: dict[str, Any] = {"user": user.name, "groups": list(user.groups)}
    if user.uid:
        who["uid"] = user.uid
    if user.extra:
        who["extra"] = {key: list(values) for key, values in user.extra}
    return await _review(transport, right, "SubjectAccessReview", who)


async def _review(transport: Transport, right: Right, kind: str, who: dict[str, Any]) -> Review:
    plural, _, sub = right.resource.partition("/")
    attributes = {
        "verb": right.verb,
        "group": right.group,
        "resource": plural,
        "subresource": sub,
        "namespace": right.namespace,
        "name": right.name,
    }
    spec = {"resourceAttributes": {k: v for k, v in attributes.items() if v}} | who
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    answer = await _post(transport, f"{_AUTHORIZATION}/{kind.lower()}s", body)
    return Review(right=right, allowed=_allowed(answer.get("status") or {}))


def _allowed(status: Mapping[str, Any]) -> bool | None:
    """Return what a review says; None when an authorizer could not be asked, so that none says yes.

    Source: SubjectAccessReviewStatus: evaluationError, "the check may be incomplete".
    """
    allowed = status.get("allowed")
    if not isinstance(allowed, bool) or (not allowed and status.get("evaluationError")):
        return None
    return allowed


def _groups_of(account: str) -> tuple[str, ...]:
    """Return the groups of a service account. Source: its authenticator in kube-apiserver."""
    namespace = account.removeprefix(_ACCOUNT).partition(":")[0]
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")


async def _post(transport: Transport, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the answer's object; empty when it was refused or none came."""
    try:
        answer = await transport.post(path, body)
    except ClusterError:
        return {}
    return object_in(answer.body) if answer.status == _DONE else {}
