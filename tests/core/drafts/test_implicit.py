"""Which checks an audit judges by."""

from __future__ import annotations

from dataclasses import replace

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.drafts.implicit import planned, unmounted
from tokencheck.model.workload import Workload

WEB = replace(unmounted("shop", "web"), kind="Deployment", api_version="apps/v1")
DB = replace(WEB, name="db")


def written(**spec: object) -> TokenCheck:
    ref = {"kind": "Deployment", "name": "web"}
    meta = {"name": "mine", "namespace": "shop"}
    return parse_tokencheck({"metadata": meta, "spec": {"workloadRef": ref} | spec})


def plan(*checks: TokenCheck, workloads: tuple[Workload, ...] = (WEB, DB)) -> list[tuple[str, str]]:
    return [
        (check.name, check.spec.workload.name if check.spec.workload else "")
        for check in planned(workloads, checks)
    ]


def test_every_workload_has_a_check_that_nobody_wrote() -> None:
    assert plan() == [("", "web"), ("", "db")]


def test_a_written_check_takes_the_place_of_the_implicit_one() -> None:
    assert plan(written()) == [("mine", "web"), ("", "db")]


def test_a_suspended_check_is_no_reason_to_look_away() -> None:
    assert plan(written(suspend=True)) == [("", "web"), ("", "db")]


def test_a_broken_check_is_no_reason_to_look_away() -> None:
    assert plan(written(interval="soon")) == [("", "web"), ("", "db")]


def test_an_audit_looks_for_all_tokens_of_a_check_that_names_only_some() -> None:
    (check,) = planned([WEB], [written(discover="None")])
    assert check.spec.discover
