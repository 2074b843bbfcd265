"""Who keeps TokenChecks in Git sees no difference that nobody made, and no tool applies for ever.

Defaults, the name of who asked and the verdict stand on an object and in no manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import yaml

from cluster.gitops import Kubectl, Tool, rested
from cluster.shop import API, ISSUER, Object, Shop, env, is_current, jwks, pod_spec
from controlplane import ControlPlane, OperatorProcess
from controlplane.launch import CHECKOUT, install_policies

Launch = Callable[..., OperatorProcess]
WHO = "tokencheck.dev/requester"
POLICIES = {"admission": {"statusWriters": ["admin"]}}
KEEPER = POLICIES | {"clusterTokenChecks": {"enabled": True}}


@pytest.fixture
def smallest(shop: Shop) -> Object:
    """The manifest of the README, and what it checks."""
    shop.secret("payments-api", shop.signer.token())
    shop.workload("checkout", pod_spec(env("payments-api")))
    shop.settled("Deployment", "checkout")
    return example(shop, "smallest")


@pytest.fixture
def manifests(shop: Shop, smallest: Object) -> tuple[Object, ...]:
    """It, one with fields and lists of all sorts, and a TokenProvider."""
    full = example(shop, "full")
    full["metadata"]["name"] = "full"
    full["spec"]["tokens"][0]["providerRef"]["name"] = shop.provider()
    rules = {"issuer": ISSUER, "keys": {"type": "Inline", "jwks": jwks(shop.signer)}}
    provider = {"apiVersion": API, "kind": "TokenProvider", "metadata": {"name": shop.namespace}}
    spec = {"allowedNamespaces": {"all": True}, "jwt": rules}
    # Its name is kept, so that it goes with the test; the tool is to make it itself.
    shop.admin.delete("TokenProvider", shop.namespace)
    return (smallest, full, provider | {"spec": spec})


def example(shop: Shop, name: str) -> Object:
    found: Object = yaml.safe_load((CHECKOUT / "examples" / "shop" / f"{name}.yaml").read_text())
    found["metadata"]["namespace"] = shop.namespace
    return found


def settled(shop: Shop, manifest: Object) -> Object:
    """The object as it is when all has been said of it."""
    return shop.admin.wait(
        manifest["kind"],
        manifest["metadata"]["name"],
        manifest["metadata"].get("namespace"),
        until=lambda it: is_current(it) and rested(it),
        timeout_s=60,
    )


def one_check(provider: Object) -> bool:
    return bool(provider.get("status", {}).get("checks") == 1)


def version(found: Object) -> tuple[str, str]:
    return found["metadata"]["resourceVersion"], found["metadata"]["annotations"][WHO]


@pytest.mark.parametrize("server_side", [False, True], ids=["client-side", "server-side"])
def test_nothing_differs_before_and_after_a_verdict_and_to_apply_it_again_writes_nothing(
    shop: Shop,
    kubectl: Kubectl,
    launch_operator: Launch,
    manifests: tuple[Object, ...],
    server_side: bool,
) -> None:
    tool = Tool(kubectl, "gitops", server_side=server_side)
    assert f"+    {WHO}: gitops" in tool.differs(*manifests)  # a dry run of what is not there yet
    assert tool.apply(*manifests) == ""
    assert tool.differs(*manifests) == ""
    launch_operator()
    provider = manifests[2]["metadata"]["name"]
    shop.admin.wait("TokenProvider", provider, until=one_check)
    before = [settled(shop, one)["metadata"] for one in manifests]
    assert tool.differs(*manifests) == ""
    assert tool.apply(*manifests) == ""
    assert [settled(shop, one)["metadata"] for one in manifests] == before
    manifests[1]["spec"]["tokens"][0]["audiences"].append("refunds")
    assert "+    - refunds" in tool.differs(*manifests)  # what does differ is seen


def test_two_managers_share_a_check_and_neither_gets_in_the_other_s_or_the_operator_s_way(
    shop: Shop, kubectl: Kubectl, launch_operator: Launch, smallest: Object
) -> None:
    launch_operator()
    one, other = Tool(kubectl, "one"), Tool(kubectl, "other")
    place = {key: smallest["metadata"][key] for key in ("name", "namespace")}
    head = {"apiVersion": API, "kind": "TokenCheck", "metadata": place}
    part = head | {"metadata": place | {"labels": {"team": "payments"}}, "spec": {"interval": "1h"}}
    assert one.apply(smallest) == ""
    settled(shop, smallest)
    assert other.apply(part) == ""
    found = settled(shop, smallest)
    assert version(found)[1] == "other"  # who changed the spec
    managers = found["metadata"]["managedFields"]
    assert {(it["manager"], it.get("subresource", "")) for it in managers} == {
        ("one", ""),
        ("other", ""),
        ("tokencheck", "status"),
    }
    assert WHO not in str(managers)  # of nobody's manifest, so nobody's apply takes it off
    for tool, manifest in ((one, smallest), (other, part), (one, smallest)):
        assert tool.differs(manifest) == ""
        assert tool.apply(manifest) == ""
        assert version(settled(shop, smallest)) == version(found)
    # Each changes what is his, and meets the other only where he takes what is the other's.
    smallest["spec"]["policy"] = {"staleInPods": "Ignore"}
    assert one.apply(smallest) == ""
    found = settled(shop, smallest)
    assert (version(found)[1], found["spec"]["interval"]) == ("one", "1h")
    assert other.differs(part) == ""
    taken = smallest | {"spec": smallest["spec"] | {"interval": "2h"}}
    assert 'conflict with "other": .spec.interval' in one.apply(taken)
    assert other.apply(head | {"spec": {}}) == ""
    found = settled(shop, smallest)
    assert (version(found)[1], found["spec"]["interval"]) == ("other", "10m")
    assert "labels" not in found["metadata"]
    assert one.differs(smallest) == ""


@pytest.fixture
def cluster(shop: Shop, controlplane: ControlPlane, launch_operator: Launch) -> Iterator[Object]:
    """A ClusterTokenCheck of the test's namespace, not there yet; an operator acts on such."""
    install_policies(controlplane, KEEPER)
    launch_operator(values=KEEPER, args=("--cluster-token-checks",))
    only = {"matchLabels": {"kubernetes.io/metadata.name": shop.namespace}}
    named = {"apiVersion": API, "kind": "ClusterTokenCheck", "metadata": {"name": shop.namespace}}
    yield named | {"spec": {"namespaceSelector": only, "copyLabels": ["team"]}}
    shop.admin.delete("ClusterTokenCheck", shop.namespace)
    install_policies(controlplane, POLICIES)


