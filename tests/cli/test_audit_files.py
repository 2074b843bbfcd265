"""`tokencheck audit -f` and `init -f` need no cluster, and say what is wrong with a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cluster.cli import tokencheck

MANIFESTS = """\
apiVersion: v1
kind: Secret
metadata: {name: ci, namespace: shop}
stringData: {token: glpat-00000000000000000000}
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop}
  spec:
    template:
      spec:
        containers:
        - name: app
          env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: ci, key: token}}}]
"""
FOUND, USAGE = 0, 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "all.yaml").write_text(MANIFESTS)
    (tmp_path / "README.md").write_text("kind: [broken")
    return tmp_path


def rows(text: str) -> list[tuple[str, str]]:
    return [(row.get("workload", ""), row["token"]) for row in json.loads(text)["tokens"]]


def test_a_folder_is_read_with_all_below_it(folder: Path) -> None:
    done = tokencheck("audit", "-f", folder, "-o", "json")
    assert done.returncode == FOUND, done.stderr
    assert rows(done.stdout) == [("Deployment/web", "ci/token")]


def test_standard_input_is_read_as_well() -> None:
    done = tokencheck("audit", "-f", "-", "-o", "json", stdin=MANIFESTS)
    assert rows(done.stdout) == [("Deployment/web", "ci/token")]


def test_init_reads_manifests_too(folder: Path) -> None:
    done = tokencheck("init", "deploy/web", "-n", "shop", "-f", folder)
    assert done.returncode == 0, done.stderr
    assert "secretKeyRef: {name: ci, key: token}" in done.stdout


def test_a_broken_file_is_named_with_its_line_and_nothing_of_its_content(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("kind: Secret\nstringData: {token: hunter2-hunter2\n")
    done = tokencheck("audit", "-f", file)
    assert done.returncode == USAGE
    assert f"{file} is not YAML (line 3)" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["-A", "-n", "shop"], "exclude each other"),
        (["-f", ".", "-n", "shop"], "leave out -A, -n"),
        (["--at", "tomorrow"], "2027-01-31T00:00:00Z"),
        (["-f", "/nowhere"], "/nowhere cannot be read"),
        ([], "No kubeconfig was found"),
        (["--kubeconfig", "/nowhere"], "no kubeconfig at /nowhere"),
    ],
)
def test_a_mistake_is_a_usage_error_that_says_what_to_do(args: list[str], says: str) -> None:
    done = tokencheck("audit", *args)
    assert done.returncode == USAGE
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_manifests_is_not_a_clean_audit(tmp_path: Path) -> None:
    done = tokencheck("audit", "-f", tmp_path)
    assert done.returncode == USAGE
    assert "no .yaml, .yml or .json" in done.stderr


def test_the_context_is_looked_for_in_every_file_of_the_environment(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("contexts: []\n")
    second.write_text("current-context: x\ncontexts: [{name: x, context: {cluster: x}}]\n")
    done = tokencheck("audit", "--context", "y", KUBECONFIG=f"{first}:{second}")
    assert done.returncode == USAGE
    assert f"{first}, {second} has no context 'y'" in done.stderr


def test_files_do_not_say_to_whom_tokens_are_shown(folder: Path) -> None:
    done = tokencheck("audit", "-f", folder, "--ask")
    assert done.returncode == USAGE, done.stdout
    assert "--ask asks by the TokenProviders of a cluster" in done.stderr
