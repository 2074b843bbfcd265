"""What the caveats of PyPI's and devpi's tokens leave of them: until when, and for which projects.

All of them hold at once: of several ends the earliest counts, of several lists of projects what is
in all of them. A caveat that is not known restricts nobody knows what: scopes, and that there is no
end, are then not told; an end that another caveat names holds all the same.

Source: warehouse/macaroons/caveats (the present form, a JSON list, and the older ones, objects);
devpi-tokens, restrictions.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tokencheck.core.tokens.claims import YEAR_10000
from tokencheck.core.tokens.strict import strict_json
from tokencheck.model.facts import Claims

USER = "user"  # the scope of a token for all projects of its user
PROJECT = "project:"
_MAX_DIGITS = 12
_DEVPI_LISTS = (b"allowed", b"indexes", b"projects")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    """What one caveat leaves.

    Args:
        projects: those that it names; None when it names none.
        user: whether it leaves all projects of one user.
        narrows: whether it leaves projects that it does not name: by their ids, or a publisher's.
        told: whether `Claims.scopes` can say what it leaves.
        known: whether it is certain that it names no end but `ends`.
    """

    ends: datetime | None = None
    begins: datetime | None = None
    projects: frozenset[str] | None = None
    user: bool = False
    narrows: bool = False
    told: bool = True
    known: bool = True


_UNKNOWN = _Limit(told=False, known=False)


def left_by(caveats: Iterable[bytes | None]) -> Claims:
    """Return what the caveats leave; a part that they do not tell is None. Total.

    Args:
        caveats: None for one that cannot be read.
    """
    limits = [_UNKNOWN if caveat is None else _limit(caveat) for caveat in caveats]
    ends = [limit.ends for limit in limits if limit.ends is not None]
    begins = [limit.begins for limit in limits if limit.begins is not None]
    return Claims(
        expires_at=min(ends, default=None),
        not_before=max(begins, default=None),
        scopes=_scopes(limits) if all(limit.told for limit in limits) else None,
        endless=not ends and all(limit.known for limit in limits),
    )


def _scopes(limits: list[_Limit]) -> tuple[str, ...] | None:
    lists = [limit.projects for limit in limits if limit.projects is not None]
    if lists:
        return tuple(sorted(f"{PROJECT}{name}" for name in frozenset.intersection(*lists)))
    if any(limit.narrows for limit in limits):
        return None
    return (USER,) if any(limit.user for limit in limits) else None


def _limit(caveat: bytes) -> _Limit:
    if caveat[:1] == b"[":
        return _of_pypi(strict_json(caveat, "a caveat"))
    if caveat[:1] == b"{":
        return _of_old_pypi(strict_json(caveat, "a caveat"))
    return _of_devpi(caveat)


def _of_pypi(said: object) -> _Limit:
    match said:
        case [0, ends, begins]:
            return _times(ends, begins)
        case [1, [*names]]:
            return _projects(names)
        case [2, [*_]] | [4, str()] | [4, str(), _]:
            return _Limit(narrows=True)
        case [3, str()]:
            return _Limit(user=True)
        case _:
            return _UNKNOWN


def _of_old_pypi(said: object) -> _Limit:
    match said:
        case {"version": 1, "permissions": "user"}:
            return _Limit(user=True)
        case {"version": 1, "permissions": {"projects": [*names]}}:
            return _projects(names)
        case {"version": 1}:
            return _UNKNOWN
        case {"exp": ends, "nbf": begins}:
            return _times(ends, begins)
        case {"project_ids": [*_]}:
            return _Limit(narrows=True)
        case _:
            return _UNKNOWN


def _of_devpi(caveat: bytes) -> _Limit:
    """``expires=TIME`` or ``never``, ``not_before=TIME``, and lists that are no scopes of PyPI."""
    name, found, value = caveat.partition(b"=")
    if found and name in _DEVPI_LISTS:
        return _Limit(told=False)
    if caveat == b"expires=never":
        return _Limit()
    if name not in (b"expires", b"not_before") or not value.isdigit() or len(value) > _MAX_DIGITS:
        return _UNKNOWN
    moment = _time(int(value))
    if moment is None:
        return _UNKNOWN
    return _Limit(ends=moment) if name == b"expires" else _Limit(begins=moment)


def _projects(names: list[object]) -> _Limit:
    texts = [name for name in names if isinstance(name, str)]
    return _Limit(projects=frozenset(texts)) if len(texts) == len(names) else _UNKNOWN


def _times(ends: object, begins: object) -> _Limit:
    end, begin = _time(ends), _time(begins)
    return _UNKNOWN if end is None or begin is None else _Limit(ends=end, begins=begin)


def _time(value: object) -> datetime | None:
    """Return the time of a whole number of seconds since 1970; what lies before it is 1970."""
    if not isinstance(value, int) or isinstance(value, bool) or value >= YEAR_10000:
        return None
    return datetime.fromtimestamp(max(value, 0), UTC)
