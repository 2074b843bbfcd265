"""What a ClusterTokenCheck says of all its TokenChecks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tokencheck.api.clustertokencheck import parse_clustertokencheck
from tokencheck.core.outcome.spread import MAX_SHOWN, plan_cluster_status
from tokencheck.model.estate import Make, Place, Plan, Renew, Standing, Tally

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def status(
    *verdicts: str, plan: dict[str, Any] | None = None, invalid: bool = False, **more: Any
) -> dict[str, Any]:
    spec = {"namespaceSelector": {}} | ({"workloads": {"kinds": ["Pod"]}} if invalid else {})
    one = parse_clustertokencheck({"metadata": {"name": "all", "generation": 3}, "spec": spec})
    checks = {
        Place("shop", f"deployment-{i:03}"): Standing(
            uid=str(i), resource_version="1", maker="u", verdict=verdict, reason=f"R{verdict}"
        )
        for i, verdict in enumerate(verdicts)
    }
    tally = Tally(selected=len(checks), checked=tuple(checks), **(plan or {}).pop("tally", {}))
    return plan_cluster_status(one, Plan(tally=tally, **(plan or {})), checks, NOW, **more)


def ready(found: dict[str, Any]) -> tuple[str, str]:
    said = found["conditions"][0]
    assert said["type"] == "Ready"
    assert said["observedGeneration"] == found["observedGeneration"] == 3
    return said["status"], said["reason"]


@pytest.mark.parametrize(
    ("verdicts", "expected", "good"),
    [
        (["Valid", "Valid"], ("True", "AllChecksPassed"), "2/2"),
        (["Valid", "Invalid", "Unknown"], ("False", "ChecksFail"), "1/3"),
        (["Valid", "Unknown"], ("Unknown", "ChecksUnknown"), "1/2"),
        ([], ("Unknown", "NoWorkloads"), "0/0"),
    ],
)
def test_a_failure_goes_before_what_is_not_known_and_nothing_is_not_known(
    verdicts: list[str], expected: tuple[str, str], good: str
) -> None:
    found = status(*verdicts)
    assert (ready(found), found["good"]) == (expected, good)


def test_a_check_that_is_still_to_be_made_is_not_known_and_is_told() -> None:
    step = Make(place=Place("shop", "deployment-new"), manifest={})
    found = status("Valid", plan={"steps": (step,)})
    assert ready(found) == ("Unknown", "ChecksUnknown")
    assert "1 of 2 TokenChecks are not judged yet" in found["conditions"][0]["message"]
    assert found["conditions"][1]["type"] == "Reconciling"


def test_what_the_api_server_refused_is_named_and_counted() -> None:
    step = Make(place=Place("shop", "deployment-new"), manifest={})
    found = status("Valid", plan={"steps": (step,)}, refused={step.place})
    assert ready(found) == ("Unknown", "ChecksRefused")
    assert (
        "TokenCheck shop/deployment-new could not be written" in found["conditions"][0]["message"]
    )
    assert found["workloads"]["refused"] == 1
    assert len(found["conditions"]) == 1  # nothing is under way


def test_a_name_that_is_taken_is_told() -> None:
    found = status("Valid", plan={"tally": {"taken": (Place("shop", "deployment-db"),)}})
    assert ready(found) == ("Unknown", "ChecksRefused")
    assert "rename or delete it" in found["conditions"][0]["message"]


def test_what_cannot_be_listed_is_unknown_and_counts_nothing_anew() -> None:
    found = status("Valid", unread=("deployments",))
    assert ready(found) == ("Unknown", "AccessDenied")
    assert "deployments cannot be listed" in found["conditions"][0]["message"]
    assert "good" not in found
    assert ready(status("Invalid", unread=("deployments",))) == ("False", "ChecksFail")
    assert ready(status("Valid", unread=("others",))) == ("True", "AllChecksPassed")


def test_a_check_that_is_to_be_renewed_is_not_judged_by_the_new_template() -> None:
    place = Place("shop", "deployment-000")
    old = Standing(uid="0", resource_version="1", maker="u")
    step = Renew(place=place, standing=old, spec={}, labels={}, stamps={})
    found = status("Valid", "Valid", plan={"steps": (step,)})
    assert ready(found) == ("Unknown", "ChecksUnknown")
    assert found["good"] == "1/2"


def test_a_wrong_spec_is_false_and_stalled() -> None:
    found = status("Valid", invalid=True)
    assert ready(found) == ("False", "InvalidSpec")
    assert "spec.workloads.kinds" in found["conditions"][0]["message"]
    assert found["conditions"][1]["type"] == "Stalled"


def test_the_worst_are_shown_first_and_no_more_than_fit() -> None:
    found = status(*["Unknown"] * 30, "Invalid", "Valid")["failing"]
    assert len(found) == MAX_SHOWN
    assert found[0] == {
        "namespace": "shop",
        "name": "deployment-030",
        "verdict": "Invalid",
        "reason": "RInvalid",
    }
    assert {one["verdict"] for one in found[1:]} == {"Unknown"}
