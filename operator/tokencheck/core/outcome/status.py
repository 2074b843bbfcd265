"""The status of a TokenCheck, worst first, within 16 KiB."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from tokencheck.api.quantity import format_time
from tokencheck.api.tokencheck import ANNOTATION_CHECK_NOW, SecretKeyRef, TokenCheck
from tokencheck.core.outcome.bypass import Bypass
from tokencheck.core.outcome.condition import since
from tokencheck.core.outcome.words import cut
from tokencheck.model.assessment import Assessment, TokenAssessment
from tokencheck.model.evidence import Baseline, Held
from tokencheck.model.finding import Finding, Result

if TYPE_CHECKING:
    from tokencheck.model.workload import Site

MAX_STATUS_BYTES = 16 * 1024  # design section 3: caps alone gave 35 KB
MAX_TEXT_BYTES = 256
MAX_ITEMS = 16  # sites, audiences and scopes of one token
MAX_TOKENS = MAX_FINDINGS = 32
MIN_FINDINGS = 4
BUDGET_BYTES = MAX_STATUS_BYTES - 6 * 1024  # fourteen conditions with messages of 512 bytes
_MEMORY = ("name", "verdict", "reason", "resourceVersion", "changedTime", "baseline")


def results_status(
    assessment: Assessment,
    baselines: Mapping[str, Baseline | None],
    stored: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """Return the part of the status that speaks of tokens, cut to the byte budget.

    Args:
        assessment: findings worst first.
        baselines: by token name, what is to be kept as its baseline.
        stored: the status that stands, which knows since when each finding does.
        now: when a finding that is new begins.
    """
    findings = [
        f for f in assessment.findings + assessment.test_findings if f.result is not Result.PASS
    ]
    tokens = _worst_first(assessment)
    known = {named(f): began for f in stored.get("findings") or () if (began := since(f, now))}
    shown_findings = [_finding(f, known, now) for f in findings[:MAX_FINDINGS]]
    shown_tokens = [
        token_status(t, baselines.get(t.evidence.spec.name)) for t in tokens[:MAX_TOKENS]
    ]
    counts = _counts(assessment)
    fields: dict[str, Any] = {
        "verdict": str(assessment.verdict),
        "summary": counts,
        "checks": f"{counts['pass']}/{sum(counts.values()) - counts['skip']}",
        "expirationTime": _soonest(assessment),
        "tokens": shown_tokens,
        "findings": shown_findings,
    }
    _fit(fields, frozenset(t.evidence.spec.name for t in tokens if t.evidence.spec.listed))
    omitted = {
        "findings": len(findings) - len(fields["findings"]),
        "tokens": len(tokens) - len(fields["tokens"]),
    }
    if any(omitted.values()):
        fields["omitted"] = omitted
    return {name: value for name, value in fields.items() if value is not None}


def common_fields(check: TokenCheck, bypass: Bypass | None) -> dict[str, Any]:
    """Return what every status holds, whatever was judged."""
    fields: dict[str, Any] = {"observedGeneration": check.generation}
    fields |= bypass.fields if bypass else {}
    if request := check.annotations.get(ANNOTATION_CHECK_NOW):
        fields["lastHandledCheckNow"] = request[:128]
    if owner := check.owner:
        fields["owner"] = owner[:128]
    return fields


def _fit(fields: dict[str, Any], listed: frozenset[str]) -> None:
    """Cut `fields` to the budget, the least telling first; room is left for conditions.

    Findings go first, then what is shown of a token beside its memory (baseline and versions, by
    which drift is told after a restart), then tokens that nobody listed.
    """
    if _size(fields) <= BUDGET_BYTES:
        return
    while _size(fields) > BUDGET_BYTES and len(fields["findings"]) > MIN_FINDINGS:
        fields["findings"].pop()
    tokens = fields["tokens"]
    for place in reversed(range(len(tokens))):
        if _size(fields) <= BUDGET_BYTES:
            return
        tokens[place] = {name: tokens[place][name] for name in _MEMORY if name in tokens[place]}
    for place in reversed(range(len(tokens))):
        if _size(fields) > BUDGET_BYTES and tokens[place]["name"] not in listed:
            del tokens[place]


def _size(fields: dict[str, Any]) -> int:
    return len(json.dumps(fields).encode())


_WORST_FIRST = (Result.FAIL, Result.UNKNOWN, Result.WARN, Result.PASS, Result.SKIP)


def _worst(token: TokenAssessment) -> Finding | None:
    """The findings of a token stand in the order of the chain: the first of the worst result."""
    return min(token.findings, key=lambda f: _WORST_FIRST.index(f.result), default=None)


def _worst_first(assessment: Assessment) -> list[TokenAssessment]:
    """The token of the worst finding comes first: what is kept of it says whose cause Ready is."""
    cause = assessment.findings[0].token if assessment.findings else None
    return sorted(assessment.tokens, key=lambda t: (t.evidence.spec.name != cause, _rank(t)))


def _rank(token: TokenAssessment) -> tuple[int, str]:
    worst = _worst(token)
    rank = _WORST_FIRST.index(worst.result) if worst else len(_WORST_FIRST)
    return rank, token.evidence.spec.name


def _counts(assessment: Assessment) -> dict[str, int]:
    counts = {str(result).lower(): 0 for result in Result}
    for finding in assessment.findings:
        counts[str(finding.result).lower()] += 1
    return counts


def _soonest(assessment: Assessment) -> str | None:
    ends = [t.expires_at for t in assessment.tokens if t.expires_at is not None]
    return format_time(min(ends)) if ends else None


Name: TypeAlias = tuple[str, str, str]


def named(finding: Mapping[str, Any]) -> Name:
    """Return what makes a finding of a status the same one in the next: token, check, reason."""
    return (
        str(finding.get("token", "")),
        str(finding.get("check", "")),
        str(finding.get("reason", "")),
    )


def _finding(finding: Finding, known: Mapping[Name, datetime], now: datetime) -> dict[str, str]:
    fields = {
        "token": finding.token,
        "check": str(finding.check),
        "result": str(finding.result),
        "reason": str(finding.reason),
        "message": cut(finding.message, MAX_TEXT_BYTES),
        "action": cut(finding.action, MAX_TEXT_BYTES),
    }
    fields["since"] = format_time(known.get(named(fields), now))
    return {name: value for name, value in fields.items() if value}


def token_status(token: TokenAssessment, baseline: Baseline | None) -> dict[str, Any]:
    """Return what a status says of one token, `baseline` being the one that is kept of it."""
    evidence = token.evidence
    worst = _worst(token)
    held = evidence.holding if isinstance(evidence.holding, Held) else None
    claims = held.facts.claims if held else None
    fields: dict[str, Any] = {
        "name": evidence.spec.name,
        "source": cut(evidence.source, MAX_TEXT_BYTES),
        "sites": [cut(_site(site), MAX_TEXT_BYTES) for site in evidence.sites[:MAX_ITEMS]],
        "kind": held.facts.kind if held else _kind_unread(token),
        "verdict": str(token.verdict),
        "reason": str(worst.reason) if worst else None,
        "message": cut(worst.message, MAX_TEXT_BYTES) if worst else None,
        "provider": evidence.trust.provider,
        "issuer": _shown(claims.issuer) if claims else None,
        "audiences": _shown_list(claims.audiences) if claims else None,
        "scopes": _scopes(token),
        "issueTime": _time(claims.issued_at) if claims else None,
        "notBeforeTime": _time(claims.not_before) if claims else None,
        "expirationTime": _time(token.expires_at),
        "changedTime": _time(held.secret.changed_at) if held and _changed(held) else None,
        "resourceVersion": held.secret.resource_version if held else None,
        "baseline": _baseline(baseline),
        "stalePods": len(evidence.stale.names) if evidence.stale.certain else None,
    }
    return {name: value for name, value in fields.items() if value not in (None, "", [], {}, 0)}


def _changed(held: Held) -> bool:
    """Return whether the value is known to be another one than the Secret was created with."""
    return held.secret.witnessed and held.secret.changed_at != held.secret.created_at


def _site(site: Site) -> str:
    container = f" of {site.container}" if site.container else ""
    return f"{site.kind} {site.where}{container}"


def _kind_unread(token: TokenAssessment) -> str | None:
    return None if isinstance(token.evidence.spec.source, SecretKeyRef) else "ServiceAccountToken"


def _scopes(token: TokenAssessment) -> dict[str, list[str]]:
    lists = {"granted": token.granted or (), "missing": token.missing, "excess": token.excess}
    return {name: _shown_list(values) for name, values in lists.items() if values}


def _baseline(baseline: Baseline | None) -> dict[str, Any] | None:
    if baseline is None:
        return None
    fields: dict[str, Any] = {
        "issuer": _shown(baseline.issuer),
        "audiences": None if baseline.audiences is None else _shown_list(baseline.audiences),
        "scopes": None if baseline.scopes is None else _shown_list(baseline.scopes),
        "lifetimeSeconds": baseline.lifetime_seconds,
        "algorithm": baseline.algorithm,
        "kind": baseline.kind or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


def _shown(text: str | None) -> str | None:
    """Printable ASCII only: a claim is written by whoever made the token."""
    if text is None:
        return None
    short = text[:128]
    if short.isascii() and short.isprintable():
        return short
    return "".join(c if " " <= c <= "~" else "?" for c in short)


def _shown_list(values: tuple[str, ...] | None) -> list[str]:
    return [shown for value in (values or ())[:MAX_ITEMS] if (shown := _shown(value)) is not None]
