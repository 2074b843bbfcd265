"""What the chart makes for the Prometheus Operator and Grafana, rendered by the real Helm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from controlplane.launch import CHART, render_chart

LABELS = {"release": "prometheus"}


def rendered(**monitoring: object) -> dict[str, dict]:
    """By kind, what monitoring adds."""
    without = [(m["kind"], m["metadata"]["name"]) for m in render_chart()]
    made = render_chart({"monitoring": {"labels": LABELS} | monitoring})
    return {m["kind"]: m for m in made if (m["kind"], m["metadata"]["name"]) not in without}


def test_nothing_is_made_before_it_is_asked_for() -> None:
    assert rendered() == {}


def test_a_pod_monitor_selects_the_pods_and_keeps_the_namespace_of_a_check() -> None:
    monitor = rendered(podMonitor=True)["PodMonitor"]
    (deployment,) = [m for m in render_chart() if m["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]
    selector = monitor["spec"]["selector"]["matchLabels"]
    assert selector.items() <= pod["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] in [p["name"] for p in pod["spec"]["containers"][0]["ports"]]
    assert endpoint["path"] == "/metrics"
    assert endpoint["honorLabels"] is True
    assert LABELS.items() <= monitor["metadata"]["labels"].items()


def test_a_service_monitor_selects_the_service() -> None:
    monitor = rendered(serviceMonitor=True, interval="1m")["ServiceMonitor"]
    (service,) = [m for m in render_chart() if m["kind"] == "Service"]
    selector = monitor["spec"]["selector"]["matchLabels"]
    assert selector.items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
    assert (endpoint["interval"], endpoint["honorLabels"]) == ("1m", True)


def test_the_rules_are_those_of_the_file_with_the_days_that_were_chosen() -> None:
    shipped = (CHART / "files" / "alerts.yaml").read_text()
    rules = rendered(rules=True)["PrometheusRule"]
    assert rules["spec"] == yaml.safe_load(shipped)
    assert LABELS.items() <= rules["metadata"]["labels"].items()
    chosen = rendered(rules=True, expiryDays=30)["PrometheusRule"]
    assert chosen["spec"] == yaml.safe_load(shipped.replace("7 * 86400", "30 * 86400"))
    assert chosen["spec"] != rules["spec"]


def test_the_dashboard_comes_where_the_sidecar_looks() -> None:
    config_map = rendered(dashboard=True)["ConfigMap"]
    assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
    shipped = json.loads(Path(CHART / "files" / "dashboard.json").read_text())
    assert json.loads(config_map["data"]["tokencheck.json"]) == shipped


def test_two_monitors_of_the_same_pods_are_refused() -> None:
    with pytest.raises(RuntimeError, match="monitoring"):
        rendered(podMonitor=True, serviceMonitor=True)


@pytest.mark.parametrize("days", [0, -1, "7d"])
def test_days_that_mean_nothing_are_refused(days: object) -> None:
    with pytest.raises(RuntimeError, match="expiryDays"):
        rendered(rules=True, expiryDays=days)
