"""Rights of other users, by SubjectAccessReview; an answer is good for some seconds."""

from datetime import datetime, timedelta

from tokencheck.api.tokencheck import Requester
from tokencheck.clients.kube.reviews import review
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
        self._known: dict[tuple[Requester, Right], tuple[bool, datetime]] = {}

    async def allowed(
        self, requester: Requester, right: Right, now: datetime
    ) -> tuple[bool | None, datetime]:
        """Return whether the user has the right, None when the API server did not say; and when."""
        known = self._known.get((requester, right))
        if known is not None and timedelta(0) <= now - known[1] < self._good_for:
            return known
        answer = await review(self._transport, right, requester.name, groups=list(requester.groups))
        if answer.allowed is not None:
            self._spare(now)
            self._known[requester, right] = (answer.allowed, now)
        return answer.allowed, now

    def _spare(self, now: datetime) -> None:
        """Forget what is too old, once there is much of it."""
        if len(self._known) >= _MAX_KNOWN:
            self._known = {
                asked: known
                for asked, known in self._known.items()
                if now - known[1] < self._good_for
            }
