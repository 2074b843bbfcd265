"""Every rule of the checks, a row each: the evidence, the moment, and what must be found.

A row names all findings that are not Pass, in the order that names the reason of the verdict; what
it does not say about the token is good (``conftest.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tokencheck.core.checks.chain import judge
from tokencheck.model.evidence import Evidence
from tokencheck.model.finding import Finding, Result

Row = Mapping[str, Any]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TABLES = sorted(Path(__file__).parent.glob("*.yaml"))
ROWS = [
    pytest.param(row, id=f"{table.stem}: {row['says']}")
    for table in TABLES
    for row in yaml.safe_load(table.read_text())
]


def line(finding: Finding) -> str:
    return f"{finding.check} {finding.result} {finding.reason}"


def of(findings: tuple[Finding, ...], check: str) -> Finding:
    """Return the worst finding of a check."""
    return next(finding for finding in findings if finding.check == check)


@pytest.mark.parametrize("row", ROWS)
def test_judge_finds(row: Row, evidence_of: Callable[[Row], Evidence]) -> None:
    assessment = judge(evidence_of(row), row.get("now", NOW))
    found = assessment.findings
    assert [line(f) for f in found if f.result is not Result.PASS] == row["finds"]
    passed = {str(f.check) for f in found if f.result is Result.PASS}
    assert passed >= set(row.get("passes", ()))
    assert not passed & set(row.get("silent", ()))
    for check, message in row.get("message", {}).items():
        assert of(found, check).message == message
    for check, action in row.get("action", {}).items():
        assert of(found, check).action == action
    assert assessment.verdict == row.get("verdict", assessment.verdict)
    assert assessment.wake_at == row.get("wakes", assessment.wake_at)
    for name, value in row.get("token_is", {}).items():
        got = getattr(assessment.tokens[0], name)
        assert (list(got) if isinstance(got, tuple) else got) == value
    tests = [line(f) for f in assessment.test_findings if f.result is not Result.PASS]
    assert tests == row.get("test_finds", [])


@pytest.mark.parametrize("row", ROWS)
def test_what_is_not_good_says_what_to_do_next(
    row: Row, evidence_of: Callable[[Row], Evidence]
) -> None:
    for finding in judge(evidence_of(row), row.get("now", NOW)).findings:
        if finding.result in (Result.FAIL, Result.UNKNOWN, Result.WARN):
            assert finding.action, finding
        if finding.result is Result.PASS:
            assert not finding.action, finding


@pytest.mark.parametrize("row", ROWS)
def test_no_message_shows_a_subject(row: Row, evidence_of: Callable[[Row], Evidence]) -> None:
    for finding in judge(evidence_of(row), row.get("now", NOW)).findings:
        assert "canary-subject" not in finding.message + finding.action
