"""Drift: the token became another one than was accepted, in more than its dates.

The baseline comes back from the status, where texts and lists are cut and an empty list is like
none; both sides are compared in that form.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from tokencheck.api.quantity import format_duration
from tokencheck.api.tokencheck import Policy
from tokencheck.core.checks.reading import text_of, unjudged
from tokencheck.core.checks.words import by_policy, listed, passed, shown, warned
from tokencheck.model.assessment import TokenAssessment
from tokencheck.model.evidence import Absent, Baseline, Held, TokenEvidence
from tokencheck.model.facts import Claims
from tokencheck.model.finding import Check, Finding, Verdict
from tokencheck.model.reasons import Reason

_MAX_LIST_CHARACTERS = 256
_DIGEST = "sha256:"
_MAX_ITEMS = 16  # audiences and scopes that the status keeps
# An issuer rounds, and a capped lifetime varies by a little: 60 s or 5 %, whichever is more.
_LIFETIME_SECONDS = 60
_LIFETIME_PERCENT = 5
_ACTION = "accept it with the annotation tokencheck.dev/accept-drift, or put the right token back"


def check_drift(token: TokenEvidence, policy: Policy, _now: datetime) -> tuple[Finding, ...]:
    """Return whether the token differs from its baseline; one without has left nothing."""
    if _removed(token):
        detail = "the key is gone from the Secret"
        gone = warned(token, Check.DRIFT, Reason.DRIFTED, detail, action=_ACTION)
        return (by_policy(policy.drift, gone),)
    if text_of(token) is None:
        return unjudged(token, Check.DRIFT)
    if token.baseline is None:
        return (passed(token, Check.DRIFT, "no baseline yet: the first valid verdict makes it"),)
    changes = tuple(_changes(token))
    if not changes:
        return (passed(token, Check.DRIFT, "as it was accepted"),)
    detail = "; ".join(f"{name} {how}" for name, how in changes)
    if token.drift_accepted:
        return (passed(token, Check.DRIFT, f"changed and accepted: {detail}"),)
    found = warned(token, Check.DRIFT, Reason.DRIFTED, f"changed: {detail}", action=_ACTION)
    return (by_policy(policy.drift, found),)


def drift_of(token: TokenEvidence) -> tuple[str, ...]:
    """Return the names of what differs from the baseline and was not accepted."""
    if token.drift_accepted:
        return ()
    if _removed(token):
        return ("removed",)
    return tuple(name for name, _ in _changes(token))


def next_baseline(token: TokenAssessment) -> Baseline | None:
    """Return what is to be kept as the token's baseline after this verdict.

    A Valid token makes the first one. An accepted drift ends the old one: a Valid token takes its
    place at once, else the next Valid one does. Everything else keeps it: a drift that nobody
    accepted, above all, and a lifetime that creeps within the tolerance.
    """
    held, old = text_of(token.evidence), token.evidence.baseline
    if held is None or token.drifted:
        return old
    left = old is None or (token.evidence.drift_accepted and any(_changes(token.evidence)))
    if token.verdict is not Verdict.VALID:
        return None if left else old
    now = _facts(held)
    if old is None or left:
        return now
    # The status keeps no subject: after a restart the token that has not drifted says it again.
    return old if old.subject is not None else replace(old, subject=now.subject)


def _removed(token: TokenEvidence) -> bool:
    return isinstance(token.holding, Absent) and token.holding.removed


def _facts(held: Held) -> Baseline:
    claims, header = held.facts.claims or held.facts.terms or Claims(), held.facts.header
    lifetime = None
    if claims.issued_at and claims.expires_at:
        # One that ends before it was issued lives for no time: the status takes no negative number.
        lifetime = max(0, round((claims.expires_at - claims.issued_at).total_seconds()))
    return Baseline(
        issuer=_text(claims.issuer),
        audiences=None if claims.audiences is None else _items(claims.audiences),
        scopes=None if claims.scopes is None else _items(claims.scopes),
        lifetime_seconds=lifetime,
        algorithm=_text(header.algorithm if header else None),
        kind=shown(held.facts.kind),
        subject=claims.subject,
    )


def _changes(token: TokenEvidence) -> Iterator[tuple[str, str]]:
    """Yield what differs and how; the values of `sub` stay unsaid."""
    held, old = text_of(token), token.baseline
    if held is None or old is None:
        return
    now = _facts(held)
    for name, was, is_now in (
        ("kind", old.kind, now.kind),
        ("algorithm", _text(old.algorithm), now.algorithm),
        ("issuer", _text(old.issuer), now.issuer),
    ):
        if was != is_now:
            yield name, f"from {was or 'none'} to {is_now or 'none'}"
    if old.subject is not None and old.subject != now.subject:
        yield "subject", "to another"
    for name, had, has in (
        ("audiences", _items(old.audiences), _items(now.audiences)),
        ("scopes", _items(old.scopes), _items(now.scopes)),
    ):
        if had != has:
            yield name, f"from {listed(had)} to {listed(has)}"
    if _other_lifetime(old.lifetime_seconds, now.lifetime_seconds):
        yield "lifetime", f"from {_length(old.lifetime_seconds)} to {_length(now.lifetime_seconds)}"


def _other_lifetime(was: int | None, is_now: int | None) -> bool:
    if was is None or is_now is None:
        return was is not is_now
    return abs(was - is_now) > max(_LIFETIME_SECONDS, abs(was) * _LIFETIME_PERCENT / 100)


def _length(seconds: int | None) -> str:
    return "none" if seconds is None else format_duration(timedelta(seconds=seconds))


def _text(text: str | None) -> str | None:
    return None if text is None else shown(text)


def _items(values: Iterable[str] | None) -> tuple[str, ...]:
    """The form in which lists are kept and compared: what is long is kept as its digest.

    The baselines of eight tokens must fit into one status, or a drift would end unseen.
    """
    items = tuple(sorted({shown(value) for value in values or ()})[:_MAX_ITEMS])
    if sum(map(len, items)) <= _MAX_LIST_CHARACTERS or items[0].startswith(_DIGEST):
        return items
    return (_DIGEST + sha256("\0".join(items).encode()).hexdigest()[:32],)
