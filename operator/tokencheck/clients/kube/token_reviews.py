"""Whose a token is, as the API server says: over its own road, as the operator, and stored nowhere.

A TokenReview is asked with POST and changes nothing. The token stands in its body, so an audit
policy of the API server must not log bodies of tokenreviews (docs/providers/kubernetes.md).
"""

from typing import Any

from tokencheck.clients.kube.answers import LateError
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.asking import NoReply, Reply
from tokencheck.model.errors import ClusterError
from tokencheck.model.reasons import Reason
from tokencheck.model.reveal import reveal
from tokencheck.model.sealed import Sealed

_API = "authentication.k8s.io/v1"
_PATH = f"/apis/{_API}/tokenreviews"
_TOO_OFTEN = 429


class TokenReviewer:
    """Implements `model.ports.TokenReviews`."""

    def __init__(self, transport: Transport) -> None:
        """Ask through `transport`, whose writes allow it."""
        self._transport = transport

    async def review(self, token: Sealed, audiences: tuple[str, ...]) -> Reply | NoReply:
        """Return the answer, or why there is none."""
        spec: dict[str, Any] = {"token": reveal(token).decode("ascii", "replace")}
        if audiences:
            spec["audiences"] = list(audiences)
        body = {"apiVersion": _API, "kind": "TokenReview", "spec": spec}
        try:
            answer = await self._transport.post(_PATH, body)
        except ClusterError as error:
            return _no_reply(error)
        return Reply(status=answer.status, media_type="application/json", body=answer.body)


def _no_reply(error: ClusterError) -> NoReply:
    if isinstance(error, LateError):
        return NoReply(reason=Reason.TIMED_OUT, detail="no answer came in time")
    if error.status == _TOO_OFTEN:
        detail = "it asks to be left alone for longer (HTTP 429)"
        return NoReply(reason=Reason.RATE_LIMITED, detail=detail)
    return NoReply(reason=Reason.UNREACHABLE, detail="it does not answer, or the connection broke")
