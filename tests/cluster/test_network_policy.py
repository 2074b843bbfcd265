"""The chart's NetworkPolicy, enforced: which connections come about, and which do not.

By kube-network-policies of SIG Network (``tools/controlplane/policies``), on packets of a real
kernel between namespaces of their own. The API server is real; the Pods are there and run nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.cli import tokencheck
from cluster.rendered import one
from cluster.spaces import Spaces, unable
from cluster.test_cli_hosts import INSIDE, LOGIN, make
from cluster.tries import Tries, listening, parsed
from controlplane import Api, ControlPlane, access, netns
from controlplane.build import BuildError
from controlplane.extras import POLICIES, extra
from controlplane.launch import NAMESPACE, render_chart
from controlplane.relay import Relay

CHART = Path(__file__).parent / "chart"
GOLDEN = yaml.safe_load((CHART / "network.yaml").read_text())
REACHED = yaml.safe_load((CHART / "reached.yaml").read_text())
NODE = "node-0"
PATIENCE = 10  # times that all connections are tried


@pytest.fixture(scope="module")
def spaces() -> Iterator[Spaces]:
    """Every Pod and the world, and nothing between them that forbids anything."""
    try:
        reason = unable(extra(POLICIES))
    except BuildError as error:
        reason = str(error)
    if reason:
        pytest.skip(f"no NetworkPolicy can be enforced on this machine: {reason}")
    with Spaces() as made:
        for name, pod in REACHED["pods"].items():
            made.add(name, *pod["addresses"])
        of_pods = {address for its in made.addresses.values() for address in its}
        targets = {line.split()[2] for line in REACHED["tried"].values()}
        made.add("world", *sorted(targets - of_pods - made.addresses.keys()))
        yield made


@pytest.fixture(scope="module")
def tries(spaces: Spaces, own_controlplane: ControlPlane) -> Iterator[Tries]:
    """Policies are enforced for the Pods; there is none."""
    plane = own_controlplane
    for name, pod in REACHED["pods"].items():
        make_pod(plane.api(), name, pod)
    with ExitStack() as opened:
        bound = netns.socket_in(spaces.router.pid)
        bound.bind(("127.0.0.1", 0))
        relay = Relay(plane.at.api_port, bound=bound)
        opened.callback(relay.close)
        kubeconfig = access.write_kubeconfig(
            plane.folder / "policies.kubeconfig",
            server=f"https://127.0.0.1:{relay.port}",
            ca_file=plane.at.ca_file,
            token=plane.token_of("admin"),
            user="admin",
        )
        asked = [str(extra(POLICIES)), "-kubeconfig", str(kubeconfig), "-node", NODE]
        server = plane.launch("policies", spaces.router.command(*asked))
        opened.callback(plane.end, "policies", kill=True)
        lines = REACHED["tried"].items()
        tried = {name: parsed(line, spaces) for name, line in lines}
        made = opened.enter_context(listening(tried))
        comes_to(made, set(REACHED["tried"]))
        server.require_alive()
        yield made


def make_pod(api: Api, name: str, pod: dict[str, Any]) -> None:
    """The Pod is on our node and runs, and has its addresses."""
    namespace = pod["namespace"]
    labels = labels_of(name) | pod.get("labels", {})
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    at = {"name": "default", "namespace": namespace}
    api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": at})
    spec = {
        "nodeName": NODE,
        "automountServiceAccountToken": False,
        "containers": [{"name": "it", "image": "it"}],
    }
    at = {"name": name, "namespace": namespace, "labels": labels}
    api.create({"apiVersion": "v1", "kind": "Pod", "metadata": at, "spec": spec})
    addresses = [{"ip": address} for address in pod["addresses"]]
    status = {"phase": "Running", "podIP": addresses[0]["ip"], "podIPs": addresses}
    api.patch("Pod", name, {"status": status}, namespace, subresource="status")


def labels_of(name: str) -> dict[str, str]:
    """Those that the chart gives its Pods."""
    manifests = render_chart(tests=True)
    found = {
        "operator": one(manifests, "Deployment")["spec"]["template"],
        "helm-test": one(manifests, "Pod"),
    }
    labels: dict[str, str] = found.get(name, {"metadata": {"labels": {}}})["metadata"]["labels"]
    return labels


def through(case: dict[str, list[str]]) -> set[str]:
    return {*REACHED["always"], *case["in"], *case["out"]}


def comes_to(tries: Tries, expected: set[str]) -> None:
    """These connections come about and no others, as soon as it is known what may be."""
    for _ in range(PATIENCE):
        found = tries.reached()
        too_many, too_few = sorted(found - expected), sorted(expected - found)
        if not too_many and not too_few:
            return
    assert (too_many, too_few) == ([], [])


@pytest.fixture
def api(own_controlplane: ControlPlane) -> Iterator[Api]:
    made = own_controlplane.api()
    yield made
    made.delete_all("NetworkPolicy", NAMESPACE)
    for found in made.list("TokenProvider"):
        made.delete("TokenProvider", found["metadata"]["name"])


def policy(values: dict[str, Any]) -> dict[str, Any]:
    return one(render_chart({"networkPolicy": values | {"enabled": True}}), "NetworkPolicy")


def test_every_policy_of_the_golden_file_is_tried() -> None:
    assert GOLDEN.keys() == REACHED["reached"].keys()


@pytest.mark.parametrize("case", GOLDEN)
def test_it_lets_these_through_and_no_others(tries: Tries, api: Api, case: str) -> None:
    api.apply(policy(GOLDEN[case]["values"]))
    comes_to(tries, through(REACHED["reached"][case]))


def test_without_the_policy_everything_is_let_through_again(tries: Tries, api: Api) -> None:
    api.apply(policy({}))
    comes_to(tries, through(REACHED["reached"]["by default"]))
    api.delete_all("NetworkPolicy", NAMESPACE)
    comes_to(tries, set(REACHED["tried"]))


@pytest.mark.parametrize("form", REACHED["hosts"])
def test_what_hosts_prints_opens_the_servers_of_providers(
    tries: Tries, api: Api, own_controlplane: ControlPlane, form: str
) -> None:
    make(api, login=LOGIN, inside=INSIDE)
    printed = tokencheck("hosts", "-o", form, kubeconfig=own_controlplane.kubeconfig())
    assert printed.returncode == 0, printed.stderr
    found = yaml.safe_load(printed.stdout)
    made = policy(found["networkPolicy"]) if form == "values" else found
    made["metadata"]["namespace"] = NAMESPACE
    api.apply(made)
    comes_to(tries, through(REACHED["hosts"][form]))
