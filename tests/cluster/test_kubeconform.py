"""Both the API server and kubeconform -strict, by its schemas, take all that the chart makes.

The API server judges more of the objects, but not the text: a key that stands there twice is one to
it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import cache

import pytest
import yaml

from cluster.rendered import PROVIDERS_KNOWN, modes
from cluster.schemas import write_schemas
from controlplane import Api, ControlPlane
from controlplane.build import BuildError
from controlplane.extras import KUBECONFORM, extra, monitoring_crds
from controlplane.launch import chart_text

MODES = modes()
# Those of the Prometheus Operator that the chart has objects for.
MONITORING = ("podmonitors", "prometheusrules", "servicemonitors")
Judge = Callable[[str], dict]


@pytest.fixture(scope="module")
def api(own_controlplane: ControlPlane) -> Api:
    """Of a server that knows the kinds of the Prometheus Operator too."""
    try:
        crds = monitoring_crds()
    except BuildError as error:
        pytest.skip(f"the CRDs of the Prometheus Operator cannot be had here: {error}")
    own_controlplane.install(*(crds / f"monitoring.coreos.com_{name}.yaml" for name in MONITORING))
    return own_controlplane.api()


@pytest.fixture(scope="module")
def judge(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """What kubeconform says of a text."""
    try:
        program = extra(KUBECONFORM)
    except BuildError as error:
        pytest.skip(f"kubeconform cannot run here: {error}")
    location = tmp_path_factory.mktemp("schemas")
    write_schemas(api, location)

    def judged(text: str) -> dict:
        options = ["-strict", "-summary", "-verbose", "-output", "json"]
        done = subprocess.run(
            [str(program), *options, "-schema-location", str(location), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.stderr
        found: dict = json.loads(done.stdout)
        return found

    return judged


@cache
def text_of(mode: str) -> str:
    return chart_text(**MODES[mode], tests=True)


def everything() -> str:
    """All kinds that the chart makes."""
    values = MODES["everything that is off by default"]["values"]
    vendors = {"vendors": {"GitHub": {"enabled": True}}}
    return chart_text(values | vendors, api_versions=PROVIDERS_KNOWN, tests=True)


@pytest.mark.parametrize("mode", MODES)
def test_the_api_server_takes_every_object(api: Api, mode: str) -> None:
    """A dry run, as server-side apply has it, and nothing that it does not know."""
    query = {"dryRun": "All", "fieldManager": "test", "force": "true", "fieldValidation": "Strict"}
    for made in filter(None, yaml.safe_load_all(text_of(mode))):
        name = made["metadata"]["name"]
        if made["metadata"].get("annotations", {}).get("helm.sh/hook") == "test":
            continue  # a Pod, which is refused before its ServiceAccount is there
        made["metadata"]["namespace"] = "default"  # whatever has one; its own is not there
        path = api.path(f"{made['apiVersion']}/{made['kind']}", "default", name)
        if "/namespaces/" not in path:
            del made["metadata"]["namespace"]
        kind = "application/apply-patch+yaml"
        answer = api.request("PATCH", path, made, content_type=kind, query=query)
        assert answer["metadata"]["name"] == name


@pytest.mark.parametrize("mode", MODES)
def test_kubeconform_takes_every_object_and_leaves_none_out(judge: Judge, mode: str) -> None:
    text = text_of(mode)
    count = len([one for one in yaml.safe_load_all(text) if one])
    found = judge(text)
    assert [one for one in found["resources"] if one["status"] != "statusValid"] == []
    assert found["summary"] == {"valid": count, "invalid": 0, "errors": 0, "skipped": 0}


def test_it_knows_the_kinds_of_tokencheck_and_of_the_prometheus_operator(judge: Judge) -> None:
    found = judge(everything())
    valid = {one["kind"] for one in found["resources"] if one["status"] == "statusValid"}
    assert valid >= {"TokenProvider", "PodMonitor", "PrometheusRule"}
    assert valid == {one["kind"] for one in yaml.safe_load_all(everything()) if one}


@pytest.mark.parametrize(
    ("kind", "right", "wrong", "said"),
    [
        ("Deployment", "  replicas: 2", "  replica: 2", "'replica' not allowed"),
        ("Deployment", "  replicas: 2", "  replicas: two", "want integer"),
        ("Deployment", "  replicas: 2", "  replicas: 2\n  replicas: 2", "already set in map"),
        ("Deployment", "readOnlyRootFilesystem:", "readOnlyRootFileSystem:", "not allowed"),
        ("NetworkPolicy", "policyTypes:", "policyType:", "'policyType' not allowed"),
        ("NetworkPolicy", "  podSelector:", "  podSelectors:", "'podSelectors' not allowed"),
        ("ValidatingAdmissionPolicy", "failurePolicy:", "failurePolicies:", "not allowed"),
        ("CustomResourceDefinition", "scope:", "scopes:", "'scopes' not allowed"),
        ("TokenProvider", "allowedNamespaces:", "allowedNamespace:", "not allowed"),
        ("TokenProvider", "type: GitHub", "type: GitHubs", "value must be one of"),
        ("PodMonitor", "podMetricsEndpoints:", "podMetricEndpoints:", "not allowed"),
        ("PrometheusRule", "expr:", "exprs:", "'exprs' not allowed"),
        ("Service", "apiVersion: v1", "apiVersion: v2", "could not find schema for Service"),
    ],
    ids=str,
)
def test_it_refuses_what_is_misspelt(
    judge: Judge, kind: str, right: str, wrong: str, said: str
) -> None:
    documents = everything().split("\n---\n")
    text = next(one for one in documents if f"\nkind: {kind}\n" in f"\n{one}\n")
    assert right in text
    (told,) = judge(text.replace(right, wrong, 1))["resources"]
    assert told["status"] in ("statusInvalid", "statusError")
    assert said in told["msg"]
