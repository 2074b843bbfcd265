"""What a TokenReview is asked for, and what its answer means. Pure.

``authenticated: true`` is yes. Its absence is not enough for a no: an API server says the same when
one of its authenticators failed (a webhook that is away, keys of an issuer that cannot be fetched),
and tells the difference in ``status.error`` alone, where the errors of all authenticators are
joined. So that text is matched, whole, with what the authenticators say of a token; it goes no
further. Of tokens of service accounts their own authenticator says all there is to say.

A no means that this API server refuses whoever shows the token, whatever else is right about it;
that somebody revoked it is not certain. A token that no authenticator knows may be one of another
cluster: `Answer.stranger`.

Source: kubernetes/kubernetes, pkg/registry/authentication/tokenreview/storage.go,
pkg/serviceaccount (jwt.go, claims.go, legacy.go), apiserver's bearertoken.go and union.go;
authentication.k8s.io/v1 TokenReviewStatus.
"""

import re
from collections.abc import Mapping
from typing import Any

from tokencheck.api.tokencheck import Requester
from tokencheck.api.vendor import SERVICE_ACCOUNT
from tokencheck.core.questions.replies import Faulted, fault_of
from tokencheck.model.activity import Answer
from tokencheck.model.asking import NoReply, Reply
from tokencheck.model.facts import Claims, Facts
from tokencheck.model.reasons import Reason

CREATED = 201
MAX_ERROR = 4096  # characters that are matched
NEEDED = (
    "the operator may not create tokenreviews.authentication.k8s.io: set"
    " providers.tokenReviews: true in the chart's values, or bind the ClusterRole"
    " system:auth-delegator to its ServiceAccount"
)
_ANONYMOUS = "system:anonymous"
_GONE = "its ServiceAccount is gone"
_UNBOUND = "the Secret, Pod or Node that it is bound to is gone"
_NAMES = r"[a-z0-9.-]{1,253}"
_UID = r"\([0-9a-zA-Z-]{0,64}\)"
# What the authenticator of service accounts says of a token that its own key has signed.
_OWN = (
    (rf'serviceaccounts "{_NAMES}" not found', _GONE),
    (rf"(?:service account|ServiceAccount) {_NAMES}/{_NAMES} has been deleted", _GONE),
    (rf"(?:service account|ServiceAccount) UID {_UID} does not match claim {_UID}", _GONE),
    (r"(?:service account token|Token) has been invalidated", _UNBOUND),
    (
        rf"(?:secret|pod|node) UID {_UID} does not match service account (?:secret|pod|node)"
        rf" ref claim {_UID}",
        _UNBOUND,
    ),
    (r"Token does not match server's copy", "its Secret holds another one now"),
    (
        r"the token in secret [^,\]]{1,1024} has been marked invalid[^,\]]{0,1024}",
        "its Secret is marked as one that nobody has used for long",
    ),
    (r"service account token has expired", "it has expired"),
)
_OTHER = "no issuer that it knows has signed it"
# What is said of a token that no authenticator knows.
_STRANGE = (
    (r"invalid bearer token", _OTHER),
    (r"(?:square/)?go-jose(?:/go-jose)?: error in cryptographic primitive", _OTHER),
    (r"invalid signature, no keys found", _OTHER),
)
_DEAD = tuple((re.compile(rf"(?:\[|, |\A){text}(?=\]|, |\Z)"), why) for text, why in _OWN)
_ANY_STRANGE = "|".join(text for text, _ in _STRANGE)
_UNKNOWN = re.compile(rf"\[?(?:{_ANY_STRANGE})(?:, (?:{_ANY_STRANGE}))*\]?")


def audiences_of(facts: Facts) -> tuple[str, ...]:
    """Return for which audiences an API server is asked about a token; empty for its own.

    A token of a service account names them itself. All others are accepted for the API server's own
    audience alone, whatever they name. Source: apiserver's audagnostic.go.
    """
    claims = facts.claims
    named = claims.audiences if claims is not None and facts.kind in SERVICE_ACCOUNT else None
    return named or ()


def meaning_of(
    reply: Reply | NoReply, document: object, audiences: tuple[str, ...]
) -> Answer | Faulted:
    """Return what the API server said of the token. Total, whatever came.

    Args:
        document: the body, read strictly as JSON; anything but an object says nothing.
        audiences: that were asked for.
    """
    if not isinstance(reply, Reply) or reply.status != CREATED:
        return _no_review(reply)
    status = document.get("status") if isinstance(document, dict) else None
    if not isinstance(status, dict):
        return _unexpected("the answer is no TokenReview")
    authenticated = status.get("authenticated", False)
    if authenticated is True:
        return _accepted(status, audiences)
    error = status.get("error")
    if authenticated is not False or not isinstance(error, str):
        return _unexpected("the answer does not say whether the token is authenticated")
    return _refused(error)


def _no_review(reply: Reply | NoReply) -> Faulted:
    if isinstance(reply, Reply) and reply.status == 403:
        return Faulted(reason=Reason.ACCESS_DENIED, detail=NEEDED)
    if isinstance(reply, Reply) and reply.status == 401:
        detail = "it does not accept the operator's own credentials (HTTP 401)"
        return Faulted(reason=Reason.INTROSPECTION_UNAUTHORIZED, detail=detail)
    if isinstance(reply, Reply) and reply.status in (400, 422):
        detail = f"it does not take the question (HTTP {reply.status})"
        return Faulted(reason=Reason.UNEXPECTED_ANSWER, detail=detail, of_token=True)
    return fault_of(reply) or _unexpected("the answer is no TokenReview")


def _accepted(status: Mapping[str, Any], audiences: tuple[str, ...]) -> Answer | Faulted:
    """Source: TokenReviewStatus: who asks for audiences has to look whether one came back."""
    user, told = _user(status.get("user")), _texts(status.get("audiences")) or ()
    if user is None or user.name == _ANONYMOUS:
        return _unexpected("the answer does not say whose the token is")
    shared = tuple(one for one in told if not audiences or one in audiences)
    if audiences and not shared:
        return _unexpected("the answer is about none of the audiences of the token")
    claims = Claims(subject=user.name, audiences=shared or None)
    return Answer(active=True, claims=claims, user=user)


def _refused(error: str) -> Answer | Faulted:
    text = error if len(error) <= MAX_ERROR else ""
    for sign, why in _DEAD:
        if sign.search(text):
            return Answer(active=False, why=why)
    if _UNKNOWN.fullmatch(text):
        return Answer(active=False, why=_OTHER, stranger=True)
    detail = "it does not authenticate the token, and not for a reason that is about the token"
    return Faulted(reason=Reason.UNEXPECTED_ANSWER, detail=detail, of_token=True)


def _unexpected(detail: str) -> Faulted:
    return Faulted(reason=Reason.UNEXPECTED_ANSWER, detail=detail)


def _user(told: object) -> Requester | None:
    name = told.get("username") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(name, str) or not name:
        return None
    uid, extra = told.get("uid"), told.get("extra")
    found = extra.items() if isinstance(extra, dict) else ()
    return Requester(
        name=name,
        groups=_texts(told.get("groups")) or (),
        uid=uid if isinstance(uid, str) else "",
        extra=tuple(sorted((key, _texts(values) or ()) for key, values in found)),
    )


def _texts(items: object) -> tuple[str, ...] | None:
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        return None
    return tuple(items)
