"""Lifetime and Age: how long a token lives, and how old it may become."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tokencheck.api.quantity import format_duration, format_time
from tokencheck.api.tokencheck import Level, Policy, ServiceAccountToken
from tokencheck.core.checks.moments import moments_of
from tokencheck.core.checks.reading import claim_skipped, claims_of, invalid, unjudged
from tokencheck.core.checks.words import by_policy, passed, warned
from tokencheck.model.evidence import Projected, TokenEvidence
from tokencheck.model.facts import Claims
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason

if TYPE_CHECKING:
    from tokencheck.model.workload import Site

# What a volume without expirationSeconds gets. Source: Kubernetes, ServiceAccountTokenProjection.
_DEFAULT_PROJECTED = timedelta(hours=1)


def check_lifetime(token: TokenEvidence, policy: Policy, _now: datetime) -> tuple[Finding, ...]:
    """Return whether the token, from issue to end, lives no longer than the spec allows."""
    limit = _limit(token)
    if limit is None:
        return ()
    if isinstance(token.holding, Projected):
        asked_for = [_projected(site) for site in token.holding.sites]
        return (_within(token, policy, max(asked_for), limit),) if asked_for else ()
    moments, claims = moments_of(token), claims_of(token)
    if moments is None:
        return unjudged(token, Check.LIFETIME)
    if moments.own_end is None and invalid(claims or Claims(), "exp"):
        return claim_skipped(token, Check.LIFETIME, "exp")
    end = moments.own_end or moments.end
    if end is not None:
        return (_within(token, policy, end.at - moments.start, limit),)
    if claims is None:
        return unjudged(token, Check.LIFETIME, asked=_hard(token, policy.lifetime))
    return (_too_long(token, policy, "lives for ever", limit),)


def _limit(token: TokenEvidence) -> timedelta | None:
    source, limits = token.spec.source, [token.spec.expiry.max_lifetime]
    if isinstance(source, ServiceAccountToken):
        limits.append(source.max_expiration)
    return min((limit for limit in limits if limit is not None), default=None)


def _projected(site: Site) -> timedelta:
    seconds = site.expiration_seconds
    return _DEFAULT_PROJECTED if seconds is None else timedelta(seconds=seconds)


def _within(token: TokenEvidence, policy: Policy, length: timedelta, limit: timedelta) -> Finding:
    if length > limit:
        return _too_long(token, policy, f"lives for {format_duration(length)}", limit)
    return passed(token, Check.LIFETIME, f"lives no longer than {format_duration(limit)}")


def _too_long(token: TokenEvidence, policy: Policy, how_long: str, limit: timedelta) -> Finding:
    detail = f"{how_long}, and at most {format_duration(limit)} is allowed"
    action = "have it issued for a shorter time"
    found = warned(token, Check.LIFETIME, Reason.LIFETIME_TOO_LONG, detail, action=action)
    return by_policy(policy.lifetime, found)


def check_age(token: TokenEvidence, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """Return whether the token is younger than maxAge, from iat or its Secret's last change."""
    if token.spec.expiry.max_age is None:
        return ()
    moments = moments_of(token)
    if moments is None or moments.overdue_at is None:
        return unjudged(token, Check.AGE, asked=_hard(token, policy.age))
    claims = claims_of(token)
    since = "issued" if claims and claims.issued_at else "last changed"
    due = format_time(moments.overdue_at)
    detail = f"{since} at {format_time(moments.start)}, due for rotation at {due} (maxAge)"
    if now < moments.overdue_at:
        return (passed(token, Check.AGE, detail),)
    overdue = warned(token, Check.AGE, Reason.ROTATION_OVERDUE, detail, action="rotate it")
    return (by_policy(policy.age, overdue),)


def _hard(token: TokenEvidence, level: Level) -> bool:
    """Return whether the spec asks this of the token by name and would fail it."""
    return token.spec.listed and level is Level.FAIL
