"""What an answer means before its content is read: usable, or the class of its fault."""

from dataclasses import dataclass

from tokencheck.model.asking import NoReply, Reply
from tokencheck.model.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulted:
    """Nothing was learnt.

    Args:
        detail: in words of ours.
        retry_after_s: how long the server wants to be left alone; None when it does not say.
        of_token: the fault is that of one token; of others nothing is said.
    """

    reason: Reason
    detail: str
    retry_after_s: float | None = None
    of_token: bool = False


def fault_of(answer: Reply | NoReply) -> Faulted | None:
    """Return why nothing can be read from `answer`, or None when it is a document.

    Only 200 is one: a proxy's page or an empty answer must not replace what is known.
    """
    if isinstance(answer, NoReply):
        return Faulted(reason=answer.reason, detail=answer.detail, of_token=answer.crowded)
    status, retry = answer.status, answer.retry_after_s
    if status == 429:
        detail = "the server says that it is asked too often (HTTP 429)"
        return Faulted(reason=Reason.RATE_LIMITED, detail=detail, retry_after_s=retry)
    if status >= 500:
        detail = f"the server cannot answer now (HTTP {status})"
        return Faulted(reason=Reason.PROVIDER_UNAVAILABLE, detail=detail, retry_after_s=retry)
    if status != 200:
        detail = f"the server refuses the request (HTTP {status}); is the address right?"
        return Faulted(reason=Reason.UNEXPECTED_ANSWER, detail=detail)
    if answer.media_type in ("text/html", "application/xhtml+xml"):
        detail = "a web page came instead of JSON; is the address right?"
        return Faulted(reason=Reason.UNEXPECTED_ANSWER, detail=detail)
    return None