def test_neither_a_cluster_token_check_nor_what_it_made_differs_round_after_round(
    shop: Shop, kubectl: Kubectl, cluster: Object
) -> None:
    """A label that somebody else applies to a check stays, and nothing is written again for it."""
    git, team = Tool(kubectl, "git"), Tool(kubectl, "team")
    place = {"name": "deployment-web", "namespace": shop.namespace}
    check = {"apiVersion": API, "kind": "TokenCheck", "metadata": place}
    label = check | {"metadata": place | {"labels": {"their": "own"}}}
    shop.secret("good", shop.signer.token())
    shop.workload("web", pod_spec(env("good")))
    assert git.apply(cluster) == ""
    settled(shop, check)
    assert team.apply(label) == ""
    before = settled(shop, check)
    assert (git.differs(cluster), team.differs(label)) == ("", "")
    shop.workload("db", pod_spec(env("good")), kind="StatefulSet")
    settled(shop, {"kind": "TokenCheck", "metadata": place | {"name": "statefulset-db"}})
    assert git.apply(cluster) == team.apply(label) == ""
    assert (git.differs(cluster), team.differs(label)) == ("", "")
    assert settled(shop, check) == before  # a round later at least
    assert (version(before)[1], before["metadata"]["labels"]["their"]) == ("git", "own")
