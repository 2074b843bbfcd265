"""A report as JUnit XML: a suite for each namespace, a test case for each check of each token.

Fail is a failure, Unknown an error, Skip is skipped; a warning passes and stands in system-out.
Source: the Jenkins xUnit schema and GitLab's parser, which agree on these elements.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from tokencheck.api.quantity import format_time
from tokencheck.model.finding import Finding, Result
from tokencheck.model.report import Gap, Report, Row

_COVERAGE = "coverage"
_NOBODY = "Secret"
# What XML 1.0 cannot hold at all. Source: XML 1.0, section 2.2.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_of(report: Report) -> str:
    """Return the report as JUnit XML."""
    rows = sorted(report.rows, key=lambda row: row.namespace)
    suites = [
        _Suite(namespace, [case for row in group for case in _cases(row)])
        for namespace, group in groupby(rows, key=lambda row: row.namespace)
    ]
    # An empty report must not look like one that passed.
    suites.append(_Suite(_COVERAGE, list(_reach(report))))
    total = _Suite("", [case for suite in suites for case in suite.cases])
    stamp = quoteattr(format_time(report.time).removesuffix("Z"))
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuites name="tokencheck" {total.counts}>')
    for suite in suites:
        lines.append(f"  <testsuite name={_attr(suite.name)} {suite.counts} timestamp={stamp}>")
        lines += (f"    {text}" for _, text in suite.cases)
        lines.append("  </testsuite>")
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


class _Suite:
    """A suite: its name, and its cases as (result, text)."""

    def __init__(self, name: str, cases: list[tuple[Result, str]]) -> None:
        self.name = name
        self.cases = cases

    @property
    def counts(self) -> str:
        """Return the attributes that count the cases."""
        results = [result for result, _ in self.cases]
        return (
            f'tests="{len(results)}" failures="{results.count(Result.FAIL)}"'
            f' errors="{results.count(Result.UNKNOWN)}" skipped="{results.count(Result.SKIP)}"'
        )


def _cases(row: Row) -> Iterator[tuple[Result, str]]:
    for finding in row.findings:
        yield finding.result, _case(row, finding.check, _body(finding))
    for check in row.passed:
        yield Result.PASS, _case(row, check, "")
    for check in row.skipped:
        yield Result.SKIP, _case(row, check, "<skipped/>")


def _case(row: Row, check: str, body: str) -> str:
    kind, _, name = row.workload.partition("/")
    place = f"{kind}.{name}" if name else f"{_NOBODY}.{row.secret}"
    return _element(place, f"{row.token} {check}" if row.token else check, body)


def _element(class_name: str, name: str, body: str) -> str:
    head = f"<testcase classname={_attr(class_name)} name={_attr(name)}"
    return f"{head}>{body}</testcase>" if body else f"{head}/>"


def _body(finding: Finding) -> str:
    text = f"{finding.message}\nNext: {finding.action}" if finding.action else finding.message
    match finding.result:
        case Result.FAIL:
            return _problem("failure", finding.reason, finding.message, text)
        case Result.UNKNOWN:
            return _problem("error", finding.reason, finding.message, text)
        case Result.SKIP:
            return f"<skipped message={_attr(text)}/>"
        case Result.WARN | Result.PASS:
            return f"<system-out>{_text(f'{finding.reason}: {text}')}</system-out>"


def _problem(element: str, kind: str, message: str, text: str) -> str:
    head = f"<{element} type={_attr(kind)} message={_attr(message)}>"
    return f"{head}{_text(text)}</{element}>"


def _reach(report: Report) -> Iterable[tuple[Result, str]]:
    coverage = report.coverage
    for gap in coverage.gaps:
        yield Result.UNKNOWN, _element(_COVERAGE, gap.what, _gap(gap))
    if not coverage.gaps and not coverage.workloads + coverage.secrets:
        text = "nothing was found to look at"
        body = _problem("error", "Pending", text, text)
        yield Result.UNKNOWN, _element(_COVERAGE, "everything that was asked for", body)
    elif not coverage.gaps:
        yield Result.PASS, _element(_COVERAGE, "everything that was asked for", "")


def _gap(gap: Gap) -> str:
    message = f"{gap.what} could not be read"
    return _problem("error", gap.reason, message, f"{message}\nNext: {gap.action}")


def _attr(text: str) -> str:
    return quoteattr(_FORBIDDEN.sub("?", text))


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("?", text))
