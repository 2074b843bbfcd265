"""The beat of a check: when it is looked at again although nothing happened (spec.interval)."""

from datetime import UTC, datetime
from hashlib import sha256

from tokencheck.api.tokencheck import TokenCheck

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_beat(check: TokenCheck, now: datetime) -> datetime:
    """Return the first moment after `now` of the check's own beat, at most an interval away.

    Where its beat falls follows from its UID alone: changes do not put it off, and ten thousand
    checks are not due at the same moment because an operator was started.

    Args:
        now: aware UTC.
    """
    interval = check.spec.interval
    digest = int.from_bytes(sha256(check.uid.encode()).digest()[:8], "big")
    phase = interval * (digest / 2**64)
    kept = (now - _EPOCH - phase) // interval
    return _EPOCH + phase + (kept + 1) * interval
