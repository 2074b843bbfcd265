"""How fast we may go: a token bucket for requests, a jittered back-off for retries."""

import math
import random
import time
from collections.abc import Callable


class TokenBucket:
    """At most `per_second` on average, `burst` at once."""

    __slots__ = ("_at", "_burst", "_clock", "_left", "_per_second")  # one for each object told of

    def __init__(
        self, *, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start full."""
        self._per_second = per_second
        self._burst = float(burst)
        self._clock = clock
        self._left = float(burst)
        self._at = clock()

    def try_take(self) -> bool:
        """Take one token and return True, or return False when none is left."""
        self._fill()
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def take_s(self, longest_s: float) -> float | None:
        """Take one token, on credit when none is left; return in how many seconds it counts.

        None when that were more than `longest_s`: nothing is taken then.
        """
        self._fill()
        wait_s = max(0.0, (1 - self._left) / self._per_second)
        if wait_s > longest_s:
            return None
        self._left -= 1
        return wait_s

    def _fill(self) -> None:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now


class Backoff:
    """Pauses that double from `first_s` to `cap_s`, each shortened by up to half at random."""

    def __init__(self, *, first_s: float, cap_s: float) -> None:
        """Start at `first_s`."""
        self._first_s = first_s
        self._cap_s = cap_s
        self._next_s = first_s

    def next_s(self, cap_s: float = math.inf) -> float:
        """Return the next pause, at most `cap_s` this time."""
        pause_s = min(self._next_s, cap_s)
        self._next_s = min(self._next_s * 2, self._cap_s)
        return jitter(pause_s, 0.5)

    def reset(self) -> None:
        """Go back to the first pause: something worked."""
        self._next_s = self._first_s


def jitter(seconds: float, share: float) -> float:
    """Return `seconds` less a random part of at most `share`: replicas do not march in step."""
    return seconds * (1 - share * random.random())  # noqa: S311 - spreads load, guards nothing


def pause_s(asked_s: float) -> float:
    """Return how long to stay away from a server that asks for `asked_s`.

    Up to a fifth later, never earlier: a herd that comes back in the same instant is throttled
    again.
    """
    return asked_s + jitter(asked_s * 0.2, 1.0) + 0.01
