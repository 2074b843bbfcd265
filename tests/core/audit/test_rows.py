"""What an audit says of manifests, by a table: no cluster, no operator."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tokencheck.clients.manifests import Manifests
from tokencheck.gather.once import sources_once
from tokencheck.model.finding import Result, Verdict
from tokencheck.model.report import Report
from tokencheck.passes.audit import audit_pass

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TABLE = yaml.safe_load((Path(__file__).parent / "manifests.yaml").read_text())


def jwt(claims: dict[str, Any]) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    numbers = {k: int(v.timestamp()) if isinstance(v, datetime) else v for k, v in claims.items()}
    return f"{part({'alg': 'ES256', 'typ': 'JWT'})}.{part(numbers)}.{'A' * 86}"


def text_of(value: object) -> str:
    return jwt(value) if isinstance(value, dict) else str(value)


def manifests(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, values in row.get("secrets", {}).items():
        data = {key: text_of(value) for key, value in values.items()}
        yield {"apiVersion": "v1", "kind": "Secret", "metadata": meta(name), "stringData": data}
    for place, body in row.get("workloads", {}).items():
        kind, _, name = place.partition("/")
        yield workload(kind, name, body)


def meta(name: str) -> dict[str, str]:
    return {"name": name, "namespace": "shop"}


def workload(kind: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    variables = [{"name": k, "value": v} for k, v in body.get("literals", {}).items()]
    for variable, place in body.get("env", {}).items():
        secret, _, key = place.partition("/")
        ref = {"secretKeyRef": {"name": secret, "key": key}}
        variables.append({"name": variable, "valueFrom": ref})
    container = {"name": "app", "env": variables, "args": body.get("args", [])}
    spec: dict[str, Any] = {"template": {"spec": {"containers": [container]}}}
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": spec}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta(name), "spec": spec}


async def audited(*objects: dict[str, Any]) -> Report:
    census = Manifests(objects)
    sources = sources_once(census, b"0" * 32)
    return await audit_pass(census, NOW, sources=sources, tell=lambda *_: None, files=True)


@pytest.mark.parametrize("row", TABLE, ids=[row["says"] for row in TABLE])
async def test_rows(row: dict[str, Any]) -> None:
    report = await audited(*manifests(row))
    told = [[r.workload, r.token, r.kind, str(r.result), str(r.reason)] for r in report.rows]
    assert sorted(told) == sorted(row["rows"])


async def test_nothing_to_look_at_is_unknown() -> None:
    assert (await audited()).verdict is Verdict.UNKNOWN


async def test_a_value_that_is_no_base64_is_a_gap_and_never_fine() -> None:
    secret = {"kind": "Secret", "metadata": meta("api"), "data": {"token": "%%%"}}
    report = await audited(secret)
    assert [gap.what for gap in report.coverage.gaps] == ['Secret shop/api key "token"']
    assert report.verdict is Verdict.UNKNOWN


async def test_string_data_replaces_data_as_the_api_server_does() -> None:
    old, new = jwt({"exp": 1}), jwt({"exp": int(NOW.timestamp()) + 90 * 86_400})
    data = {"token": base64.b64encode(old.encode()).decode()}
    secret = {"kind": "Secret", "metadata": meta("api"), "data": data, "stringData": {"token": new}}
    assert [row.result for row in (await audited(secret)).rows] == [Result.PASS]


async def test_a_tokencheck_among_the_files_is_what_its_workload_is_judged_by() -> None:
    token = jwt({"exp": int(NOW.timestamp()) + 90 * 86_400, "aud": "billing"})
    row = {
        "secrets": {"api": {"token": token}},
        "workloads": {"Deployment/web": {"env": {"T": "api/token"}}},
    }
    check = {
        "apiVersion": "tokencheck.dev/v1alpha1",
        "kind": "TokenCheck",
        "metadata": meta("web"),
        "spec": {
            "workloadRef": {"kind": "Deployment", "name": "web"},
            "tokens": [
                {
                    "name": "api",
                    "secretKeyRef": {"name": "api", "key": "token"},
                    "audiences": ["payments"],
                }
            ],
        },
    }
    (told,) = (await audited(*manifests(row), check)).rows
    assert (told.check, told.token) == ("web", "api")
    assert (told.result, str(told.reason)) == (Result.FAIL, "AudienceMismatch")


async def test_no_row_holds_the_text_of_a_token() -> None:
    secret = "ghp_" + "k" * 36
    row = {
        "secrets": {"api": {"token": secret}},
        "workloads": {"Deployment/web": {"literals": {"API_TOKEN": secret}, "args": [secret]}},
    }
    report = await audited(*manifests(row))
    assert len(report.rows) == 3
    assert secret not in repr(report)


# ConfigMaps


def config_map(**data: object) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("settings"), "data": data}


async def test_a_token_in_a_config_map_is_a_failure_wherever_it_stands_in_it() -> None:
    github, opaque = "ghp_" + "c" * 36, "Zq3Xw8Tn5Rk1Vb7M"
    settings = config_map(
        plain=github,
        **{
            "app.yaml": f"api:\n  url: https://example.com\n  token: {opaque}\n",
            "app.env": f"LEVEL=info\nAPI_TOKEN={opaque}\n",
            "notes.txt": "Rotate the token each month.",
            "ca.crt": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "page.yaml": "title: hello\nitems:\n- one\n- two\n",
        },
    )
    report = await audited(settings)
    told = [(r.workload, r.token, str(r.result), str(r.reason)) for r in report.rows]
    assert told == [
        ("ConfigMap/settings", 'key "app.env" field API_TOKEN', "Fail", "InsecureSource"),
        ("ConfigMap/settings", 'key "app.yaml" field api.token', "Fail", "InsecureSource"),
        ("ConfigMap/settings", 'key "plain"', "Fail", "InsecureSource"),
    ]
    assert report.coverage.config_maps == 1
    assert report.rows[2].kind == "GitHub"
    for text in (github, opaque):
        assert text not in repr(report)


async def test_a_config_map_that_is_too_large_to_be_searched_is_told() -> None:
    large = "token: x\nlines:\n" + "- {name: abc, of: [a, b]}\n" * 6000
    (told,) = (await audited(config_map(**{"big.yaml": large}))).rows
    assert (told.workload, told.token) == ("ConfigMap/settings", 'key "big.yaml"')
    assert (str(told.result), str(told.reason)) == ("Skip", "NotVerifiable")
    assert told.action


async def test_a_large_document_that_speaks_of_no_token_is_not_read() -> None:
    large = "title: x\nlines:\n" + "- {name: abc, of: [a, b]}\n" * 6000
    assert (await audited(config_map(**{"big.yaml": large}))).rows == ()
