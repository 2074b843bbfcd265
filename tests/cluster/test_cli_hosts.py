"""`tokencheck hosts` lists whom TokenProviders have dialled; its values open that alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest
import yaml

from cluster.cli import tokencheck
from cluster.shop import Signer, jwks
from cluster.test_chart_network import taken
from controlplane import Api, ControlPlane
from controlplane.launch import render_chart
from networks import opens

API = "tokencheck.dev/v1alpha1"
Run = Callable[..., subprocess.CompletedProcess[str]]
LOGIN = {"jwt": {"issuer": "https://login.example.com/realms/shop", "keys": {"type": "Discovery"}}}
INSIDE = {
    "jwt": {"keys": {"type": "URL", "url": "https://keycloak.auth.svc/jwks"}},
    "hosts": ["keys.auth.svc:8443"],
    "network": {"cidrs": ["10.0.0.0/8", "100.64.0.0/10"]},
}
CLIENT = {"clientCredentialsRef": {"name": "client"}}
LIVE = {"introspection": {"url": "https://live.example.com/introspect"} | CLIENT}
INLINE = {"jwt": {"keys": {"type": "Inline", "jwks": jwks(Signer())}}}
# What the schema cannot see: the network has host bits.
INVALID = INSIDE | {"network": {"cidrs": ["10.0.0.1/8"]}}


@pytest.fixture
def api(own_controlplane: ControlPlane) -> Iterator[Api]:
    api = own_controlplane.api()
    yield api
    for found in api.list("TokenProvider"):
        api.delete("TokenProvider", found["metadata"]["name"])


@pytest.fixture
def run(own_controlplane: ControlPlane) -> Run:
    return lambda *args, user="admin": tokencheck(
        *args, kubeconfig=own_controlplane.kubeconfig(user)
    )


def make(api: Api, **specs: dict[str, Any]) -> None:
    for name, spec in specs.items():
        head = {"apiVersion": API, "kind": "TokenProvider", "metadata": {"name": name}}
        api.create(head | {"spec": {"allowedNamespaces": {"all": True}} | spec})


def test_each_server_is_a_row_with_the_private_networks_of_its_provider(run: Run, api: Api) -> None:
    make(api, login=LOGIN, inside=INSIDE, inline=INLINE, live=LIVE)
    shown = run("hosts")
    assert (shown.returncode, shown.stderr) == (0, "")
    title, *rows = shown.stdout.splitlines()
    assert title.split() == ["PROVIDER", "HOST", "ASKED", "ABOUT", "PRIVATE", "NETWORKS"]
    assert [line.split(maxsplit=3) for line in rows] == [
        ["inside", "keycloak.auth.svc:443", "keys", "10.0.0.0/8, 100.64.0.0/10"],
        ["inside", "keys.auth.svc:8443", "keys", "10.0.0.0/8, 100.64.0.0/10"],
        ["live", "live.example.com:443", "tokens", "-"],
        ["login", "login.example.com:443", "keys", "-"],
    ]


def test_programs_get_the_same_as_json_and_yaml(run: Run, api: Api) -> None:
    make(api, inside=INSIDE, inline=INLINE)
    document = json.loads(run("hosts", "-o", "json").stdout)
    assert document == yaml.safe_load(run("hosts", "-o", "yaml").stdout)
    assert document == {
        "items": [
            {
                "provider": "inside",
                "hosts": [
                    {"host": "keycloak.auth.svc", "port": 443, "about": ["keys"]},
                    {"host": "keys.auth.svc", "port": 8443, "about": ["keys"]},
                ],
                "cidrs": ["10.0.0.0/8", "100.64.0.0/10"],
            }
        ],
        "invalid": [],
    }


def test_an_invalid_provider_is_named_with_what_to_do(run: Run, api: Api) -> None:
    make(api, login=LOGIN, wrong=INVALID)
    for form in ("table", "json", "yaml", "values", "networkpolicy", "ciliumnetworkpolicy"):
        shown = run("hosts", "-o", form)
        assert shown.returncode == 1
        assert "TokenProvider wrong is invalid" in shown.stderr
        assert "spec.network.cidrs[0]: must be a network without host bits" in shown.stderr
        assert "Correct the spec" in shown.stderr
        assert "keycloak" not in shown.stdout
        assert "login.example.com" in shown.stdout or form in ("values", "networkpolicy")


def test_nobody_to_dial_is_said(run: Run, api: Api) -> None:
    make(api, inline=INLINE)
    shown = run("hosts")
    assert (shown.returncode, shown.stdout) == (0, "")
    assert "the API server alone" in shown.stderr
    assert json.loads(run("hosts", "-o", "json").stdout) == {"items": [], "invalid": []}


def test_who_may_not_list_them_is_told_which_right_is_missing(run: Run, api: Api) -> None:
    make(api, login=LOGIN)
    shown = run("hosts", user="alice")
    assert (shown.returncode, shown.stdout) == (3, "")
    assert "You may not list tokenproviders" in shown.stderr


@pytest.mark.parametrize("some", [{}, {"login": LOGIN}, {"login": LOGIN, "inside": INSIDE}])
def test_the_values_open_the_chart_s_policy_for_these_servers_and_no_others(
    run: Run, api: Api, some: dict[str, Any]
) -> None:
    make(api, inline=INLINE, **some)
    printed = run("hosts", "-o", "values")
    assert (printed.returncode, printed.stderr) == (0, "")
    (policy,) = [
        one
        for one in render_chart(yaml.safe_load(printed.stdout))
        if one["kind"] == "NetworkPolicy"
    ]
    taken(api, policy)
    rules = policy["spec"]["egress"]
    opened = {
        (address, port)
        for address in ("8.8.8.8", "10.1.2.3", "100.64.1.1", "100.100.100.200", "192.168.1.1")
        for port in (80, 443, 8443)
        if opens(rules, ip_address(address), port)
    }
    public = {("8.8.8.8", 443)} if some else set()
    private = {(a, p) for a in ("8.8.8.8", "10.1.2.3", "100.64.1.1") for p in (443, 8443)}
    assert opened == public | (private if "inside" in some else set())


def test_the_plain_policy_is_that_of_the_chart_and_the_api_server_takes_it(
    run: Run, api: Api
) -> None:
    make(api, login=LOGIN, inside=INSIDE)
    printed = run("hosts", "-o", "networkpolicy")
    assert (printed.returncode, printed.stderr) == (0, "")
    assert "no names" in printed.stdout.splitlines()[1]
    policy = yaml.safe_load(printed.stdout)
    values = yaml.safe_load(run("hosts", "-o", "values").stdout)
    (of_the_chart,) = [one for one in render_chart(values) if one["kind"] == "NetworkPolicy"]
    assert policy["spec"]["egress"] == of_the_chart["spec"]["egress"]
    deployment = next(one for one in render_chart() if one["kind"] == "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    taken(api, policy)


def test_cilium_is_told_the_names_and_no_others(run: Run, api: Api) -> None:
    make(api, login=LOGIN, live=LIVE, inline=INLINE)
    printed = run("hosts", "-o", "ciliumnetworkpolicy")
    assert (printed.returncode, printed.stderr) == (0, "")
    policy = yaml.safe_load(printed.stdout)
    assert policy["apiVersion"] == "cilium.io/v2"
    named = [rule["toFQDNs"] for rule in policy["spec"]["egress"] if "toFQDNs" in rule]
    assert named == [[{"matchName": "live.example.com"}, {"matchName": "login.example.com"}]]
