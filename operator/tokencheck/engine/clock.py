"""The two clocks, handed in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

# Half of what a verdict may be late; above what a busy machine lets pass between the two readings.
SMALLEST_STEP_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Where times come from.

    Args:
        wall: the time of day, aware; may step.
        monotonic: seconds that only grow, of the scale on which changes are seen.
    """

    wall: Callable[[], datetime]
    monotonic: Callable[[], float]


class Steps:
    """Notices when the wall clock was set: its distance from the monotonic one jumps.

    Both are slewed alike, so a clock that is only kept on time moves nothing here. A machine that
    was suspended looks like one whose clock was set forward.
    Source: clock_gettime(2), CLOCK_MONOTONIC.
    """

    def __init__(self, clock: Clock) -> None:
        """Count from now."""
        self._clock = clock
        self._distance_s = self._read()

    def taken_s(self) -> float:
        """Return by how many seconds the clock was set since the last one returned, 0 for none.

        Steps that are too small to count add up until they do.
        """
        distance_s = self._read()
        step_s = distance_s - self._distance_s
        if abs(step_s) < SMALLEST_STEP_S:
            return 0.0
        self._distance_s = distance_s
        return step_s

    def _read(self) -> float:
        return self._clock.wall().timestamp() - self._clock.monotonic()
