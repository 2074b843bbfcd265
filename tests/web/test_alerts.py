"""The alerts and the dashboard: they name metrics that exist, and each alert has its runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from pages import Page
from tokencheck.clients.kube.watching import Restart
from tokencheck.web.metrics import Metrics
from tokencheck.web.sources import IntrospectionState, ProviderState

CHECKOUT = Path(__file__).parents[2]
FILES = CHECKOUT / "charts" / "tokencheck" / "files"
RULES = [
    rule
    for group in yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
BASE = "https://github.com/tokencheck/tokencheck/blob/main/docs/runbooks/"
# Given by the scrape, not by us.
OF_THE_TARGET = {"namespace", "pod", "instance", "job"}
Known = dict[str, dict[str, set[str]]]
WORD = re.compile(r"\b(?:tokencheck|process)_[a-z_]+\b(?:\{[^}]*\})?")
SELECTED = re.compile(r"([a-z_]+)\s*(?:=~|!=|!~|=)\s*\"((?:[^\"\\]|\\.)*)\"")
GROUPED = re.compile(r"\b(?:by|on|group_left)\s*\(([^)]*)\)")


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FILES / "dashboard.json").read_text())
    return loaded


def expressions() -> Iterator[tuple[str, str]]:
    """Title and PromQL of every rule and of every query of the dashboard."""
    for rule in RULES:
        yield rule.get("alert", rule.get("record", "")), rule["expr"]
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


@pytest.fixture
def known(put, board, tally, process, informer) -> Known:
    """What /metrics shows, two checks on the board: metric -> label -> values."""
    put("good")
    put("bad", conditions=(("Ready", "False"),))
    watch = informer(restarts={str(reason): 0 for reason in Restart})
    issuer = ProviderState(name="login", up=True, keys=2, read_at=1.0)
    sources = process(
        informers=lambda: (watch,),
        providers=lambda: (issuer,),
        provider_requests=lambda: {("login", "Answered"): 1},
        introspections=lambda: (IntrospectionState(name="login", up=True, answered_at=1.0),),
        introspection_requests=lambda: {("login", "Answered"): 1},
    )
    metrics = Metrics(board, tally, sources, "0.1.0")
    found: Known = {}
    text = b"".join(metrics.scrape()).decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


@pytest.mark.parametrize(("title", "expression"), list(expressions()))
def test_every_metric_label_and_value_of_an_expression_exists(
    known: Known, title: str, expression: str
) -> None:
    """A renamed metric makes an alert that never fires: nobody would notice."""
    asked = WORD.findall(expression)
    assert asked, title
    labels: set[str] = set()
    for selector in asked:
        name = selector.partition("{")[0]
        assert name in known, f"{title}: there is no metric {name}"
        labels |= known[name].keys()
        for label, value in SELECTED.findall(selector):
            assert label in known[name], f"{title}: {name} has no label {label}"
            for word in value.split("|"):
                if re.fullmatch(r"[A-Z][A-Za-z]+", word):
                    assert word in known[name][label], f"{title}: {label} is never {word}"
    for group in GROUPED.findall(expression):
        for label in filter(None, re.split(r"[,\s]+", group)):
            assert label in labels | OF_THE_TARGET, f"{title}: nothing has the label {label}"


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_says_what_is_so_how_bad_and_where_to_read_on(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["for"], "one slow scrape is no alert"
    told = rule["annotations"]
    assert told.keys() == {"summary", "description", "runbook_url"}
    assert not told["summary"].endswith("."), "it is a title"
    assert told["description"].strip()
    page = Page(CHECKOUT / "docs" / "runbooks" / told["runbook_url"].removeprefix(BASE))
    assert page.text.startswith(f"# {name}\n")
    titles = re.findall(r"^## (.+)$", page.text, re.M)
    assert titles == ["What it means", "How to look", "How to mend"]


def test_no_runbook_is_without_its_alert() -> None:
    pages = {path.name for path in (CHECKOUT / "docs" / "runbooks").glob("*.md")}
    assert pages == {r["annotations"]["runbook_url"].removeprefix(BASE) for r in ALERTS.values()}


def test_the_page_of_metrics_lists_every_alert() -> None:
    listed = [row[0] for row in Page(CHECKOUT / "docs" / "metrics.md").rows("Alerts")]
    assert [re.sub(r"\[`(\w+)`\].*", r"\1", cell) for cell in listed] == list(ALERTS)


def test_every_metric_is_on_the_page_of_metrics_and_no_other_is(known: Known) -> None:
    text = (CHECKOUT / "docs" / "metrics.md").read_text()
    told = set(re.findall(r"^\| `((?:tokencheck|process)_\w+)` \|", text, re.M))
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in known}
    assert told == {name for name in shown if name.startswith(("tokencheck_", "process_"))}


def test_the_panels_of_the_dashboard_stand_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
