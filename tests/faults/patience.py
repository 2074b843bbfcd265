"""How slow this machine is now, measured: bounds of time stretch with it, the truth does not."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import Self

_NAP_S = 0.05
_REMEMBERED = 600  # naps: what was half a minute ago is over
# A change passes about so many hand-overs between processes until its status is recorded, and each
# of them may come as late as a sleeper wakes; in a bound of ten seconds that makes a second each.
_HANDOVERS = 10
_BOUND_S = 10.0


class Patience:
    """How many times as long as alone anything may take. Use it with ``with``.

    Measured by a sleeper that looks how late it wakes, and by how many processes want each core;
    four a core are borne by the bounds as they are.
    """

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self.worst = 1.0
        self._late: deque[float] = deque(maxlen=_REMEMBERED)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sleep, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)

    @property
    def now(self) -> float:
        """Of the last half minute, at least 1."""
        crowd = os.getloadavg()[0] / (os.cpu_count() or 1) / 4
        patience = max(1.0, crowd, patience_of(max(tuple(self._late), default=0.0)))
        self.worst = max(self.worst, patience)
        return patience

    def _sleep(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            time.sleep(_NAP_S)
            late_s = max(0.0, time.monotonic() - began - _NAP_S)
            self._late.append(late_s)
            self.worst = max(self.worst, patience_of(late_s))


def patience_of(late_s: float) -> float:
    """How many times as long anything may take where a sleeper wakes so late."""
    return 1 + late_s * _HANDOVERS / _BOUND_S
