"""docs/install.md as somebody follows it from top to bottom, on a real API server."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from cluster.reader import Reader
from controlplane import ControlPlane
from controlplane.launch import CHART, CHECKOUT
from pages import Page

PAGE = Page(CHECKOUT / "docs" / "install.md")
CRDS = {
    f"{plural}.tokencheck.dev" for plural in ("tokenchecks", "clustertokenchecks", "tokenproviders")
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with ControlPlane(parts=()) as plane:
        made = Reader(plane, tmp_path_factory.mktemp("home"))
        for name in ("shop", "billing"):
            made.has_namespace(name)
        yield made


def typed(reader: Reader, section: str, number: int = 0) -> subprocess.CompletedProcess[str]:
    done = reader.types(PAGE.blocks("bash", below=section)[number])
    assert done.returncode == 0, done
    return done


def may_get(reader: Reader, secret: str, namespace: str) -> bool:
    who = "system:serviceaccount:tokencheck-system:tokencheck"
    asked = ("auth", "can-i", "get", f"secret/{secret}", "-n", namespace, f"--as={who}")
    return reader.plane.kubectl(*asked, check=False).stdout.strip() == "yes"


def writes_of(listed: str) -> set[str]:
    """Resources that `kubectl auth can-i --list` says may be written."""
    writes = [
        line for line in listed.splitlines() if re.search(r"create|update|patch|delete", line)
    ]
    # Everybody may ask the API server about himself.
    return {line.split()[0] for line in writes if "review" not in line}


def crds(reader: Reader) -> set[str]:
    listed = reader.api.list("CustomResourceDefinition")
    return {one["metadata"]["name"] for one in listed}


def test_the_page_from_the_install_to_the_last_trace(reader: Reader) -> None:
    """One life: each step stands on the one before."""
    typed(reader, "Image")
    assert may_get(reader, "any", "kube-system")

    typed(reader, "Some namespaces")
    assert may_get(reader, "any", "shop")
    assert not may_get(reader, "any", "kube-system")

    typed(reader, "Some Secrets")
    assert may_get(reader, "payments-api", "shop")
    assert not may_get(reader, "any", "shop")

    listed = typed(reader, "Everything else").stdout
    assert "tokenchecks.tokencheck.dev/status" in listed
    assert writes_of(listed) == {
        "events.events.k8s.io",
        # A dry run of one name, which admission refuses.
        "tokenchecks.tokencheck.dev",
        "tokenchecks.tokencheck.dev/status",
        "tokenproviders.tokencheck.dev/status",
    }

    typed(reader, "Public vendors")
    assert [one["metadata"]["name"] for one in reader.api.list("TokenProvider")] == ["github"]

    typed(reader, "Network")
    policy = reader.api.get("NetworkPolicy", "tokencheck", "tokencheck-system")
    assert [one["port"] for one in policy["spec"]["ingress"][0]["ports"]] == [8080]
    assert not may_get(reader, "any", "shop"), "it keeps the values"

    typed(reader, "Upgrade")
    assert not may_get(reader, "any", "shop"), "an upgrade keeps the values"

    typed(reader, "Uninstall")
    assert not reader.api.list("Deployment", "tokencheck-system")
    assert not reader.api.list("TokenProvider")
    assert crds(reader) >= CRDS

    typed(reader, "Uninstall", 1)
    assert not crds(reader) & CRDS


def test_crds_that_were_applied_by_hand_are_taken_over_once(reader: Reader) -> None:
    assert reader.types("kubectl apply -f crds/").returncode == 0
    (install,) = PAGE.blocks("bash", below="Image")
    refused = reader.types(install)
    assert refused.returncode != 0
    assert "invalid ownership metadata" in refused.stderr
    taken = reader.types(f"{install.rstrip()} --take-ownership")
    assert taken.returncode == 0, taken


def test_the_table_of_values_is_that_of_the_chart() -> None:
    chart = yaml.safe_load((CHART / "values.yaml").read_text())
    told = {}
    for names, default, _ in PAGE.rows("Values"):
        told |= dict.fromkeys(re.findall(r"`([^`]+)`", names), default)
    assert told.keys() == set(flat(chart))
    for name, value in flat(chart).items():
        if told[name].startswith("`"):
            assert yaml.safe_load(told[name].strip("`")) == value, name


def flat(values: dict, above: str = "") -> dict[str, object]:
    """Values by dotted name; a mapping that is empty or the user's own is one value."""
    found: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value and name != "resources":
            found |= flat(value, f"{above}{name}.")
        else:
            found[f"{above}{name}"] = value
    return found
