"""Whether the author of a TokenCheck still may what its spec asks for."""

from dataclasses import dataclass
from datetime import datetime

from tokencheck.api.tokencheck import Requester, TokenCheck
from tokencheck.core.rights.asked import Asked, asked_of
from tokencheck.gather.sources import Sources
from tokencheck.model.rights import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What was found.

    Args:
        revoked: the first thing that the author may not any more; None when he may all, or when it
            is not known: the API server admitted it once.
        since: when the oldest answer that this rests on was given; None when nobody was asked.
    """

    revoked: Asked | None = None
    since: datetime | None = None

    def again_at(self, check: TokenCheck) -> datetime | None:
        """Return when to ask again at the latest, so that no loss stays hidden for an interval."""
        return None if self.since is None else self.since + check.spec.interval


async def review(check: TokenCheck, sources: Sources, now: datetime) -> Reviewed:
    """Ask for each right of the author; without a stamp (before Kubernetes 1.36) for none."""
    if (requester := check.requester) is None:
        return Reviewed()
    since = now
    for asked in asked_of(check):
        allowed, at = await _any(requester, asked.any_of, sources, now)
        since = min(since, at)
        if allowed is False:
            return Reviewed(revoked=asked, since=since)
    return Reviewed(since=since)


async def _any(
    requester: Requester, rights: tuple[Right, ...], sources: Sources, now: datetime
) -> tuple[bool | None, datetime]:
    """Return whether one of them is given: None when none is known to be, and one is not known."""
    answers = []
    since = now
    for right in rights:
        answer, at = await sources.reviews.allowed(requester, right, now)
        since = min(since, at)
        if answer:
            return True, since
        answers.append(answer)
    return (None if None in answers else False), since
