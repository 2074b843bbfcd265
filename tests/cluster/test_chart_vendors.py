"""Vendors that the chart's values switch on: the TokenProviders as they are rendered."""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml

from cluster.rendered import PROVIDERS_KNOWN
from controlplane.launch import CHART, CHECKOUT, SERVED, render_chart
from networks import opens
from pages import Page
from tokencheck.api.tokenprovider import parse_tokenprovider
from tokencheck.api.vendor import VendorType

GOLDEN = yaml.safe_load((Path(__file__).parent / "chart" / "vendors.yaml").read_text())
HOOK = "helm.sh/hook"


def providers(vendors: dict, *, known: bool = True) -> list[dict]:
    served = PROVIDERS_KNOWN if known else SERVED
    manifests = render_chart({"vendors": vendors}, api_versions=served)
    return [one for one in manifests if one["kind"] == "TokenProvider"]


def told(provider: dict) -> str:
    """A provider as a line of the golden file."""
    spec, hooks = provider["spec"], provider["metadata"].get("annotations", {}).get(HOOK)
    name = provider["metadata"]["name"] + (f" ({hooks})" if hooks else "")
    if "match" not in spec:
        return f"{name}: nobody"
    who = spec["allowedNamespaces"].get("selector", "all")
    assert spec["match"]["kinds"] == [spec["vendor"]["type"]]
    return f"{name}: {who}, every {spec['vendor']['type']} token"


@pytest.mark.parametrize("case", GOLDEN)
def test_it_makes_exactly_these_providers(case: str) -> None:
    made = providers(GOLDEN[case]["values"], known=GOLDEN[case]["known"])
    assert [told(one) for one in made] == GOLDEN[case]["made"]


def needs_nothing(vendor: VendorType) -> bool:
    """Whether it has one address for all, and answers without credentials of the operator."""
    spec = {"allowedNamespaces": {"all": True}, "vendor": {"type": str(vendor)}}
    provider = parse_tokenprovider({"metadata": {"name": "p"}, "spec": spec})
    return not provider.invalid and bool(provider.vendor and provider.vendor.server)


PUBLIC = sorted(str(vendor) for vendor in VendorType if needs_nothing(vendor))


def test_the_vendors_are_those_that_need_no_address_and_no_credentials() -> None:
    chart = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert sorted(chart["vendors"]) == PUBLIC
    assert sorted(schema["properties"]["vendors"]["properties"]) == PUBLIC


def test_each_vendor_s_provider_is_valid_and_for_tokens_that_are_recognised() -> None:
    made = providers({vendor: {"enabled": True} for vendor in PUBLIC})
    parsed = [parse_tokenprovider(one) for one in made]
    assert [one.invalid for one in parsed] == [()] * len(PUBLIC)
    assert sorted(kind for one in parsed for kind in one.match) == PUBLIC


def test_it_is_the_provider_that_the_page_has_an_admin_write() -> None:
    page = Page(CHECKOUT / "docs" / "providers" / "vendors.md")
    (written,) = page.blocks("yaml", below="A vendor that is asked whether a token lives")
    (made,) = providers({"GitHub": {"enabled": True}})
    shown = yaml.safe_load(written)
    assert made["spec"] == shown["spec"]
    assert made["metadata"]["name"] == shown["metadata"]["name"]


def test_helm_takes_over_what_the_first_install_made() -> None:
    (made,) = providers({"GitHub": {"enabled": True}}, known=False)
    noted = made["metadata"]["annotations"]
    assert noted["meta.helm.sh/release-name"] == "tokencheck"
    assert noted["meta.helm.sh/release-namespace"] == "tokencheck-system"
    assert made["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert "helm.sh/hook-delete-policy" not in noted


@pytest.mark.parametrize("ports", [[], [8443], [443]])
def test_the_network_policy_lets_the_operator_reach_vendors_that_are_on(ports: list[int]) -> None:
    def reached(*vendors: str) -> bool:
        values = {
            "networkPolicy": {"enabled": True, "egress": {"ports": ports}},
            "vendors": {vendor: {"enabled": True} for vendor in vendors},
        }
        (policy,) = [one for one in render_chart(values) if one["kind"] == "NetworkPolicy"]
        return opens(policy["spec"]["egress"], ip_address("140.82.121.6"), 443)

    assert reached("GitHub")
    assert reached() == (443 in ports)


@pytest.mark.parametrize(
    ("vendors", "said"),
    [
        ({"GitHub": True}, "at '/vendors/GitHub'"),
        ({"github": {"enabled": True}}, "additional properties 'github' not allowed"),
        ({"Vault": {"enabled": True}}, "additional properties 'Vault' not allowed"),
        ({"GitHub": {"enabled": "yes"}}, "at '/vendors/GitHub/enabled'"),
        ({"GitHub": {"url": "https://ghe.example.com"}}, "additional properties 'url' not"),
        ({"GitHub": {"namespaceSelector": {"team": "shop"}}}, "additional properties 'team' not"),
        ({"GitHub": {"namespaceSelector": {"matchLabels": {}}}}, "minProperties"),
        ({"GitHub": {"namespaceSelector": {"matchExpressions": []}}}, "minItems"),
    ],
    ids=str,
)
def test_values_that_mean_nothing_are_refused(vendors: dict, said: str) -> None:
    with pytest.raises(RuntimeError) as refused:
        providers(vendors)
    assert said in str(refused.value)
