"""Watches how far the API server's clock is from ours, and says so once when it is far."""

import logging
from collections import deque
from datetime import timedelta

from tokencheck.clients.kube.answers import Answer
from tokencheck.core.clocks.skew import NOTABLE_S, Skew, skew_of, skew_of_answer
from tokencheck.engine.clock import Clock

EVERY_S = 1.0  # answers in between tell nothing new
KEPT = 32  # answers; in a quiet cluster half an hour, in which no clock runs away by a second

_log = logging.getLogger(__name__)


class ApiServerClock:
    """Compares the API server's clock with ours at its answers.

    Args:
        clock: ours.
    """

    def __init__(self, clock: Clock) -> None:
        """Nothing is known yet."""
        self._clock = clock
        self._answers: deque[Skew] = deque(maxlen=KEPT)
        self._heard_at = clock.monotonic() - EVERY_S
        self._said = False

    @property
    def skew_s(self) -> float:
        """Return the seconds by which it is ahead of ours; 0 when they may agree."""
        skew = skew_of(self._answers)
        return skew.likely_s if skew is not None else 0.0

    def hear(self, answer: Answer, asked_s: float) -> None:
        """Take an answer that is there now.

        Args:
            answer: with its Date header, which is read seldom.
            asked_s: how many seconds ago it was asked for.
        """
        monotonic = self._clock.monotonic()
        if monotonic - self._heard_at < EVERY_S:
            return
        told = answer.server_time
        if told is None or told.tzinfo is None:
            return
        self._heard_at = monotonic
        received = self._clock.wall()
        self._answers.appendleft(
            skew_of_answer(told, received - timedelta(seconds=asked_s), received)
        )
        self._say()

    def _say(self) -> None:
        skew = skew_of(self._answers)
        if skew is None or skew.notable is self._said:
            return
        self._said = skew.notable
        if not skew.notable:
            _log.info("the clock of the API server and ours agree again within %g s", NOTABLE_S)
            return
        _log.warning(
            "the clock of the API server is %.1f s %s ours; verdicts follow ours: let both "
            "machines keep time by NTP",
            abs(skew.likely_s),
            "ahead of" if skew.likely_s > 0 else "behind",
        )
