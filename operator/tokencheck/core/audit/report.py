"""Rows and coverage -> Report."""

from collections.abc import Iterable
from datetime import datetime

from tokencheck.model.report import WORST_FIRST, Coverage, Report, Row

_RANK = {result: rank for rank, result in enumerate(WORST_FIRST)}


def report_of(rows: Iterable[Row], coverage: Coverage, now: datetime) -> Report:
    """Return the report of an audit at `now`, the worst first."""
    return Report(time=now, rows=tuple(sorted(rows, key=_order)), coverage=coverage)


def _order(row: Row) -> tuple[int, str, str, str]:
    return _RANK[row.result], row.namespace, row.workload, row.token
