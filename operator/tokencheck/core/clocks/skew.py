"""How far another machine's clock is from ours, as certainly as its answers can tell.

Source: Cristian's algorithm. An answer was made between our sending and our receiving, and its Date
header has whole seconds (RFC 9110 6.6.1), so one answer bounds the skew to a second and the round
trip; the next ones narrow it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

DATE_RESOLUTION_S = 1.0
# What a healthy cluster keeps well below, and one answer's Date can just not be blamed for.
NOTABLE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """The seconds by which the other clock is ahead of ours, behind when negative: a range."""

    least_s: float
    most_s: float

    @property
    def likely_s(self) -> float:
        """Return the middle of the range; 0 when the clocks may well agree."""
        if self.least_s <= 0.0 <= self.most_s:
            return 0.0
        return (self.least_s + self.most_s) / 2

    @property
    def notable(self) -> bool:
        """Return whether the clocks differ by more than `NOTABLE_S`, whatever was uncertain."""
        return self.least_s > NOTABLE_S or self.most_s < -NOTABLE_S


def skew_of_answer(told: datetime, sent: datetime, received: datetime) -> Skew:
    """Return what one answer says.

    Args:
        told: its Date header.
        sent: our clock when it was asked for.
        received: our clock when it was there.
    """
    return Skew(
        least_s=(told - received).total_seconds(),
        most_s=(told - sent).total_seconds() + DATE_RESOLUTION_S,
    )


def skew_of(answers: Iterable[Skew]) -> Skew | None:
    """Return what all of them agree on; None when there is none.

    Args:
        answers: newest first. One that contradicts those after it was made before a clock was set,
            and so were all before it.
    """
    agreed: Skew | None = None
    for one in answers:
        if agreed is None:
            agreed = one
            continue
        least_s, most_s = max(agreed.least_s, one.least_s), min(agreed.most_s, one.most_s)
        if least_s > most_s:
            break
        agreed = Skew(least_s=least_s, most_s=most_s)
    return agreed
