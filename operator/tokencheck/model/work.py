"""What the queue hands to a pass, and what a pass hands back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from tokencheck.model.change import Cause
from tokencheck.model.keys import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One object that is due.

    Args:
        causes: everything that happened to it since its last pass; those of a pass that failed are
            kept.
        first_seen: monotonic seconds at which the oldest of them was seen.
    """

    key: Key
    causes: frozenset[Cause]
    first_seen: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """When a pass wants its object to be looked at again.

    Args:
        wake_at: replaces every earlier moment; None means "only when something changes".
        retry: the pass could not end (no answer, a conflict): again soon, with growing back-off.
        unread: that was for a read without an answer: the back-off ends after seconds.
        stands_until: before this moment only a change can bring another result; None when the
            pass cannot tell.
    """

    wake_at: datetime | None = None
    retry: bool = False
    unread: bool = False
    stands_until: datetime | None = None


Pass: TypeAlias = Callable[[Work, datetime], Awaitable[Next]]
