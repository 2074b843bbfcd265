"""A report as a document for programs: JSON and YAML of the same shape.

The shape only grows: what is absent in one release may come, nothing goes or changes its meaning.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tokencheck.api.quantity import format_time
from tokencheck.model.finding import Finding
from tokencheck.model.report import WORST_FIRST, Coverage, Report, Row

_VERSION = "tokencheck.dev/audit/v1"


def document_of(report: Report) -> dict[str, Any]:
    """Return the report as JSON values; absent ones are left out."""
    return {
        "format": _VERSION,
        "time": format_time(report.time),
        "verdict": str(report.verdict),
        "summary": {result.lower(): report.count(result) for result in WORST_FIRST},
        "coverage": _coverage(report.coverage),
        "tokens": [_row(row) for row in report.rows],
    }


def json_of(report: Report) -> str:
    """Return the report as JSON, a line for each token: of many, an indented form takes seconds."""
    document = document_of(report)
    tokens = ",\n".join(f"    {json.dumps(token)}" for token in document["tokens"])
    head = json.dumps({**document, "tokens": []}, indent=2)
    return head.removesuffix("]\n}") + (f"\n{tokens}\n  " if tokens else "") + "]\n}\n"


def yaml_of(report: Report) -> str:
    """Return the report as YAML."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(document_of(report), Dumper=dumper, sort_keys=False)
    return text


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "namespaces": coverage.namespaces,
        "workloads": coverage.workloads,
        "pods": coverage.pods,
        "secrets": coverage.secrets,
        "configMaps": coverage.config_maps,
        "secretsWithoutToken": coverage.secrets_without_token,
        "automountingWorkloads": coverage.automounting,
        "notRead": [
            {"what": gap.what, "reason": str(gap.reason), "action": gap.action}
            for gap in coverage.gaps
        ],
        "notes": list(coverage.notes),
    }


def _row(row: Row) -> dict[str, Any]:
    return _present(
        {
            "namespace": row.namespace,
            "workload": row.workload,
            "tokenCheck": row.check,
            "token": row.token,
            "secret": row.secret,
            "key": row.key,
            "kind": row.kind,
            "owner": row.owner,
            "sites": list(row.sites),
            "unused": row.unused,
            "verdict": str(row.verdict),
            "result": str(row.result),
            "reason": str(row.reason),
            "message": row.message,
            "action": row.action,
            "expirationTime": _time(row.expires_at),
            "issuer": row.issuer,
            "audiences": _list(row.audiences),
            "scopes": _list(row.scopes),
            "findings": [_finding(finding) for finding in row.findings],
            "passed": [str(check) for check in row.passed],
            "skipped": [str(check) for check in row.skipped],
        }
    )


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": str(finding.check),
        "result": str(finding.result),
        "reason": str(finding.reason),
        "message": finding.message,
        "action": finding.action,
    }


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment is not None else None


def _list(values: tuple[str, ...] | None) -> list[str] | None:
    return list(values) if values is not None else None
