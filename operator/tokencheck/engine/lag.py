"""How late the event loop is: from when a sleeper should have been woken to when it was."""

import asyncio
from collections import deque
from collections.abc import Callable

INTERVAL_S = 0.25
# Samples: the worst of half a minute, so that a scrape in between does not miss a stall.
WINDOW = 120


class LoopLag:
    """Measures the loop that it runs in."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Start with no lag seen."""
        self._monotonic = monotonic
        self._samples: deque[float] = deque(maxlen=WINDOW)

    @property
    def worst_s(self) -> float:
        """Return the worst lag of the last half minute in seconds."""
        return max(self._samples, default=0.0)

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = self._monotonic() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            self._samples.append(max(0.0, self._monotonic() - due))
