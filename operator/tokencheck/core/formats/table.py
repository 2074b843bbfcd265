"""A report as a table, what to do about it, and how far the search reached."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from tokencheck.api.quantity import format_duration, format_time
from tokencheck.model.finding import Result
from tokencheck.model.reasons import Reason
from tokencheck.model.report import WORST_FIRST, Gap, Report, Row

Paint = Callable[[Result, str], str]  # colours a text by the result that it tells

_HEAD = ("RESULT", "NAMESPACE", "WORKLOAD", "TOKEN", "KIND", "EXPIRES", "REASON")
_WIDE = ("OWNER", "MOUNTED BY", "ISSUER", "SCOPES", "MESSAGE")
_MAX_DETAILS = 20  # a screen; -o wide, json and junit hold all
_MAX_NAMED = 6
_SECRETS = "Secrets"
_NOBODY = "(nobody)"
_SPLIT = " "


def plain(_: Result, text: str) -> str:
    """Return the text as it is."""
    return text


def table_of(report: Report, *, wide: bool = False, paint: Paint = plain) -> str:
    """Return the report as people read it; wide shows every column and finding in one line each."""
    blocks = []
    if report.rows:
        blocks.append(_table(report, paint, wide=wide))
    if not wide and (details := list(_details(report, paint))):
        blocks.append("\n".join(details))
    blocks.append("\n".join(_coverage(report, paint)))
    return "\n\n".join(blocks) + "\n"


def expiry_of(moment: datetime | None, now: datetime) -> str:
    """Return when a token ends, seen from `now`."""
    if moment is None:
        return "-"
    distance = format_duration(moment - now)
    return f"in {distance}" if moment > now else f"{distance} ago"


def _table(report: Report, paint: Paint, *, wide: bool) -> str:
    head = (*_HEAD, *_WIDE) if wide else _HEAD
    cells = [head, *(_cells(row, report.time, wide=wide) for row in report.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(head, widths)]
    for row, texts in zip(report.rows, cells[1:], strict=True):
        line = _line(texts, widths)
        first = len(texts[0])
        lines.append(paint(row.result, line[:first]) + line[first:])
    return "\n".join(lines)


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(t.ljust(w) for t, w in zip(texts, widths, strict=True)).rstrip()


def _cells(row: Row, now: datetime, *, wide: bool) -> tuple[str, ...]:
    narrow = (
        str(row.result),
        row.namespace,
        row.workload or (_NOBODY if row.unused else "-"),
        row.token or "-",
        row.kind or "-",
        expiry_of(row.expires_at, now),
        str(row.reason),
    )
    if not wide:
        return narrow
    return (
        *narrow,
        row.owner or "-",
        ", ".join(row.sites) or "-",
        row.issuer or "-",
        _SPLIT.join(row.scopes) if row.scopes else "-",
        row.message or "-",
    )


def _details(report: Report, paint: Paint) -> Iterable[str]:
    """What is wrong and what to do, the worst first, each cause once."""
    wrong = [row for row in report.rows if row.findings]
    for row in wrong[:_MAX_DETAILS]:
        where = f"{row.namespace}/{row.workload}" if row.workload else row.namespace
        for finding in row.findings:
            yield f"{paint(finding.result, str(finding.result))} {where}: {finding.message}"
            if finding.action:
                yield f"     next: {finding.action}"
    if len(wrong) > _MAX_DETAILS:
        yield f"… and {len(wrong) - _MAX_DETAILS} more; -o wide shows all."


def _coverage(report: Report, paint: Paint) -> Iterable[str]:
    coverage = report.coverage
    looked = (
        f"{_count(coverage.namespaces, 'namespace')}, {_count(coverage.workloads, 'workload')},"
        f" {_count(coverage.pods, 'Pod')}, {_count(coverage.secrets, 'Secret')} and"
        f" {_count(coverage.config_maps, 'ConfigMap')}"
    )
    yield f"Looked at {looked} as of {format_time(report.time)}."
    yield _summary(report, paint)
    if unused := sum(row.unused for row in report.rows):
        yield f"{_count(unused, 'token')} in Secrets that no workload takes, marked {_NOBODY}."
    if silent := report.count(Result.SKIP):
        yield f"Of {_count(silent, 'token')} only the place is known: nothing can be judged (Skip)."
    if unvouched := sum(row.reason is Reason.LOCAL_CHECKS_ONLY for row in report.rows):
        yield (
            f"Of {_count(unvouched, 'token')} only shape and dates were checked: a TokenCheck with"
            " a TokenProvider checks the rest (tokencheck init writes one)."
        )
    if coverage.automounting:
        yield (
            f"{_count(coverage.automounting, 'workload')} with the API server's own token in the"
            " Pods; automountServiceAccountToken: false takes it off where it is not needed."
        )
    yield from _gaps(coverage.gaps, paint)
    for note in coverage.notes:
        yield f"Note: {note}."


def _gaps(gaps: Sequence[Gap], paint: Paint) -> Iterable[str]:
    """What was not read, namespaces with the same gaps in one line."""
    kinds: dict[tuple[str, str], list[str]] = {}  # by namespace and reason
    for gap in gaps:
        if gap.kinds:
            kinds.setdefault((gap.namespace, str(gap.reason)), []).append(gap.kinds)
        else:
            yield f"{paint(Result.UNKNOWN, 'Not read')}: {gap.what} ({gap.reason}): {gap.action}."
    alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (namespace, reason), names in kinds.items():
        alike.setdefault((tuple(sorted(names)), reason), []).append(namespace)
    for (sorts, reason), namespaces in alike.items():
        where = f"in {_named(namespaces)}" if any(namespaces) else "in the whole cluster"
        yield f"{paint(Result.UNKNOWN, 'Not read')} {where}: {', '.join(sorts)} ({reason})."
    if kinds:
        # One example is enough, and Secrets are what matters most.
        first = min((gap for gap in gaps if gap.kinds), key=lambda gap: gap.kinds != _SECRETS)
        yield f"     next: {first.action}"


def _named(namespaces: Sequence[str]) -> str:
    if len(namespaces) == 1:
        return f"namespace {namespaces[0]}"
    shown = ", ".join(namespaces[:_MAX_NAMED])
    more = len(namespaces) - _MAX_NAMED
    return f"{len(namespaces)} namespaces ({shown}{f' and {more} more' if more > 0 else ''})"


def _summary(report: Report, paint: Paint) -> str:
    if not report.rows:
        if not report.coverage.workloads + report.coverage.secrets:
            return "Nothing was found to look at, so nothing is known."
        return "No token was found."
    counts = ((result, report.count(result)) for result in WORST_FIRST)
    parts = [paint(result, f"{count} {result}") for result, count in counts if count]
    return f"{_count(len(report.rows), 'token')}: {', '.join(parts)}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
