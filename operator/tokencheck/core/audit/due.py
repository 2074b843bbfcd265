"""Which tokens end when, and whose they are: from the statuses of TokenChecks."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tokencheck.api.quantity import parse_time
from tokencheck.model.due import Due

_NEVER = datetime.max.replace(tzinfo=UTC)


def dues_of(checks: Iterable[Mapping[str, Any]]) -> tuple[Due, ...]:
    """Return every token once, by owner and then the one that ends first.

    Two TokenChecks that name different owners of one token are two rows: both have to know.
    """
    found: dict[tuple[str, str, str], Due] = {}
    for check in checks:
        for due in _of_check(check):
            key = (due.owner, due.namespace, due.source)
            found[key] = _merged(found[key], due) if key in found else due
    return tuple(sorted(found.values(), key=_order))


def omitted_of(checks: Iterable[Mapping[str, Any]]) -> int:
    """Return how many tokens the statuses had no room for."""
    statuses = (check.get("status") or {} for check in checks)
    return sum(int((status.get("omitted") or {}).get("tokens", 0)) for status in statuses)


def _of_check(check: Mapping[str, Any]) -> Iterable[Due]:
    meta, status = check["metadata"], check.get("status") or {}
    ref = (check.get("spec") or {}).get("workloadRef") or {}
    workload = (f"{ref['kind']}/{ref['name']}",) if "kind" in ref and "name" in ref else ()
    for token in status.get("tokens") or ():
        yield Due(
            owner=str(status.get("owner") or ""),
            namespace=meta["namespace"],
            source=str(token.get("source") or token.get("name", "")),
            checks=(meta["name"],),
            workloads=workload,
            ends_at=parse_time(token.get("expirationTime")),
        )


def _merged(one: Due, other: Due) -> Due:
    ends = [at for at in (one.ends_at, other.ends_at) if at is not None]
    return Due(
        owner=one.owner,
        namespace=one.namespace,
        source=one.source,
        checks=tuple(dict.fromkeys((*one.checks, *other.checks))),
        workloads=tuple(dict.fromkeys((*one.workloads, *other.workloads))),
        ends_at=min(ends, default=None),
    )


def _order(due: Due) -> tuple[bool, str, datetime, str, str]:
    """Owners by name, nobody's last; within, what ends first."""
    return not due.owner, due.owner, due.ends_at or _NEVER, due.namespace, due.source
