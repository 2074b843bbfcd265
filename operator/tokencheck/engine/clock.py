"""The two clocks, handed in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Where times come from.

    Args:
        wall: the time of day, aware; may step.
        monotonic: seconds that only grow, of the scale on which changes are seen.
    """

    wall: Callable[[], datetime]
    monotonic: Callable[[], float]
