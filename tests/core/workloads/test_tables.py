"""Manifests in, expected values out: each row of the tables beside this file is one test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.quantity import parse_time
from tokencheck.api.tokencheck import TokenCheck, WorkloadRef
from tokencheck.core.workloads.locate import Mount, locate
from tokencheck.core.workloads.parse import parse_workload
from tokencheck.core.workloads.pods import injected, parse_pod, stale_pods
from tokencheck.core.workloads.references import references_of
from tokencheck.core.workloads.rollout import rollout_of, rollout_without
from tokencheck.core.workloads.sites import sites_of
from tokencheck.model.evidence import Absent, Denied, Failed, Unread
from tokencheck.model.workload import RolloutState, Site, SiteKind, Workload

Row = dict[str, Any]
_HERE = Path(__file__).parent
_CHANGED_AT = datetime(2026, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC)


def rows(table: str) -> pytest.MarkDecorator:
    """One parameter ``row`` per entry of the table; the id is its sentence."""
    found = yaml.safe_load((_HERE / f"{table}.yaml").read_text())
    sentences = [row["sentence"] for row in found]
    assert len(set(sentences)) == len(sentences), f"{table}.yaml says a sentence twice"
    return pytest.mark.parametrize("row", found, ids=sentences)


def words(sites: tuple[Site, ...]) -> list[str]:
    return [_words(site) for site in sites]


def _words(site: Site) -> str:
    head = f"{site.kind} {site.container or '-'} {site.where}"
    more = [f"{site.secret or '-'}/{site.key or '*'}"]
    more += ["optional"] if site.optional else []
    more += [f"audience={site.audience}"] if site.audience is not None else []
    more += [f"seconds={site.expiration_seconds}"] if site.expiration_seconds is not None else []
    return " ".join([head, *more])


def check_of(row: Row) -> TokenCheck:
    check = parse_tokencheck(
        {"metadata": {"name": "c", "namespace": "ns"}, "spec": row["check"]},
    )
    assert not check.invalid
    return check


def workload_of(row: Row) -> Workload | None:
    if "pod" not in row:
        return None
    template = {"metadata": {"annotations": row.get("annotations")}, "spec": row["pod"]}
    return parse_workload({"kind": "Deployment", "spec": {"template": template}})


def only_in_pods(row: Row) -> tuple[Site, ...]:
    return sites_of(row.get("only_in_pods"))


@rows("sites")
def test_sites(row: Row) -> None:
    assert words(sites_of(row["spec"], row.get("annotations", {}))) == row["sites"]


@rows("workloads")
def test_a_workload_is_parsed(row: Row) -> None:
    parsed = parse_workload(row["manifest"])
    seen = {name: getattr(parsed, name) for name in row["workload"]}
    if "sites" in seen:
        seen["sites"] = words(parsed.sites)
    if "conditions" in seen:
        seen["conditions"] = {name: list(pair) for name, pair in parsed.conditions.items()}
    assert seen == row["workload"]


@rows("templates")
def test_templates(row: Row) -> None:
    one, other = (parse_workload(row[name]).template_hash for name in ("one", "other"))
    assert (one == other) is row["same"]
    assert len(one) == 16
    assert int(one, 16) >= 0


@rows("rollouts")
def test_rollouts(row: Row) -> None:
    workload = parse_workload(row["workload"])
    rollout = rollout_of(workload, row.get("release"))
    assert rollout.state == row["state"], rollout.detail
    assert rollout.detail
    if "detail" in row:
        name = f"{workload.kind} {workload.name}: "
        assert rollout.detail == name + row["detail"]


def test_a_rollout_names_the_template_that_it_is_about() -> None:
    workload = parse_workload(
        {
            "kind": "StatefulSet",
            "metadata": {"name": "db", "uid": "u1", "generation": 5},
            "status": {"currentRevision": "db-1", "updateRevision": "db-2"},
        }
    )
    rollout = rollout_of(workload, None)
    assert (rollout.kind, rollout.name, rollout.uid) == ("StatefulSet", "db", "u1")
    assert (rollout.generation, rollout.revision) == (5, "db-2")
    assert rollout.template_hash == workload.template_hash


@pytest.mark.parametrize(
    ("why", "state"),
    [
        (Absent(what="Deployment ns/shop"), RolloutState.NOT_FOUND),
        (Denied(what="Deployment ns/shop"), RolloutState.UNREADABLE),
        (Failed(what="Deployment ns/shop"), RolloutState.UNREADABLE),
    ],
    ids=["absent", "denied", "failed"],
)
def test_a_workload_that_was_not_read_has_a_state_of_its_own(
    why: Unread, state: RolloutState
) -> None:
    ref = WorkloadRef(api_version="apps/v1", kind="Deployment", name="shop")
    rollout = rollout_without(ref, why)
    assert (rollout.state, rollout.kind, rollout.name) == (state, "Deployment", "shop")
    assert rollout.detail


def test_a_check_that_names_no_workload_has_no_rollout() -> None:
    assert rollout_without(None).state is RolloutState.NONE


@rows("locations")
def test_locations(row: Row) -> None:
    located = locate(check_of(row), workload_of(row), only_in_pods(row))
    assert {token.name: words(sites) for token, sites in located.listed} == row["listed"]
    assert [_mount_words(mount) for mount in located.mounted] == row["mounted"]
    assert words(located.service_account_tokens) == row.get("service_account_tokens", [])
    assert words(located.unreadable) == row.get("unreadable", [])
    assert list(located.secrets) == row["secrets"]


def _mount_words(mount: Mount) -> str:
    parts = [f"{mount.secret}/{mount.key or '*'} {len(mount.sites)}"]
    if mount.listed_keys:
        parts.append("keys=" + ",".join(mount.listed_keys))
    if mount.listed_fields:
        parts.append("fields=" + ",".join(f"{key}:{field}" for key, field in mount.listed_fields))
    return " ".join(parts)


def test_a_mount_tells_which_sites_take_a_key() -> None:
    whole = Site(kind=SiteKind.ENV_FROM, container="app", where="*", secret="s", optional=True)
    one = Site(kind=SiteKind.ENV, container="app", where="A", secret="s", key="token")
    mount = Mount(secret="s", key=None, sites=(whole, one))
    assert mount.sites_of_key("token") == (whole, one)
    assert mount.sites_of_key("other") == (whole,)


def test_a_mount_is_optional_when_every_site_is() -> None:
    need = Site(kind=SiteKind.ENV, container="app", where="A", secret="s", key="token")
    may = replace(need, optional=True)
    assert Mount(secret="s", key="token", sites=(may, may)).optional
    assert not Mount(secret="s", key="token", sites=(may, need)).optional


@rows("references")
def test_references(row: Row) -> None:
    found = references_of(check_of(row), locate(check_of(row), workload_of(row), only_in_pods(row)))
    assert sorted(_reference(key) for key in found) == row["references"]


def _reference(key: Any) -> str:
    return str(key) if key.namespace else f"{key.kind} {key.name}"


@rows("pods")
def test_a_pod_is_parsed(row: Row) -> None:
    pod = parse_pod(row["manifest"])
    seen = {name: getattr(pod, name) for name in row["pod"]}
    if "volumes" in seen:
        seen["volumes"] = words(pod.volumes)
    if "running" in seen:
        seen["running"] = [name for name, _ in pod.running]
    expected = dict(row["pod"])
    if expected.get("started_at"):
        expected["started_at"] = parse_time(expected["started_at"])
    assert seen == expected


@rows("stale")
def test_stale_pods(row: Row) -> None:
    pods = [parse_pod(_running_pod(pod)) for pod in row["pods"]]
    found = stale_pods(sites_of(row["pod"]), _CHANGED_AT, row.get("witnessed", True), pods)
    seen = {name: getattr(found, name) for name in ("applies", "total", "certain")}
    assert {**seen, "names": list(found.names)} == row["stale"]


def _running_pod(pod: Row) -> Row:
    statuses = [
        {"name": name, "state": {"running": {"startedAt": f"2026-01-01T{clock}Z"}}}
        for name, clock in pod["running"].items()
    ]
    meta = {"name": pod["name"]} | ({"deletionTimestamp": "x"} if pod.get("deleting") else {})
    status = {"phase": pod.get("phase", "Running"), "containerStatuses": statuses}
    return {"metadata": meta, "status": status}


@rows("injected")
def test_injected(row: Row) -> None:
    template = parse_workload(
        {"kind": "StatefulSet", "spec": {"template": {"spec": row["template"]}}}
    )
    workload = replace(template, update_revision=row.get("update_revision", ""))
    pods = [
        parse_pod(
            {
                "metadata": {
                    "labels": {"controller-revision-hash": pod["revision"]},
                    "annotations": pod.get("annotations"),
                },
                "spec": pod["spec"],
                "status": {"phase": pod.get("phase", "Running")},
            }
        )
        for pod in row["pods"]
    ]
    assert words(injected(workload, pods)) == row["sites"]
