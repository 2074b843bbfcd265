"""Every example of the README, the examples and the pages, on a real API server."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from cluster.reader import Reader
from cluster.shop import Signer, ready
from controlplane import ControlPlane
from controlplane.launch import CHECKOUT, install_policies
from pages import Page, pages

README = Page(CHECKOUT / "README.md")
METRICS = Page(CHECKOUT / "docs" / "metrics.md")
SECTIONS = (
    "Each TokenCheck",
    "What was found and written",
    "Providers that are asked for their keys",
    "Providers that are asked about tokens",
    "The operator itself",
)
ALERTS = CHECKOUT / "charts" / "tokencheck" / "files" / "alerts.yaml"
FIVE_MINUTES = "Five minutes to your first check"
EXAMPLES = sorted((CHECKOUT / "examples").rglob("*.yaml"))
MANIFESTS = [(f"{path.relative_to(CHECKOUT)}", path.read_text()) for path in EXAMPLES] + [
    (f"{page.path.relative_to(CHECKOUT)}:{number}", block)
    for page in pages(CHECKOUT)
    for number, block in enumerate(page.blocks("yaml"), 1)
    if "apiVersion:" in block
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with ControlPlane() as plane:
        made = Reader(plane, tmp_path_factory.mktemp("home"))
        made.has_a_shop()
        yield made
        made.leaves()


@pytest.fixture(scope="module")
def first_check(reader: Reader) -> subprocess.CompletedProcess[str]:
    """The commands of `Five minutes to your first check` as they are written, typed once."""
    typed = reader.types(README.blocks("bash", below=FIVE_MINUTES)[0])
    print(typed.stdout, typed.stderr)
    return typed


def test_the_five_minutes_lead_to_a_verdict(
    reader: Reader, first_check: subprocess.CompletedProcess[str]
) -> None:
    assert first_check.returncode == 0, first_check
    assert "kind: TokenCheck" in first_check.stdout
    assert "payments-api" in first_check.stdout
    assert ready(reader.api.get("TokenCheck", "checkout", "shop"))[0] == "True"


def test_the_helm_install_follows_on_the_five_minutes(
    reader: Reader, first_check: subprocess.CompletedProcess[str]
) -> None:
    """The CRDs stand there already, applied by hand."""
    assert first_check.returncode == 0
    command = README.blocks("bash", below=FIVE_MINUTES)[1]
    done = reader.types(command)
    assert done.returncode == 0, done
    assert reader.api.get("Deployment", "tokencheck", "tokencheck-system")
    # Nothing runs its Pods here: the operator of the five minutes stays, and may go on writing.
    install_policies(reader.plane, {"admission": {"statusWriters": ["admin"]}})


def test_the_smallest_manifest_of_the_page_is_that_of_the_examples() -> None:
    block = README.blocks("yaml")[0]
    smallest = (CHECKOUT / "examples" / "shop" / "smallest.yaml").read_text()
    assert yaml.safe_load(block) == yaml.safe_load(smallest)


@pytest.mark.parametrize("text", [text for _, text in MANIFESTS], ids=[n for n, _ in MANIFESTS])
def test_every_manifest_of_the_pages_and_examples_is_accepted(
    reader: Reader, first_check: subprocess.CompletedProcess[str], text: str
) -> None:
    assert first_check.returncode == 0
    for manifest in yaml.safe_load_all(text):
        place = manifest["metadata"].get("namespace")
        assert place in (None, "shop", "tokencheck-system")
        if place == "tokencheck-system":
            reader.has_namespace(place)
        said = reader.plane.kubectl(
            *("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"),
            *("--force-conflicts",),
            stdin=yaml.safe_dump(manifest),
        )
        assert "serverside-applied" in said.stdout


def test_the_full_example_judges_with_the_provider_of_the_examples(
    reader: Reader, first_check: subprocess.CompletedProcess[str]
) -> None:
    assert first_check.returncode == 0
    signer = Signer()
    reader.has_namespace("tokencheck-system")
    _has_keys(reader, signer)
    reader.has_secret(signer.token())
    label = {"metadata": {"labels": {"payments": "yes"}}}
    reader.api.patch("Namespace", "shop", label)
    examples = "examples/shop/provider.yaml -f examples/shop/full.yaml"
    done = reader.types(
        f"kubectl apply -f {examples} && kubectl rollout restart -n shop deploy/checkout"
        " && kubectl rollout status -n shop deploy/checkout --timeout 30s"
    )
    assert done.returncode == 0, done
    found = reader.api.wait(
        *("TokenCheck", "checkout", "shop"),
        until=lambda it: ready(it) == ("True", "AllChecksPassed"),
        timeout_s=30,
    )
    assert "team-payments" in str(found)


def test_the_ways_to_wait_for_this_revision_work(
    reader: Reader, first_check: subprocess.CompletedProcess[str]
) -> None:
    assert first_check.returncode == 0
    generation = reader.api.get("Deployment", "checkout", "shop")["metadata"]["generation"]
    (block,) = README.blocks("bash", below="Reading a TokenCheck")
    assert block.count("}'=7") == 1
    done = reader.types(block.replace("}'=7", f"}}'={generation}"))
    assert done.returncode == 0, done
    assert "condition met" in done.stdout


def test_kubectl_finds_the_plugin(reader: Reader) -> None:
    done = reader.types("kubectl tokencheck version && kubectl tokencheck verify --help")
    assert done.returncode == 0, done
    assert "--require-scope" in done.stdout


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("verify --file good.jwt", 0),
        ("verify --file expired.jwt", 1),
        ("verify", 2),
        ("verify --file good.jwt --audience payments-api", 3),
        ("wait checkout -n shop --timeout 1s", 4),
    ],
)
def test_the_exit_codes_are_those_of_the_page(
    reader: Reader, first_check: subprocess.CompletedProcess[str], command: str, code: int
) -> None:
    assert first_check.returncode == 0
    home = Path(reader.env["HOME"])
    (home / "good.jwt").write_text(Signer().token())
    (home / "expired.jwt").write_text(Signer().expired())
    broken = {"metadata": {"annotations": {"controlplane.test/fate": "never-ready"}}}
    if code == 4:
        body = {"spec": {"template": broken}}
        reader.api.patch("Deployment", "checkout", body, "shop")
    assert reader.types(f"cd ~ && tokencheck {command}").returncode == code


def metrics_of(reader: Reader) -> dict[str, set[str]]:
    """Name of each metric of the running operator, with the labels that its samples have."""
    with urllib.request.urlopen(f"http://127.0.0.1:{reader.port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = {label for one in family.samples for label in one.labels if label != "le"}
    return found


def test_the_page_of_metrics_names_every_metric_and_every_label(
    reader: Reader, first_check: subprocess.CompletedProcess[str]
) -> None:
    assert first_check.returncode == 0
    told, served = documented(*SECTIONS), metrics_of(reader)
    assert told.keys() == served.keys()
    for name, labels in served.items():
        assert labels in (set(), told[name]), name


def documented(*sections: str) -> dict[str, set[str]]:
    """Metrics of the page, with their labels."""
    rows = [row for section in sections for row in METRICS.rows(section)]
    return {name.strip("`"): set(re.findall(r"`(\w+)`", labels)) for name, labels, _ in rows}


def test_the_alerts_ask_for_metrics_and_labels_that_an_operator_serves(
    reader: Reader, first_check: subprocess.CompletedProcess[str]
) -> None:
    assert first_check.returncode == 0
    # An operator that acts on no ClusterTokenChecks serves nothing of them: test_cluster_checks.py.
    served = metrics_of(reader) | documented("ClusterTokenChecks")
    rules = [
        rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]
    assert len(rules) > 10
    for rule in rules:
        for name, labels in re.findall(r"\b(tokencheck_\w+)(?:{([^}]*)})?", rule["expr"]):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            known = served[name] if name in served else served[base]
            assert set(re.findall(r"(\w+)=", labels)) <= known | {"job", "le"}, rule


def _has_keys(reader: Reader, signer: Signer) -> None:
    meta = {"name": "payments-keys", "namespace": "tokencheck-system"}
    data = {"jwks.json": json.dumps({"keys": [signer.jwk]})}
    reader.api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
