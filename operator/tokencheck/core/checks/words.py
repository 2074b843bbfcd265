"""How findings are worded: where, what is wrong, what to do; which foreign text may be shown."""

from collections.abc import Iterable

from tokencheck.api.tokencheck import Level
from tokencheck.model.evidence import TokenEvidence
from tokencheck.model.finding import Check, Finding, Result
from tokencheck.model.reasons import Reason

MAX_SHOWN = 128  # characters of one claim value, as the status keeps them
_MAX_SOURCE = 160  # characters of namespace, Secret and key in one message
_MAX_LISTED = 6  # values named in one message; a message is cut at 256 bytes


def shown(text: str) -> str:
    """Return at most 128 printable ASCII characters of `text`, whoever wrote it."""
    cut = text[:MAX_SHOWN]
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(c if " " <= c <= "~" else "?" for c in cut)


def listed(values: Iterable[str], *, of: int = 0) -> str:
    """Return the values quoted and joined by commas, those beyond the sixth only counted.

    Args:
        of: how many there are, where `values` are only the first of them.
    """
    all_values = tuple(values)
    names = ", ".join(f'"{shown(value)}"' for value in all_values[:_MAX_LISTED])
    more = max(of, len(all_values)) - _MAX_LISTED
    return (f"{names} and {more} more" if more > 0 else names) or "none"


def passed(token: TokenEvidence, check: Check, detail: str) -> Finding:
    """Return that the token meets the expectation."""
    return _finding(token, check, Result.PASS, Reason.VALID, detail)


def failed(
    token: TokenEvidence, check: Check, reason: Reason, detail: str, *, action: str
) -> Finding:
    """Return that the token does not meet the expectation."""
    return _finding(token, check, Result.FAIL, reason, detail, action=action)


def warned(
    token: TokenEvidence, check: Check, reason: Reason, detail: str, *, action: str
) -> Finding:
    """Return what deserves attention and moves nothing."""
    return _finding(token, check, Result.WARN, reason, detail, action=action)


def unknown(
    token: TokenEvidence, check: Check, reason: Reason, detail: str, *, action: str
) -> Finding:
    """Return that what the spec asks for cannot be told."""
    return _finding(token, check, Result.UNKNOWN, reason, detail, action=action)


def skipped(
    token: TokenEvidence, check: Check, reason: Reason, detail: str, *, action: str = ""
) -> Finding:
    """Return that the check did not run and need not."""
    return _finding(token, check, Result.SKIP, reason, detail, action=action)


def by_policy(level: Level, found: Finding) -> Finding:
    """Return a finding as the policy wants it: a failure, a warning, or Skip (Ignored)."""
    result = {Level.FAIL: Result.FAIL, Level.WARN: Result.WARN, Level.IGNORE: Result.SKIP}[level]
    return Finding(
        token=found.token,
        check=found.check,
        result=result,
        reason=Reason.IGNORED if level is Level.IGNORE else found.reason,
        message=found.message,
        action=found.action,
    )


def _short(source: str) -> str:
    """A name may have 253 characters, a message 256 bytes: what is wrong must stand in it too."""
    if len(source) <= _MAX_SOURCE:
        return source
    return f"{source[: _MAX_SOURCE // 2]}...{source[-_MAX_SOURCE // 2 :]}"


def _finding(
    token: TokenEvidence,
    check: Check,
    result: Result,
    reason: Reason,
    detail: str,
    *,
    action: str = "",
) -> Finding:
    return Finding(
        token=token.spec.name,
        check=check,
        result=result,
        reason=reason,
        message=f"{_short(token.source)}: {detail}",
        action=action,
    )
