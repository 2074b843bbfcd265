"""Documents of verdicts as lines for people."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tokencheck.cli.moments import aged
from tokencheck.cli.screen import Screen, table

_LISTED = 6  # sites, scopes and audiences in one line


def told_counts(summary: Mapping[str, int]) -> str:
    """Return how many checks came to which result: ``7 pass, 1 fails, 2 were skipped``."""
    words = (
        ("pass", "passes", "pass"),
        ("fail", "fails", "fail"),
        ("unknown", "is unknown", "are unknown"),
        ("warn", "warns", "warn"),
        ("skip", "did not apply", "did not apply"),
    )
    counts = [(summary.get(name, 0), one, more) for name, one, more in words]
    parts = [f"{count} {one if count == 1 else more}" for count, one, more in counts if count]
    return f"Checks: {', '.join(parts)}." if parts else "No check ran."


def token_lines(token: Mapping[str, Any], now: datetime, screen: Screen) -> list[str]:
    """Return what is known of one token, a fact a line."""
    scopes = token.get("scopes") or {}
    stale = token.get("stalePods")
    facts = [
        ("source", token.get("source")),
        ("sites", _joined(token.get("sites"), ", ")),
        ("kind", token.get("kind")),
        ("provider", token.get("provider")),
        ("issuer", token.get("issuer")),
        ("audiences", _joined(token.get("audiences"), ", ")),
        ("scopes", _joined(scopes.get("granted"), " ")),
        ("missing scopes", _joined(scopes.get("missing"), " ")),
        ("excess scopes", _joined(scopes.get("excess"), " ")),
        ("issued", _aged(token.get("issueTime"), now)),
        ("not before", _aged(token.get("notBeforeTime"), now)),
        ("expires", _aged(token.get("expirationTime"), now)),
        ("changed", _aged(token.get("changedTime"), now)),
        ("baseline", _baseline(token.get("baseline"))),
        ("stale Pods", str(stale) if stale else None),
    ]
    rows = [(f"  {screen_name}", str(value)) for screen_name, value in facts if value]
    return table(("", ""), rows, screen)


def finding_lines(
    findings: Sequence[Mapping[str, Any]],
    now: datetime,
    screen: Screen,
    *,
    sources: Iterable[str] = (),
    tokens: bool = False,
) -> list[str]:
    """Return the findings as a table, each with what to do next.

    Args:
        sources: where tokens are; said once above, so not again before each message.
        tokens: whether a column names the token.
    """
    known = tuple(sources)
    piped = screen.width is None
    titles = ["RESULT", "CHECK", "REASON", "MESSAGE"]
    rows = []
    for finding in findings:
        message = aged(_without(known, finding.get("message", "")), now)
        action = finding.get("action", "")
        row = [finding.get(name, "") for name in ("result", "check", "reason")]
        if tokens:
            row.insert(1, finding.get("token", "") or "-")
        row += [message, action] if piped else [f"{message}\n-> {action}" if action else message]
        rows.append(row)
    if tokens:
        titles.insert(1, "TOKEN")
    if piped:
        titles.append("NEXT ACTION")
    return table(titles, rows, screen, loose=True)


def _without(sources: tuple[str, ...], message: str) -> str:
    for source in sources:
        if message.startswith(f"{source}: "):
            return message[len(source) + 2 :]
    return message


def _aged(text: str | None, now: datetime) -> str | None:
    return aged(text, now) if text else None


def _joined(values: Sequence[str] | None, between: str) -> str | None:
    if not values:
        return None
    more = len(values) - _LISTED
    return between.join(values[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _baseline(baseline: Mapping[str, Any] | None) -> str | None:
    if not baseline:
        return None
    shown = {
        "issuer": baseline.get("issuer"),
        "audiences": _joined(baseline.get("audiences"), " "),
        "scopes": _joined(baseline.get("scopes"), " "),
        "lifetime": f"{baseline['lifetimeSeconds']} s" if "lifetimeSeconds" in baseline else None,
        "algorithm": baseline.get("algorithm"),
        "kind": baseline.get("kind"),
    }
    return ", ".join(f"{name} {value}" for name, value in shown.items() if value)
