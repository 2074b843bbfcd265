"""The result of an audit: a row for each token that was found, and how far the search reached."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tokencheck.model.finding import Check, Finding, Result, Verdict
from tokencheck.model.reasons import Reason

WORST_FIRST = (Result.FAIL, Result.UNKNOWN, Result.WARN, Result.PASS, Result.SKIP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One token at one workload.

    Args:
        workload: ``Deployment/checkout``; "" for a token that no workload takes.
        check: name of the TokenCheck whose expectations were used; "" when none was written.
        token: its name: ``SECRET/KEY`` for one that was discovered.
        secret, key: where it is; "" when no Secret holds it.
        kind: of the token (``JWT``, ``GitHub`` …); "" when it could not be read.
        result: the worst of its findings; Skip when nothing could be judged.
        sites: how containers take it (``env TOKEN of app``).
        issuer, audiences, scopes: what its claims say; None when they say nothing.
        findings: those that are Fail, Unknown or Warn, and those that were skipped with something
            to do about it; worst first. passed and skipped are the other checks.
    """

    namespace: str
    workload: str
    token: str
    verdict: Verdict
    result: Result
    reason: Reason
    check: str = ""
    secret: str = ""
    key: str = ""
    kind: str = ""
    message: str = ""
    action: str = ""
    expires_at: datetime | None = None
    owner: str = ""
    sites: tuple[str, ...] = ()
    issuer: str | None = None
    audiences: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    findings: tuple[Finding, ...] = ()
    passed: tuple[Check, ...] = ()
    skipped: tuple[Check, ...] = ()

    @property
    def unused(self) -> bool:
        """Return whether no workload that was seen takes the token, and no TokenCheck names it."""
        return not self.workload and not self.check


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that could not be looked at; it may hold tokens, so it is never fine.

    Args:
        what: for people: ``Secrets in namespace shop``.
        action: what the caller can do about it.
        kinds, namespace: of what could not be listed; "" when it is no list, or of the whole
            cluster.
    """

    what: str
    reason: Reason
    action: str
    kinds: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How far the search reached.

    Args:
        secrets_without_token: of those read, how many hold nothing that looks like a token.
        automounting: workloads whose Pods get the API server's token by themselves.
        notes: what to know about the search that leaves no token out.
    """

    namespaces: int = 0
    workloads: int = 0
    pods: int = 0
    secrets: int = 0
    config_maps: int = 0
    secrets_without_token: int = 0
    automounting: int = 0
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An audit.

    Args:
        time: the moment that was judged.
        rows: worst first, then by namespace, workload and token.
    """

    time: datetime
    rows: tuple[Row, ...]
    coverage: Coverage

    @property
    def verdict(self) -> Verdict:
        """Return Invalid for any Fail, else Unknown for anything unread or nothing looked at."""
        results = {row.result for row in self.rows}
        looked_at = self.coverage.workloads + self.coverage.secrets
        if Result.FAIL in results:
            return Verdict.INVALID
        if Result.UNKNOWN in results or self.coverage.gaps or not looked_at:
            return Verdict.UNKNOWN
        return Verdict.VALID

    def count(self, result: Result) -> int:
        """Return how many rows have this result."""
        return sum(row.result is result for row in self.rows)


def worst_of(results: Iterable[Result]) -> Result:
    """Return the worst result; Skip for none."""
    return min(results, key=WORST_FIRST.index, default=Result.SKIP)
