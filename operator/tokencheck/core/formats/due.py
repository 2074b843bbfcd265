"""A rotation list as Markdown for people, and as a calendar."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby

from tokencheck.api.quantity import format_duration, format_time
from tokencheck.model.due import Due

_NOBODY = "Nobody"
_FOLD_BYTES = 75  # Source: RFC 5545 section 3.1
_REMIND = "-P7D"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")


def markdown_of(dues: Sequence[Due], now: datetime) -> str:
    """Return a section for each owner, with a table of tokens, the one that ends first on top."""
    parts = [f"# Tokens to rotate\n\nAs of {format_time(now)}.\n"]
    if not dues:
        parts.append("\nNothing is due.\n")
    for owner, of_owner in groupby(dues, key=lambda due: due.owner):
        rows = "".join(_row(due, now) for due in of_owner)
        parts.append(
            f"\n## {_text(owner or _NOBODY)}\n\n"
            "| ends | token | namespace | used by | TokenChecks |\n|---|---|---|---|---|\n" + rows
        )
    return "".join(parts)


def told_end(due: Due, now: datetime) -> str:
    """Return when it ends: ``2027-01-31, in 3 d``, ``ended 2 h ago``, ``no end known``."""
    if due.ends_at is None:
        return "no end known"
    distance = format_duration(abs(due.ends_at - now))
    day = due.ends_at.astimezone(UTC).date().isoformat()
    return f"{day}, ended {distance} ago" if due.ends_at <= now else f"{day}, in {distance}"


def calendar_of(dues: Iterable[Due], now: datetime) -> str:
    """Return a calendar with an event at each token's end, and a reminder a week before.

    An event keeps its UID when the token is rotated, so a calendar that reads the list again moves
    it. Source: RFC 5545.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//tokencheck.dev//tokencheck//EN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Tokens to rotate",
    ]
    for due in dues:
        if due.ends_at is not None:
            lines += _event(due, due.ends_at, now)
    return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"])


def _row(due: Due, now: datetime) -> str:
    cells = (
        told_end(due, now),
        due.source,
        due.namespace,
        ", ".join(due.workloads) or "-",
        ", ".join(due.checks),
    )
    return f"| {' | '.join(map(_text, cells))} |\n"


def _event(due: Due, ends_at: datetime, now: datetime) -> Iterator[str]:
    digest = hashlib.sha256("\0".join((due.owner, due.namespace, due.source)).encode()).hexdigest()
    title = f"Token ends: {due.namespace}: {due.source}"
    about = (
        f"Owner: {due.owner or _NOBODY}\nUsed by: {', '.join(due.workloads) or '-'}\n"
        f"tokencheck explain {due.checks[0]} -n {due.namespace}"
    )
    yield "BEGIN:VEVENT"
    yield f"UID:{digest[:32]}@tokencheck.dev"
    yield f"DTSTAMP:{_stamp(now)}"
    yield f"DTSTART:{_stamp(ends_at)}"
    yield f"SUMMARY:{_escaped(title)}"
    yield f"DESCRIPTION:{_escaped(about)}"
    yield "TRANSP:TRANSPARENT"
    yield "BEGIN:VALARM"
    yield "ACTION:DISPLAY"
    yield f"DESCRIPTION:{_escaped(title)}"
    yield f"TRIGGER:{_REMIND}"
    yield "END:VALARM"
    yield "END:VEVENT"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    r"""Return TEXT. Source: RFC 5545 section 3.3.11: ``\``, ``;``, ``,`` and line breaks."""
    text = re.sub(r"([\\;,])", r"\\\1", re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", text))
    return re.sub(r"[\x00-\x08\x0e-\x1f\x7f]", "", text.replace("\n", "\\n"))


def _folded(line: str) -> str:
    """Return the line folded to 75 octets; no character is cut."""
    parts, size = [""], 0
    for letter in line:
        width = len(letter.encode("utf-8", "replace"))
        if size + width > _FOLD_BYTES:
            parts.append("")
            size = 1  # the space before it
        parts[-1] += letter
        size += width
    return "\r\n ".join(parts)


def _text(text: str) -> str:
    """Return text that stands in a table and formats nothing: an owner is free text."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
