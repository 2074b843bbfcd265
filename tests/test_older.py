"""Older Kubernetes that `make skew` can ask for: each folder says one version, everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from controlplane import BuildError, older
from controlplane.recipes import KUBERNETES
from pages import Page
from skew import SELECTED

MINORS = older.minors()


def test_the_oldest_is_that_which_the_chart_asks_for(checkout: Path) -> None:
    chart = (checkout / "charts" / "tokencheck" / "Chart.yaml").read_text()
    assert re.findall(r'kubeVersion: ">=(\d+\.\d+)\.', chart) == [MINORS[0]]


@pytest.mark.parametrize("minor", MINORS)
def test_all_modules_of_a_minor_are_of_one_version(checkout: Path, minor: str) -> None:
    version = older.version(minor)
    assert version.startswith(f"v{minor}.")
    said = (checkout / "tools" / "controlplane" / "older" / minor / "go.mod").read_text()
    replaced = re.findall(r"^\s*\S+ => (\S+) (\S+)$", said, re.MULTILINE)
    assert {module: found for module, found in replaced if module.startswith("k8s.io/")}
    assert {found for _, found in replaced} == {version.replace("v1.", "v0.", 1)}


def test_the_page_names_the_versions_that_were_tried(checkout: Path) -> None:
    rows = Page(checkout / "docs" / "install.md").rows("Kubernetes")
    tried = {with_ for _, with_, _ in rows if "make skew" in with_}
    known = [f"{older.version(minor)}, `make skew`" for minor in MINORS]
    assert known[0] in tried <= set(known)
    assert rows[0][1] == f"{KUBERNETES}, all tests"


@pytest.mark.parametrize("minor", MINORS)
def test_who_is_stamped_follows_from_the_minor(monkeypatch: pytest.MonkeyPatch, minor: str) -> None:
    monkeypatch.setenv(older.CHOICE, minor)
    assert older.stamps() is (older.number(minor) >= (1, 36))


def test_without_a_choice_it_is_the_present_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(older.CHOICE, raising=False)
    assert older.programs() == {}
    assert older.stamps()


def test_a_minor_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(BuildError, match=r"no Kubernetes '1.29'.* there are 1\.30, "):
        older.programs("1.29")


def test_the_files_of_the_selection_are_there(checkout: Path) -> None:
    assert [name for name in SELECTED if not (checkout / "tests" / "cluster" / name).exists()] == []
