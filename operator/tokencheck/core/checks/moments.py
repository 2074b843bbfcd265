"""When time alone changes a token's findings: at its end and before it, at its start, with age.

The checks of `time` compare `now` with these moments and with nothing else, so that waking up at
each of them is enough to be always right.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tokencheck.api.quantity import Share, Span, parse_time
from tokencheck.api.tokencheck import (
    ANNOTATION_EXPIRES_AT,
    DEFAULT_WARN_BEFORE,
    DEFAULT_WARN_SHARE,
    Expiry,
)
from tokencheck.core.checks.reading import text_of, told_of
from tokencheck.model.evidence import Held, TokenEvidence
from tokencheck.model.facts import Claims, Family

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """When a token ends, and `by` whom that is said."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The moments of one token; None where it has none.

    Args:
        start: what age and lifetime count from: iat, else the last change of the Secret. A renewal
            does not move it.
        own_end: what the token itself says, else its provider; `end` is the earliest of all.
        lifetime: from there to `end`, never negative.
        warn_at, fail_at: when the end is near, as the spec says. Shares are of the time from the
            last renewal, else from `start`, to `end`.
        valid_at: nbf less the leeway.
        issued_at: iat less the leeway: before it a clock is wrong.
        overdue_at: when the token becomes older than maxAge.
    """

    start: datetime
    own_end: End | None = None
    end: End | None = None
    lifetime: timedelta | None = None
    warn_at: datetime | None = None
    fail_at: datetime | None = None
    valid_at: datetime | None = None
    issued_at: datetime | None = None
    overdue_at: datetime | None = None

    def all(self) -> tuple[datetime, ...]:
        """Return the moments at which a finding changes."""
        end = self.end.at if self.end else None
        moments = (
            end,
            self.warn_at,
            self.fail_at,
            self.valid_at,
            self.issued_at,
            self.overdue_at,
        )
        return tuple(moment for moment in moments if moment is not None)


def wake_at(tokens: Iterable[TokenEvidence], now: datetime) -> datetime | None:
    """Return the first moment after `now` at which time alone changes a finding, or None."""
    of_all = (moments for token in tokens if (moments := moments_of(token)) is not None)
    later = (moment for moments in of_all for moment in moments.all() if moment > now)
    return min(later, default=None)


def moments_of(token: TokenEvidence) -> Moments | None:
    """Return the moments of a token; None when its text is not there or malformed."""
    held = text_of(token)
    if held is None:
        return None
    claims = told_of(token) or Claims()
    skew, spec = token.trust.clock_skew, token.spec.expiry
    start = claims.issued_at or held.secret.changed_at
    own_end = _own_end(claims, by=_said_by(token, held))
    end = _end(own_end, held, spec)
    lifetime, renewed = _until(end, start), _until(end, claims.renewed_at or start)
    warn = _warn_before(spec, renewed) if renewed is not None else None
    fail, age = _length(spec.fail_before, renewed), _length(spec.max_age, lifetime)
    return Moments(
        start=start,
        own_end=own_end,
        end=end,
        lifetime=lifetime,
        warn_at=_moved(end.at, -warn) if end and warn is not None else None,
        fail_at=_moved(end.at, -fail) if end and fail is not None else None,
        valid_at=_moved(claims.not_before, -skew) if claims.not_before else None,
        issued_at=_moved(claims.issued_at, -skew) if claims.issued_at else None,
        overdue_at=_moved(start, age) if age is not None else None,
    )


def _said_by(token: TokenEvidence, held: Held) -> str:
    """Return who says when the token ends: its own text, where that does."""
    if held.facts.claims is not None and held.facts.claims.expires_at is not None:
        return "exp"
    terms = held.facts.terms
    if terms is not None and terms.expires_at is not None:
        return "its caveats" if held.facts.family is Family.MACAROON else "its own word"
    return token.trust.vendor or "introspection"


def _own_end(claims: Claims, *, by: str) -> End | None:
    """An extended service-account token keeps its real deadline in warnafter. Source: KEP-1205."""
    ends = []
    if claims.expires_at is not None and not claims.unbounded:
        ends.append(End(at=claims.expires_at, by=by))
    if claims.warn_after is not None:
        ends.append(End(at=claims.warn_after, by="kubernetes.io warnafter"))
    return min(ends, key=_at, default=None)


def _end(own_end: End | None, held: Held, spec: Expiry) -> End | None:
    """Of what the token, the spec and the Secret's annotation say the earliest counts."""
    ends = [own_end] if own_end else []
    if spec.expires_at is not None:
        ends.append(End(at=spec.expires_at, by="expiry.expiresAt"))
    annotated = parse_time(held.secret.annotations.get(ANNOTATION_EXPIRES_AT))
    if annotated is not None:
        ends.append(End(at=annotated, by=f"annotation {ANNOTATION_EXPIRES_AT}"))
    return min(ends, key=_at, default=None)


def _until(end: End | None, start: datetime) -> timedelta | None:
    return max(end.at - start, timedelta()) if end else None


def _at(end: End) -> datetime:
    return end.at


def _warn_before(spec: Expiry, lifetime: timedelta) -> timedelta:
    """By default the smaller of 14 days and 20 %: a token of an hour must not warn all its life."""
    if isinstance(spec.warn_before, timedelta):
        return spec.warn_before
    if spec.warn_before is not None:
        return _share(spec.warn_before, lifetime)
    return min(DEFAULT_WARN_BEFORE, _share(DEFAULT_WARN_SHARE, lifetime))


def _length(span: Span | None, lifetime: timedelta | None) -> timedelta | None:
    if isinstance(span, Share):
        return _share(span, lifetime) if lifetime is not None else None
    return span


def _share(share: Share, lifetime: timedelta) -> timedelta:
    return lifetime * share.percent / 100


def _moved(moment: datetime, span: timedelta) -> datetime:
    """Return the moment moved by a span, held within what a datetime can say."""
    try:
        return moment + span
    except OverflowError:
        return _LAST if span > timedelta() else _FIRST
