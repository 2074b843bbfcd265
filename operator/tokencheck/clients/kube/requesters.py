"""Rights of other users, by SubjectAccessReview; a yes is good for some seconds, a no for once."""

from datetime import datetime, timedelta

from tokencheck.api.tokencheck import Requester
from tokencheck.clients.kube.reviews import review_of_user
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.rights import Right

# Below the shortest interval (30 s): a pass of the check's beat never rests on the one before.
GOOD_FOR = timedelta(seconds=20)
_MAX_KNOWN = 20_000


class Requesters:
    """Asks the API server, and remembers: many checks of one author need the same right."""

    def __init__(self, transport: Transport, *, good_for: timedelta = GOOD_FOR) -> None:
        """Know nothing yet."""
        self._transport = transport
        self._good_for = good_for
        self._given_at: dict[tuple[Requester, Right], datetime] = {}

    async def allowed(
        self, requester: Requester, right: Right, now: datetime
    ) -> tuple[bool | None, datetime]:
        """Return whether the user has the right, None when the API server did not say; and when."""
        given_at = self._given_at.get((requester, right))
        if given_at is not None and timedelta(0) <= now - given_at < self._good_for:
            return True, given_at
        answer = await review_of_user(self._transport, right, requester)
        if answer.allowed:  # a right may be given back at any moment
            self._spare(now)
            self._given_at[requester, right] = now
        return answer.allowed, now

    def _spare(self, now: datetime) -> None:
        """Forget what is too old, once there is much of it."""
        if len(self._given_at) >= _MAX_KNOWN:
            self._given_at = {
                asked: given_at
                for asked, given_at in self._given_at.items()
                if now - given_at < self._good_for
            }
