"""A token and the day on which it ends, as a rotation list shows it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One token, however many TokenChecks look at it.

    Args:
        owner: "" when nobody is named.
        source: where it is: ``Secret payments-api key "token"``.
        checks: names of the TokenChecks that look at it.
        workloads: ``Deployment/checkout`` of those that have one.
        ends_at: None for one that never ends, or whose end cannot be read.
    """

    owner: str
    namespace: str
    source: str
    checks: tuple[str, ...]
    workloads: tuple[str, ...] = ()
    ends_at: datetime | None = None
