"""The latest result of each check, as small records: what metrics and pages show."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tokencheck.api.shared import shared
from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.outcome.condition import Type
from tokencheck.model.assessment import Assessment, TokenAssessment
from tokencheck.model.evidence import Held
from tokencheck.model.finding import Check, Finding, Result
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Outcome
from tokencheck.model.reasons import Reason
from tokencheck.web.tally import Tally

MAX_TOKENS = 64  # series of one check; a workload can mount Secrets with a thousand keys
MAX_OWNER = 128  # characters; it is free text and becomes a label
# Unknown outranks Warn: where something is not known, nothing is known to be fine.
_WORST_FIRST = (Result.FAIL, Result.UNKNOWN, Result.WARN, Result.PASS, Result.SKIP)
_CONDITIONS = frozenset(map(str, Type))
_NO_COUNTS = (0,) * len(Result)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTimes:
    """One token's dates in seconds since the epoch, None where it has none, and kinds of drift."""

    name: str
    expires_at: float | None
    issued_at: float | None
    drifted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is shown of one check.

    Args:
        conditions: (type, status) of our own conditions.
        results: (check, worst result over the Live tokens), in the order of the chain.
        counts: findings by result, in the order of `Result`; those of Test tokens included.
        stale_pods: Pods that keep an older token.
        judged_at: seconds since the epoch of the last pass that judged the tokens and left its
            verdict in the status; None while none did (suspended, invalid).
    """

    namespace: str
    name: str
    owner: str
    conditions: tuple[tuple[str, str], ...]
    results: tuple[tuple[Check, Result], ...]
    tokens: tuple[TokenTimes, ...]
    counts: tuple[int, ...]
    stale_pods: int
    judged_at: float | None


class ResultBoard:
    """Keeps one entry per check (`model.ports.Board`); a pass that changed nothing is put too."""

    def __init__(
        self,
        now: Callable[[], float],
        tally: Tally,
        *,
        leads: Callable[[Key], bool] = lambda _: True,
    ) -> None:
        """Start empty.

        Args:
            now: seconds since the epoch.
            tally: told of findings and of drifts that are new.
            leads: what is shown and counted: of a check that two processes judge, one shows it.
        """
        self._leads = leads
        self._now = now
        self._tally = tally
        self._entries: dict[Key, Entry] = {}

    def put(
        self, key: Key, check: TokenCheck, assessment: Assessment | None, outcome: Outcome
    ) -> None:
        """Replace what is shown of this check, and count what its pass found."""
        before = self._entries.get(key)
        shown = _shown(key, outcome)
        if assessment is not None:
            findings = (*assessment.findings, *assessment.test_findings)
            entry = _judged(shown, assessment, findings, self._now())
            if self._leads(key):
                self._tally.judged(findings)
                self._tally.drifted(_new_drifts(entry, before, check.status))
        elif before is None or check.spec.suspend or check.invalid:
            entry = shown
        else:  # the opening of a rollout: what was found last still stands until all is judged
            entry = replace(before, owner=shown.owner, conditions=shown.conditions)
        self._entries[key] = entry

    def confirm(self, key: Key) -> None:
        """Show that what is shown of this check is right now."""
        entry = self._entries.get(key)
        if entry is not None and entry.judged_at is not None:
            self._entries[key] = replace(entry, judged_at=self._now())

    def drop(self, key: Key) -> None:
        """Show nothing of it any more."""
        self._entries.pop(key, None)

    def entries(self) -> tuple[Entry, ...]:
        """Return the entries of what this process leads, as they are now."""
        return tuple(entry for key, entry in self._entries.items() if self._leads(key))

    def __len__(self) -> int:
        """Return how many checks are shown."""
        return len(self._entries)


def _shown(key: Key, outcome: Outcome) -> Entry:
    """Return what is known without any token being judged."""
    return Entry(
        namespace=key.namespace,
        name=key.name,
        owner=str(outcome.status.get("owner") or "")[:MAX_OWNER],
        conditions=shared(_conditions(outcome.status)),
        results=(),
        tokens=(),
        counts=_NO_COUNTS,
        stale_pods=0,
        judged_at=None,
    )


def _judged(
    shown: Entry, assessment: Assessment, findings: tuple[Finding, ...], now: float
) -> Entry:
    held = (token.evidence.stale for token in assessment.tokens)
    stale = (pods.names for pods in held if pods.certain)
    return replace(
        shown,
        results=shared(_worst(assessment.findings)),
        tokens=_tokens(assessment.tokens),
        counts=shared(_counts(findings)),
        stale_pods=len(frozenset().union(*stale)),
        judged_at=now,
    )


def _conditions(status: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return ours; foreign ones would be labels that anybody can choose."""
    listed = ((str(c.get("type")), str(c.get("status"))) for c in status.get("conditions") or ())
    return tuple({kind: state for kind, state in listed if kind in _CONDITIONS}.items())


def _worst(findings: Iterable[Finding]) -> tuple[tuple[Check, Result], ...]:
    found: dict[Check, set[Result]] = {}
    for finding in findings:
        found.setdefault(finding.check, set()).add(finding.result)
    return tuple(
        (check, next(result for result in _WORST_FIRST if result in found[check]))
        for check in Check
        if check in found
    )


def _counts(findings: Iterable[Finding]) -> tuple[int, ...]:
    counts = dict.fromkeys(Result, 0)
    for finding in findings:
        counts[finding.result] += 1
    return tuple(counts.values())


def _tokens(tokens: Iterable[TokenAssessment]) -> tuple[TokenTimes, ...]:
    """Return one per name (two series of equal labels would void the scrape), soonest first."""
    times = {token.name: token for token in map(_times, tokens)}.values()
    return tuple(sorted(times, key=lambda t: (t.expires_at is None, t.expires_at))[:MAX_TOKENS])


def _times(token: TokenAssessment) -> TokenTimes:
    holding = token.evidence.holding
    claims = holding.facts.claims if isinstance(holding, Held) else None
    issued_at = claims.issued_at if claims else None
    return TokenTimes(
        name=token.evidence.spec.name,
        expires_at=token.expires_at.timestamp() if token.expires_at else None,
        issued_at=issued_at.timestamp() if issued_at else None,
        drifted=token.drifted,
    )


def _new_drifts(entry: Entry, before: Entry | None, stored: Mapping[str, Any]) -> Iterator[str]:
    """Yield kinds that were not drifted before; what a restart finds drifted is not new."""
    if not any(token.drifted for token in entry.tokens):
        return
    was_drifted = (str(Type.DRIFTED), "True") in _conditions(stored) or _ignored_drift(stored)
    known = {token.name: token.drifted for token in before.tokens} if before else {}
    for token in entry.tokens:
        kinds = known.get(token.name, token.drifted if was_drifted else ())
        yield from (kind for kind in token.drifted if kind not in kinds)


def _ignored_drift(stored: Mapping[str, Any]) -> bool:
    """Return whether there was a drift that the policy ignores, so that no condition says it."""
    return any(
        finding.get("check") == Check.DRIFT and finding.get("reason") == Reason.IGNORED
        for finding in stored.get("findings") or ()
    )
