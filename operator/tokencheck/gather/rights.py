"""Whether the author of a TokenCheck still may what its spec asks for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tokencheck.api.tokencheck import Requester, TokenCheck
from tokencheck.core.outcome.condition import Type, previous
from tokencheck.core.rights.asked import Asked, asked_of
from tokencheck.gather.sources import Sources
from tokencheck.model.ports import Reviews
from tokencheck.model.reasons import Reason
from tokencheck.model.rights import Right

# After no answer. Where the operator may not ask at all, every check comes back so soon.
_UNANSWERED = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What was found.

    Args:
        revoked: the first thing that the author may not any more; None when he may all, or when it
            is not known: the API server admitted it once.
        since: when the oldest answer that this rests on was given; None when nobody was asked.
        unanswered: whether something is not known.
    """

    revoked: Asked | None = None
    since: datetime | None = None
    unanswered: bool = False

    def again_at(self, check: TokenCheck) -> datetime | None:
        """Return when to ask again at the latest, so that no loss stays hidden for an interval."""
        if self.since is None:
            return None
        return self.since + again_after(check, unanswered=self.unanswered)


def again_after(check: TokenCheck, *, unanswered: bool) -> timedelta:
    """Return after how long rights are asked for again, for no watch tells of them."""
    interval = check.spec.interval
    return min(interval, _UNANSWERED) if unanswered else interval


def is_revoked(check: TokenCheck) -> bool:
    """Return whether the status says so of the spec as it is now."""
    resolved = previous(check.status, Type.RESOLVED)  # Ready may be advisory
    current = check.status.get("observedGeneration") == check.generation
    return current and resolved.get("reason") == Reason.ACCESS_REVOKED


def is_in_force(check: TokenCheck | None) -> bool:
    """Return whether the check is there, and its author may ask for what it names, as last told."""
    return check is not None and not is_revoked(check)


async def review(check: TokenCheck, sources: Sources, now: datetime) -> Reviewed:
    """Ask for each right of the author; without a stamp (before Kubernetes 1.36) for none.

    What was lost for certain stays lost until an answer says otherwise.
    """
    if (requester := check.requester) is None or sources.reviews is None:
        return Reviewed()
    since, unanswered = now, False
    for asked in asked_of(check):
        allowed, at = await _any(requester, asked.any_of, sources.reviews, now)
        since = min(since, at)
        unanswered |= allowed is None
        if allowed is False or (allowed is None and is_revoked(check)):
            return Reviewed(revoked=asked, since=since, unanswered=unanswered)
    return Reviewed(since=since, unanswered=unanswered)


async def _any(
    requester: Requester, rights: tuple[Right, ...], reviews: Reviews, now: datetime
) -> tuple[bool | None, datetime]:
    """Return whether one of them is given: None when none is known to be, and one is not known."""
    answers = []
    since = now
    for right in rights:
        answer, at = await reviews.allowed(requester, right, now)
        since = min(since, at)
        if answer:
            return True, since
        answers.append(answer)
    return (None if None in answers else False), since
