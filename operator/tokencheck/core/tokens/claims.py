"""The registered claims of a JWT, read by rules of our own.

A claim in a form that RFC 7519 does not allow is listed in `Claims.invalid` and has no value; the
others are read all the same.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from tokencheck.core.tokens.scopes import granted
from tokencheck.model.facts import Claims

YEAR_10000 = 253_402_300_800  # seconds from 1970-01-01 to 10000-01-01, where datetime ends
# The year 3237: nobody means it, but some issuers write milliseconds.
_FAR_AWAY = datetime.fromtimestamp(40_000_000_000, UTC)
_MS_IN_2001 = 1_000_000_000_000

_LEGACY_ISSUER = "kubernetes/serviceaccount"
_LEGACY_CLAIM = "kubernetes.io/serviceaccount/secret.name"
_NOT_TEXT = "is not text"


def claims_of(payload: Mapping[str, object], scope_claims: Iterable[str]) -> Claims:
    """Return the claims of `payload`; total, whatever their forms.

    Source: RFC 7519 sections 2 (NumericDate) and 4.1; KEP-1205 (the claim kubernetes.io).
    """
    invalid: list[tuple[str, str]] = []
    expires_at = _date(payload, "exp", invalid)
    not_before = _date(payload, "nbf", invalid)
    if expires_at and not_before and not_before > expires_at:
        invalid.append(("nbf", "is after exp: the token is never valid"))
    _text(payload, "jti", invalid)
    issuer = _text(payload, "iss", invalid)
    bound = payload.get("kubernetes.io")
    return Claims(
        issuer=issuer,
        subject=_text(payload, "sub", invalid),
        audiences=_audiences(payload, invalid),
        issued_at=_date(payload, "iat", invalid),
        not_before=not_before,
        expires_at=expires_at,
        scopes=granted(payload, scope_claims),
        unbounded=expires_at is not None and expires_at > _FAR_AWAY,
        kubernetes=isinstance(bound, dict),
        legacy_service_account=issuer == _LEGACY_ISSUER and _LEGACY_CLAIM in payload,
        warn_after=_date(bound, "warnafter", invalid) if isinstance(bound, dict) else None,
        invalid=tuple(invalid),
    )


def _date(
    claims: Mapping[str, object], name: str, invalid: list[tuple[str, str]]
) -> datetime | None:
    """Return the time of a NumericDate: a JSON number of seconds since 1970, fractions allowed."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        invalid.append((name, "is not a number of seconds since 1970"))
    elif not value > 0:
        invalid.append((name, "is not a time after 1970"))
    elif value >= YEAR_10000:
        hint = " (milliseconds instead of seconds?)" if value >= _MS_IN_2001 else ""
        invalid.append((name, f"is after the year 9999{hint}"))
    else:
        return datetime.fromtimestamp(value, UTC)
    return None


def _text(claims: Mapping[str, object], name: str, invalid: list[tuple[str, str]]) -> str | None:
    value = claims.get(name)
    if isinstance(value, str):
        return value
    if name in claims:
        invalid.append((name, _NOT_TEXT))
    return None


def _audiences(
    claims: Mapping[str, object], invalid: list[tuple[str, str]]
) -> tuple[str, ...] | None:
    """Return the audiences, () when the claim is there and names none."""
    value = claims.get("aud")
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if "aud" in claims:
        invalid.append(("aud", "is neither text nor a list of texts"))
    return None
