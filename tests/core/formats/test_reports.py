"""A report as text: every form tells the same, whatever the messages hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import yaml
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.formats.document import document_of, json_of, yaml_of
from tokencheck.core.formats.junit import junit_of
from tokencheck.core.formats.table import table_of
from tokencheck.model.finding import Check, Finding, Result, Verdict
from tokencheck.model.reasons import Reason
from tokencheck.model.report import Coverage, Gap, Report, Row

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TEXT = st.text(max_size=40)
RESULTS = st.sampled_from([Result.FAIL, Result.UNKNOWN, Result.WARN])


def row(result: Result = Result.FAIL, **changed: object) -> Row:
    finding = Finding(
        token="api/token",
        check=Check.EXPIRY,
        result=result,
        reason=Reason.TOKEN_EXPIRED,
        message=str(changed.pop("message", "expired")),
        action="rotate it",
    )
    values: dict[str, object] = {
        "namespace": "shop",
        "workload": "Deployment/web",
        "token": "api/token",
        "verdict": Verdict.INVALID,
        "result": result,
        "reason": Reason.TOKEN_EXPIRED,
        "findings": (finding,),
        "passed": (Check.PRESENT,),
        "skipped": (Check.SIGNATURE,),
    }
    return Row(**(values | changed))  # type: ignore[arg-type]


def report(*rows: Row, **coverage: object) -> Report:
    looked = {"namespaces": 1, "workloads": 1, "secrets": 1} | coverage
    return Report(time=NOW, rows=rows, coverage=Coverage(**looked))  # type: ignore[arg-type]


def gap(namespace: str, kinds: str = "Secrets") -> Gap:
    return Gap(
        what=f"{kinds} in namespace {namespace}",
        reason=Reason.ACCESS_DENIED,
        action=f"ask for {kinds} in {namespace}",
        kinds=kinds,
        namespace=namespace,
    )


@given(st.lists(st.tuples(RESULTS, TEXT, TEXT, TEXT), max_size=5))
def test_junit_is_xml_that_counts_right_whatever_the_texts_are(
    cases: list[tuple[Result, str, str, str]],
) -> None:
    rows = [
        row(result, message=message, namespace=namespace, token=token)
        for result, message, namespace, token in cases
    ]
    root = ET.fromstring(junit_of(report(*rows)))  # noqa: S314  our own text
    for suite in root:
        found = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(found)
        for attribute, element in (
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            counted = sum(case.find(element) is not None for case in found)
            assert int(suite.get(attribute, "")) == counted
    failed = len(root.findall(".//failure"))
    assert failed == sum(result is Result.FAIL for result, *_ in cases)


def test_a_warning_passes_in_junit_and_stands_in_system_out() -> None:
    root = ET.fromstring(junit_of(report(row(Result.WARN))))  # noqa: S314  our own text
    assert root.findall(".//failure") == root.findall(".//error") == []
    assert "rotate it" in (root.findtext(".//system-out") or "")


def test_what_was_not_read_is_an_error_in_junit() -> None:
    root = ET.fromstring(junit_of(report(gaps=(gap("b"),))))  # noqa: S314  our own text
    (error,) = root.findall(".//error")
    assert error.get("type") == "AccessDenied"


def test_an_audit_of_nothing_is_an_error_in_junit() -> None:
    root = ET.fromstring(junit_of(report(workloads=0, secrets=0)))  # noqa: S314  our own text
    assert len(root.findall(".//error")) == 1


@given(st.lists(st.tuples(TEXT, TEXT), max_size=3))
def test_json_and_yaml_hold_the_document(texts: list[tuple[str, str]]) -> None:
    told = report(*(row(message=message, token=token) for message, token in texts))
    assert json.loads(json_of(told)) == document_of(told)


def test_yaml_is_the_same_document() -> None:
    told = report(row(), gaps=(gap("b"),))
    assert yaml.safe_load(yaml_of(told)) == document_of(told)


def test_the_table_names_namespaces_with_the_same_gaps_once() -> None:
    gaps = [gap(name, kinds) for name in ("b", "a") for kinds in ("Pods", "Secrets")]
    text = table_of(report(row(), gaps=tuple(gaps)))
    assert "Not read in 2 namespaces (b, a): Pods, Secrets (AccessDenied)." in text
    assert "next: ask for Secrets in b" in text


def test_the_table_says_when_nothing_was_looked_at() -> None:
    assert "nothing is known" in table_of(report(workloads=0, secrets=0))


def test_the_table_tells_what_is_wrong_and_what_to_do_next() -> None:
    text = table_of(report(row(expires_at=datetime(2026, 11, 24, 9, tzinfo=UTC))))
    assert text.splitlines()[1].split() == (
        ["Fail", "shop", "Deployment/web", "api/token", "-", "3", "h", "ago", "TokenExpired"]
    )
    assert "Fail shop/Deployment/web: expired\n     next: rotate it" in text
    assert "1 token: 1 Fail." in text
