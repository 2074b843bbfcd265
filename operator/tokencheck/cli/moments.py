"""Times as people read them: the distance from now, told beside what was written down."""

import re
from datetime import UTC, datetime, timedelta

from tokencheck.api.quantity import format_duration, parse_duration, parse_time
from tokencheck.model.errors import UsageError

_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_NOW = timedelta(seconds=1)


def clock() -> datetime:
    """Return the present, read once by each command and handed down."""
    return datetime.now(UTC)


def moment_of(text: str | None, now: datetime) -> datetime:
    """Return the moment that an option --at names; without one, `now`.

    Args:
        text: a time such as ``2027-01-31T00:00:00Z``, or a distance from now such as ``+14d``.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return now
    span = parse_duration(text[1:]) if text.startswith("+") else None
    try:
        moment = parse_time(text) if span is None else now + span
    except OverflowError:
        moment = None
    if moment is None:
        raise UsageError(
            "--at is no time: write 2027-01-31T00:00:00Z, or a distance from now such as +14d"
        )
    return moment


def relative(moment: datetime, now: datetime) -> str:
    """Return how far `moment` is from `now`: ``in 3 h``, ``3 h ago``."""
    distance = moment - now
    if abs(distance) < _NOW:
        return "now"
    return f"in {format_duration(distance)}" if moment > now else f"{format_duration(distance)} ago"


def aged(text: str, now: datetime) -> str:
    """Return `text` with the distance from `now` behind each time in it."""

    def told(match: re.Match[str]) -> str:
        moment = parse_time(match[0])
        return match[0] if moment is None else f"{match[0]} ({relative(moment, now)})"

    return _WRITTEN.sub(told, text)


def age(created: object, now: datetime) -> str:
    """Return how old an object is, as short as kubectl tells it: ``5d``; "" when unknown."""
    moment = parse_time(created)
    if moment is None:
        return ""
    return format_duration(max(now - moment, timedelta())).replace(" ", "")
