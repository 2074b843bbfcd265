"""What the API server takes and refuses as a TokenCheck or TokenProvider, and what it says."""

import re
from pathlib import Path

import pytest
import yaml

from controlplane import Api, ApiError, ControlPlane
from tokencheck.api.clustertokencheck import parse_clustertokencheck
from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokenprovider import parse_tokenprovider

TABLES = Path(__file__).parent / "crd"
WRONG = yaml.safe_load((TABLES / "wrong.yaml").read_text())
RIGHT = yaml.safe_load((TABLES / "right.yaml").read_text())
# What stands before the message of a rule: `Invalid value: ` and, of a string, the value.
SHOWN_VALUE = re.compile(r'^Invalid value: (?:"(?:[^"\\]|\\.)*": )?')
PARSERS = {
    "TokenCheck": parse_tokencheck,
    "TokenProvider": parse_tokenprovider,
    "ClusterTokenCheck": parse_clustertokencheck,
}
GO_TYPE = "map[string]interface {}"  # before an object's text, from older API servers
NOT_A_FAULT = "some validation rules were not checked because the object was invalid"


def manifest_of(row: dict, namespace: str) -> dict:
    metadata = {"name": row.get("name", "sample")}
    if row["kind"] == "TokenCheck":
        metadata["namespace"] = namespace
    spec = {"spec": row["spec"]} if "spec" in row else {}
    return {
        "apiVersion": "tokencheck.dev/v1alpha1",
        "kind": row["kind"],
        "metadata": metadata,
    } | spec


def created(admin: Api, manifest: dict) -> dict:
    """The object as the server would store it; nothing is stored."""
    path = admin.path(manifest["kind"], manifest["metadata"].get("namespace"))
    query = {"dryRun": "All", "fieldValidation": "Strict"}
    return admin.request("POST", path, manifest, query=query)


def faults_of(error: ApiError) -> list[str]:
    return sorted(
        f"{cause['field']}: {SHOWN_VALUE.sub('', cause['message']).replace(GO_TYPE, '')}"
        for cause in error.status["details"]["causes"]
        if NOT_A_FAULT not in cause["message"]
    )


@pytest.mark.parametrize("row", WRONG, ids=lambda row: row["wrong"])
def test_a_wrong_spec_is_refused_with_what_to_write_instead(
    admin: Api, namespace: str, row: dict
) -> None:
    with pytest.raises(ApiError) as refused:
        created(admin, manifest_of(row, namespace))
    assert faults_of(refused.value) == sorted(row["says"])


@pytest.mark.parametrize("row", RIGHT, ids=lambda row: row["right"])
def test_a_right_spec_is_taken_as_it_is(admin: Api, namespace: str, row: dict) -> None:
    stored = created(admin, manifest_of(row, namespace))
    assert stored["spec"] == row["spec"] | row.get("becomes", {})


@pytest.mark.parametrize("row", RIGHT, ids=lambda row: row["right"])
def test_the_operator_finds_no_fault_in_a_right_spec(row: dict) -> None:
    assert PARSERS[row["kind"]](manifest_of(row, "shop")).invalid == ()


def test_no_part_of_a_private_key_comes_back_in_a_refusal(admin: Api, namespace: str) -> None:
    rows = [row for row in WRONG if "canary" in str(row.get("spec"))]
    assert rows
    for row in rows:
        with pytest.raises(ApiError) as refused:
            created(admin, manifest_of(row, namespace))
        assert "canary" not in str(refused.value.status)


def test_a_misspelt_field_is_refused_by_its_name(
    controlplane: ControlPlane, namespace: str
) -> None:
    manifest = manifest_of(RIGHT[0], namespace)
    manifest["spec"] = manifest["spec"] | {"intervall": "10m"}
    done = controlplane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest), check=False)
    assert 'unknown field "spec.intervall"' in done.stderr
