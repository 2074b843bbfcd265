"""Prometheus itself takes the alerts and the dashboard's queries, and each alert fires as told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from controlplane.build import BuildError
from controlplane.extras import PROMTOOL, extra

HERE = Path(__file__).parent
FILES = HERE.parents[1] / "charts" / "tokencheck" / "files"
CASES = HERE / "alerts.yaml"


@pytest.fixture(scope="module")
def promtool() -> Path:
    try:
        return extra(PROMTOOL)
    except BuildError as error:
        pytest.skip(f"promtool cannot be built here: {error}")


def run(promtool: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(promtool), *args], cwd=HERE, capture_output=True, text=True, check=False
    )


def test_prometheus_takes_the_rules(promtool: Path) -> None:
    done = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", str(FILES / "alerts.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_when_it_should_and_not_before(promtool: Path, tmp_path: Path) -> None:
    """Without annotations, which the cases would have to repeat word by word."""
    rules = yaml.safe_load((FILES / "alerts.yaml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations", None)
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    cases = yaml.safe_load(CASES.read_text()) | {"rule_files": ["rules.yaml"]}
    (tmp_path / "cases.yaml").write_text(yaml.safe_dump(cases))
    done = run(promtool, "test", "rules", str(tmp_path / "cases.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_every_query_of_the_dashboard(promtool: Path, tmp_path: Path) -> None:
    panels = json.loads((FILES / "dashboard.json").read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    rules = [{"record": f"query:{n}", "expr": query} for n, query in enumerate(queries)]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = run(promtool, "check", "rules", "--lint=none", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    groups = yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    fires, silent = set(), set()
    for test in yaml.safe_load(CASES.read_text())["tests"]:
        for case in test.get("alert_rule_test", ()):
            (fires if case["exp_alerts"] else silent).add(case["alertname"])
    assert fires == alerts
    assert silent == alerts
