"""An API that an admin describes: what its answers mean is data, and read as data.

A yes and a no each need a status and a field of the answer. So an API that answers anybody, or a
proxy that takes the token away, makes no token live and none dead.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tokencheck.api.described import Described, Sign
from tokencheck.api.path import MISSING, parse_path, walk
from tokencheck.api.quantity import parse_time
from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said, scopes_of
from tokencheck.model.activity import Answer
from tokencheck.model.facts import Claims

_EPOCH = datetime.fromtimestamp(0, UTC)


def rules_of(api: Described) -> Rules:
    """Return the rules of an API as an admin describes it."""
    return Rules(
        path=api.path,
        interpret=partial(_interpret, api),
        header=api.header,
        scheme=api.scheme,
    )


def _interpret(api: Described, said: Said) -> Meaning:
    lives, dead = (_shows(sign, said) for sign in (api.active, api.inactive))
    if lives is dead:  # neither, or a description by which it is both
        return None
    if dead:
        return Answer(active=False)
    scopes = _scopes(_value(said.document, api.scopes_field))
    end = _end(_value(said.document, api.expiration_field))
    return Answer(active=True, claims=Claims(scopes=scopes, expires_at=end))


def _shows(sign: Sign, said: Said) -> bool:
    value = _value(said.document, sign.field)
    there = value is not None and (sign.equals is None or _text(value) == sign.equals)
    return said.status in sign.statuses and there


def _value(document: Mapping[str, Any], field: str) -> object:
    """Return what stands at a path; None when it is not there, or null."""
    path = parse_path(field)
    value = MISSING if path is None else walk(document, path)
    return None if value is MISSING else value


def _text(value: object) -> str | None:
    match value:
        case bool():
            return str(value).lower()
        case str() | int():
            return str(value)
        case _:
            return None


def _end(value: object) -> datetime | None:
    """Return a token's end; 0, -1 and the year 1 are how APIs write that there is none."""
    end = parse_time(value) if isinstance(value, str) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            end = datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    return end if end is not None and end > _EPOCH else None


def _scopes(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return scopes_of(value.replace(",", " ").split())
    return scopes_of(value) if isinstance(value, list) else None
