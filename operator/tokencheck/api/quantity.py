"""Durations (`72h`, `90d`, `1d12h`), shares of a lifetime (`20%`).

And times as Kubernetes writes them.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeAlias

_DURATION = re.compile(r"(?:[0-9]{1,5}[dhms]){1,4}")
_PART = re.compile(r"([0-9]{1,5})([dhms])")
_SHARE = re.compile(r"([1-9][0-9]?)%")
_UNIT_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_LONGEST_TIME = len("2026-11-24T12:00:00.123456789+00:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of a token's lifetime, 1 to 99 percent."""

    percent: int


Span: TypeAlias = timedelta | Share


def parse_duration(text: object) -> timedelta | None:
    """Return the duration that `text` states, or None when it states none.

    Args:
        text: one to four numbers with a unit of ``d``, ``h``, ``m`` or ``s``, such as ``1d12h``.
    """
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        return None
    return timedelta(seconds=sum(int(n) * _UNIT_SECONDS[unit] for n, unit in _PART.findall(text)))


def parse_span(text: object) -> Span | None:
    """Return the duration or the share of a lifetime that `text` states, or None."""
    if isinstance(text, str) and (match := _SHARE.fullmatch(text)):
        return Share(percent=int(match[1]))
    return parse_duration(text)


def parse_time(text: object) -> datetime | None:
    """Return the aware UTC time that an RFC 3339 `text` states, or None.

    Source: RFC 3339 section 5.6; Kubernetes writes metav1.Time so.
    """
    return _time_of(text) if isinstance(text, str) and len(text) <= _LONGEST_TIME else None


@lru_cache(maxsize=1024)
def _time_of(text: str) -> datetime | None:
    """Remembered: the conditions of one status carry the same few times at every pass."""
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.[0-9]{1,6})[0-9]*", r"\1", text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def seen_by(text: object) -> datetime | None:
    """Return the last moment of the second that an RFC 3339 `text` states, or None.

    A status holds whole seconds. A change in the second of a Secret's creation came after it: read
    at the second's begin it would be the creation, and no change.
    """
    at = parse_time(text)
    return at.replace(microsecond=999_999) if at else None


def format_time(moment: datetime) -> str:
    """Return `moment` as Kubernetes writes it: UTC, whole seconds, four digits of year, ``Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def format_duration(span: timedelta) -> str:
    """Return a span of time as people read it.

    Its one or two largest units (``3 h``, ``2 d 4 h``).
    """
    seconds = int(abs(span.total_seconds()))
    parts = []
    for unit, size in _UNIT_SECONDS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"
