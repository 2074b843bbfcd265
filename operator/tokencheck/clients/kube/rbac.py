"""What RBAC grants in the whole cluster: four lists, read when a pass needs it and kept a while.

No watch: roles change seldom, few checks need them, and a watch would cost every cluster for it.
Source: rbac.authorization.k8s.io/v1.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tokencheck.clients.kube.policies import TOO_MUCH, Most, Reading
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError
from tokencheck.model.rbac import Rbac, Unseen

_LONGEST_S = 25.0  # a pass has a minute, and all that need it wait for one read
# Whatever the interval of a check is: it is the whole cluster, each time.
OFTEN = timedelta(minutes=5)
# How much longer than an interval it counts while it cannot be read again.
_STALE = timedelta(hours=1)
_WHY = {403: Unseen.DENIED, TOO_MUCH: Unseen.TOO_MUCH}
# After no answer, and after one that mostly stays: the right to list is off by default.
_PAUSE = {
    Unseen.UNANSWERED: timedelta(seconds=30),
    Unseen.DENIED: timedelta(minutes=5),
    Unseen.TOO_MUCH: timedelta(minutes=5),
}
# A pass that began before another one read is not older than it may be; a clock that was set back
# further makes nothing newer.
_UNDER_WAY = timedelta(minutes=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


class RbacReader:
    """Implements `model.ports.Policies`."""

    def __init__(
        self, transport: Transport, *, most: Most | None = None, often: timedelta = OFTEN
    ) -> None:
        """Know nothing yet.

        Args:
            most: a cluster that has more is not read to the end.
            often: how new what is known is in any case, whoever asks.
        """
        self._transport = transport
        self._often = often
        self._most = most or Most()
        self._known: Rbac | None = None
        self._read_at = _NEVER
        self._why = Unseen.UNANSWERED  # the last try failed, if it did
        self._failed_at = _NEVER
        self._reading = asyncio.Lock()

    async def rbac(self, now: datetime, good_for: timedelta) -> Rbac | Unseen:
        """Return what is granted, read no longer ago than that or `often`; or why it is not known.

        All who ask meanwhile wait for the same read. While none is answered, what was read before
        counts for an hour more, with its time. A refusal ends that.
        """
        keep = max(good_for, self._often)
        async with self._reading:
            fresh = self._known is not None and _within(keep, self._read_at, now)
            if not fresh and not _within(_PAUSE[self._why], self._failed_at, now):
                fresh = await self._read(now)
        if self._known is None or not _within(keep + _STALE, self._read_at, now):
            return self._why
        return self._known if fresh else replace(self._known, as_of=self._read_at)

    async def _read(self, now: datetime) -> bool:
        """Return whether it was read; a pause begins when the try has ended."""
        clock = asyncio.get_running_loop().time
        began = clock()
        why: Unseen | None = Unseen.UNANSWERED  # also when this pass is ended before the answer
        try:
            async with asyncio.timeout(_LONGEST_S):
                self._known = await Reading(self._transport, self._most).all()
                self._read_at, why = now, None
        except ClusterError as error:
            why = _WHY.get(error.status, Unseen.UNANSWERED)
        except TimeoutError:
            pass
        finally:
            if why is not None:
                self._failed(why, now + timedelta(seconds=clock() - began))
        return why is None

    def _failed(self, why: Unseen, at: datetime) -> None:
        self._why, self._failed_at = why, at
        if why is not Unseen.UNANSWERED:
            self._known = None


def _within(span: timedelta, since: datetime, now: datetime) -> bool:
    return -_UNDER_WAY <= now - since < span
