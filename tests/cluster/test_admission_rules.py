"""Statuses, the probe, TokenProviders, break-glass; and that no rule is superfluous."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from cluster.requesters import KEYS, Object, World, refusal, reviewed, token, world_of
from cluster.shop import API
from controlplane import Api, ApiError, ControlPlane
from controlplane.launch import NAMESPACE, SERVED, STAMPING, grant_operator, render_chart
from controlplane.launch import OURS as LABEL
from tokencheck.core.rights.guards import (
    Installation,
    guard_binding,
    is_bound_everywhere,
    is_shipped_guard,
    is_shipped_stamping,
)
from tokencheck.core.rights.policy import (
    MAX_TOKENS,
    PROBE_REFUSAL,
    probe,
    requester_binding,
    requester_policy,
)
from tokencheck.model.admission import REQUESTER_POLICY, Guard

OURS = (
    f"ValidatingAdmissionPolicy '{REQUESTER_POLICY}' with binding '{REQUESTER_POLICY}'"
    " denied request: "
)


@pytest.fixture(scope="module")
def world(bare_controlplane: ControlPlane) -> Iterator[World]:
    with world_of(bare_controlplane) as made:
        yield made


def test_the_operator_writes_statuses_and_nobody_else(world: World) -> None:
    who = grant_operator(world.plane)
    token_text = yaml.safe_load(who.read_text())["users"][0]["user"]["token"]
    operator = world.plane.api_for_token(token_text)
    name = world.harmless()["metadata"]["name"]
    status = {"status": {"verdict": "Unknown"}}
    for kind, of, space in (("TokenCheck", name, world.namespace),
                            ("TokenProvider", world.provider, None)):  # fmt: skip
        operator.patch(kind, of, status if space else {"status": {"keys": []}}, space,
                       subresource="status")  # fmt: skip
    said = refusal(
        lambda: world.users["pods", True].patch(
            "TokenCheck", name, status, world.namespace, subresource="status"
        )
    )
    assert "system:serviceaccount:tokencheck-system:tokencheck" in said


def test_what_asks_for_nothing_new_needs_no_right(world: World) -> None:
    """The garbage collector takes an owner off, and a namespace takes its TokenChecks along."""
    made = world.admin.create(
        world.check(
            {"workloadRef": {"kind": "Deployment", "name": "a"}},
            finalizers=["example.com/held"],
            labels={"a": "b"},
        )
    )
    api, name = world.users["none", False], made["metadata"]["name"]
    patch = {"metadata": {"finalizers": None, "labels": {"a": "c"}}}
    assert refusal(lambda: api.patch("TokenCheck", name, patch, world.namespace)) == ""


def test_the_probe_is_refused_to_everybody_and_never_stored(world: World) -> None:
    labelled = probe("probe", world.namespace)
    for api in (world.admin, *world.users.values()):
        assert PROBE_REFUSAL in refusal(lambda api=api: api.create(labelled))
        assert refusal(lambda api=api: api.apply(labelled)).count(OURS) == 1
    assert not world.admin.find("TokenCheck", "probe", world.namespace)
    found = world.harmless()
    label = {"metadata": {"labels": labelled["metadata"]["labels"]}}
    said = refusal(
        lambda: world.admin.patch("TokenCheck", found["metadata"]["name"], label, world.namespace)
    )
    assert PROBE_REFUSAL in said


# TokenProviders


@pytest.mark.parametrize("everywhere", [False, True], ids=["in one namespace", "everywhere"])
def test_who_writes_a_provider_may_get_the_secrets_of_all_namespaces(
    world: World, everywhere: bool
) -> None:
    name = f"{world.provider}-{'all' if everywhere else 'one'}"
    account = f"providers-{'all' if everywhere else 'one'}"
    body = {"apiVersion": "v1", "kind": "ServiceAccount"}
    world.admin.create(body | {"metadata": {"name": account, "namespace": world.namespace}})
    secrets_rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    rules = [{"apiGroups": ["tokencheck.dev"], "resources": ["tokenproviders"],
              "verbs": ["create", "update", "patch"]}]  # fmt: skip
    world.grant(name, rules + [secrets_rule] * everywhere, account, cluster=True)
    world.grant(account, [secrets_rule], account)
    user = f"system:serviceaccount:{world.namespace}:{account}"
    attributes = {"verb": "patch", "group": "tokencheck.dev", "resource": "tokenproviders"}
    reviewed(world, user, attributes)
    api = world.plane.api_for_token(world.plane.token_for_service_account(world.namespace, account))
    spec = world.admin.get("TokenProvider", world.provider)["spec"]
    made = {"apiVersion": API, "kind": "TokenProvider", "metadata": {"name": name}, "spec": spec}
    other = {"spec": {"jwt": {"issuer": f"https://{name}.example.com"}}}
    try:
        said = [
            refusal(lambda: api.create(made)),
            refusal(lambda: api.patch("TokenProvider", world.provider, other)),
            refusal(lambda: api.apply(made, manager="tester")),
        ]
        assert [not one for one in said] == [everywhere] * 3, said
        label = {"metadata": {"labels": {"team": "a"}}}
        assert refusal(lambda: api.patch("TokenProvider", world.provider, label)) == ""
    finally:
        world.admin.delete("TokenProvider", name)
        world.admin.delete("ClusterRole", name)
        world.admin.delete("ClusterRoleBinding", name)


# Break-glass

GOOD_BYPASS = {"until": "2027-01-31T12:00:00Z", "reason": "the issuer is down"}


def may_break_glass(world: World) -> None:
    rule = {"apiGroups": ["tokencheck.dev"], "resources": ["tokenchecks/bypass"],
            "verbs": ["update"]}  # fmt: skip
    world.grant("break-glass", [rule], world.name_of("secrets", False))
    attributes = {"verb": "update", "group": "tokencheck.dev", "resource": "tokenchecks",
                  "subresource": "bypass", "namespace": world.namespace}  # fmt: skip
    reviewed(world, world.user_name("secrets", False), attributes)


@pytest.mark.parametrize(
    ("may", "changed_to", "told"),
    [
        (True, {}, ""),
        (False, {}, "you need update on tokenchecks/bypass"),
        (True, {"by": "somebody"}, "write your own user name"),
        (True, {"by": None}, "write your own user name"),
        (True, {"reason": " "}, "say why the gates must open"),
        (True, {"reason": None}, "say why the gates must open"),
        (True, {"until": "tomorrow"}, "write until when"),
        (True, {"until": None}, "write until when"),
    ],
)
def test_break_glass_needs_a_right_a_name_a_reason_and_an_end(
    world: World, may: bool, changed_to: Object, told: str
) -> None:
    right = ("secrets", False) if may else ("none", False)
    may_break_glass(world)
    given = GOOD_BYPASS | {"by": world.user_name(*right)} | changed_to
    annotations = {f"tokencheck.dev/bypass-{k}": v for k, v in given.items() if v is not None}
    name, api = world.harmless()["metadata"]["name"], world.users[right]
    patch = {"metadata": {"annotations": annotations}}
    try:
        api.patch("TokenCheck", name, patch, world.namespace)
        said = ""
    except ApiError as error:
        said = error.status["message"]
    assert (told in said) if told else not said
    if not said:
        # Another touches something else, and ends it: both need no right.
        other = world.users["none", False]
        more = {"metadata": {"labels": {"a": "b"}}}
        assert refusal(lambda: other.patch("TokenCheck", name, more, world.namespace)) == ""
        longer = {
            "metadata": {"annotations": {"tokencheck.dev/bypass-until": "2027-02-01T00:00:00Z"}}
        }
        assert refusal(lambda: other.patch("TokenCheck", name, longer, world.namespace))
        ended = {"metadata": {"annotations": dict.fromkeys(annotations)}}
        assert refusal(lambda: other.patch("TokenCheck", name, ended, world.namespace)) == ""


# The policies themselves


def test_the_api_server_finds_no_fault_in_the_types_of_the_expressions(
    controlplane: ControlPlane,
) -> None:
    """It type-checks each against the CRD's schema, and only warns."""
    admin = controlplane.api()
    for policy in admin.list("ValidatingAdmissionPolicy", labelSelector=LABEL):
        name = policy["metadata"]["name"]
        found = admin.wait(
            "ValidatingAdmissionPolicy",
            name,
            until=lambda it: (
                it.get("status", {}).get("observedGeneration") == it["metadata"]["generation"]
            ),
            timeout_s=60,
        )
        assert not found["status"].get("typeChecking", {}).get("expressionWarnings"), name


def test_what_is_installed_is_to_the_letter_what_is_compared_with(
    bare_controlplane: ControlPlane,
) -> None:
    admin = bare_controlplane.api()
    installed = admin.get("ValidatingAdmissionPolicy", REQUESTER_POLICY)
    assert installed["spec"] == requester_policy()["spec"]
    bound = admin.get("ValidatingAdmissionPolicyBinding", REQUESTER_POLICY)
    assert bound["spec"] == requester_binding()["spec"]
    account = f"system:serviceaccount:{NAMESPACE}:tokencheck"
    known = Installation(operators=frozenset({account}), stamps=bool(SERVED))
    for guard in Guard:
        assert is_shipped_guard(guard, admin.get("ValidatingAdmissionPolicy", guard), known)
        bound = admin.get("ValidatingAdmissionPolicyBinding", guard)
        assert bound["spec"] == guard_binding(guard)["spec"]
    if not SERVED:
        return
    assert is_shipped_stamping(admin.get("MutatingAdmissionPolicy", Guard.STAMP), known)
    assert is_bound_everywhere(
        admin.get("MutatingAdmissionPolicyBinding", Guard.STAMP), Guard.STAMP
    )


@pytest.mark.parametrize("makes", [False, True], ids=["makes none", "makes TokenChecks"])
@pytest.mark.parametrize("stamps", [False, True], ids=["below 1.36", "1.36"])
def test_whatever_the_values_of_the_chart_its_policies_are_those_that_are_compared_with(
    makes: bool, stamps: bool
) -> None:
    values = {"clusterTokenChecks": {"enabled": makes}, "serviceAccount": {"name": "mine"}}
    values |= {"admission": {"statusWriters": ["ann", "<b> & c: d"]}}
    rendered = render_chart(values, namespace="ops", api_versions=STAMPING if stamps else ())
    known = Installation(operators=frozenset({"system:serviceaccount:ops:mine"}), stamps=stamps)
    policies = {
        (one["kind"], one["metadata"]["name"]): filled(one)
        for one in rendered
        if one["kind"].endswith("Policy") and "matchConstraints" in one["spec"]
    }
    for guard in Guard:
        assert is_shipped_guard(guard, policies["ValidatingAdmissionPolicy", guard], known)
    found = policies.get(("MutatingAdmissionPolicy", Guard.STAMP))
    assert (found is not None) is stamps
    assert found is None or is_shipped_stamping(found, known)


def filled(policy: Object) -> Object:
    """With what the API server adds."""
    places = policy["spec"]["matchConstraints"]
    for name, value in (("matchPolicy", "Equivalent"), ("namespaceSelector", {}),
                        ("objectSelector", {})):  # fmt: skip
        places.setdefault(name, value)
    for rule in places["resourceRules"]:
        rule.setdefault("scope", "*")
    return policy


# No rule is superfluous

DRY = {"dryRun": "All"}
ADMITS = {"expression": "true"}


def refused(world: World) -> list[Callable[[], object]]:
    """Writes each of which one rule alone refuses; none of them is stored."""
    nobody, poor, reader = (
        world.users["none", False],
        world.users["none", True],
        world.users["pods", False],
    )
    workload = {"kind": "Deployment", "name": "checkout"}
    account = {"name": "a", "serviceAccountToken": {"audience": "vault"}}
    specs: list[tuple[Api, Object]] = [
        (nobody, {"workloadRef": workload}),
        (nobody, {"workloadRef": workload, "discover": "None", "tokens": [account]}),
    ]
    for index in range(MAX_TOKENS):
        tokens = [token(number) for number in range(MAX_TOKENS)]
        tokens[index] = token(index) | {"secretKeyRef": {"name": "other", "key": "token"}}
        specs.append((world.users["secret", True], {"tokens": tokens}))
        tokens = [token(number) for number in range(MAX_TOKENS)]
        tokens[index] = token(index, keys=KEYS)
        specs.append((world.users["secret", True], {"tokens": tokens}))
        tokens = [token(number) for number in range(MAX_TOKENS)]
        tokens[index] = token(index, providerRef={"name": "other"})
        specs.append((reader, {"tokens": tokens}))
    writes = [created(world, api, world.check(spec)) for api, spec in specs]
    writes.append(created(world, world.admin, probe("probe", world.namespace)))
    writes += [status_write(world, poor), provider_write(world), cluster_check_write(world)]
    return [*writes, *bypasses(world)]


def created(world: World, api: Api, check: Object) -> Callable[[], object]:
    path = api.path("TokenCheck", world.namespace)
    return lambda: api.request("POST", path, check, query=DRY)


def patched(api: Api, path: str, patch: Object) -> Callable[[], object]:
    how = "application/merge-patch+json"
    return lambda: api.request("PATCH", path, patch, content_type=how, query=DRY)


def status_write(world: World, api: Api) -> Callable[[], object]:
    name = world.harmless()["metadata"]["name"]
    path = api.path("TokenCheck", world.namespace, name, "status")
    return patched(api, path, {"status": {"verdict": "Valid"}})


def provider_write(world: World) -> Callable[[], object]:
    api = may_write(world, "tokenproviders", "patch")
    spec = {"spec": {"jwt": {"issuer": "https://other.example.com"}}}
    return patched(api, api.path("TokenProvider", None, world.provider), spec)


def cluster_check_write(world: World) -> Callable[[], object]:
    api = may_write(world, "clustertokenchecks", "create")
    made = {"apiVersion": API, "kind": "ClusterTokenCheck", "metadata": {"name": world.namespace}}
    made |= {"spec": {"namespaceSelector": {}}}
    return lambda: api.request("POST", api.path("ClusterTokenCheck"), made, query=DRY)


def may_write(world: World, plural: str, verb: str) -> Api:
    """Somebody whom RBAC lets write objects of the cluster, and who may get no Secret."""
    rule = {"apiGroups": ["tokencheck.dev"], "resources": [plural], "verbs": [verb]}
    account = world.name_of("none", False)
    world.grant(f"{world.provider}-{plural}", [rule], account, cluster=True)
    attributes = {"verb": verb, "group": "tokencheck.dev", "resource": plural}
    reviewed(world, world.user_name("none", False), attributes)
    return world.users["none", False]


def bypasses(world: World) -> Iterator[Callable[[], object]]:
    name = world.harmless()["metadata"]["name"]
    for right, changes in (
        ("none", {}),
        ("secrets", {"by": "somebody"}),
        ("secrets", {"reason": " "}),
        ("secrets", {"until": "tomorrow"}),
    ):
        given = GOOD_BYPASS | {"by": world.user_name(right, False)} | changes
        annotations = {f"tokencheck.dev/bypass-{part}": value for part, value in given.items()}
        path = world.admin.path("TokenCheck", world.namespace, name)
        yield patched(world.users[right, False], path, {"metadata": {"annotations": annotations}})


def is_refused(write: Callable[[], object]) -> bool:
    try:
        write()
    except ApiError:
        return True
    return False


def test_each_rule_refuses_what_no_other_rule_does(world: World) -> None:
    """Every second rule is taken away, then the others: each lets one of these writes through."""
    may_break_glass(world)
    writes = refused(world)
    assert all(map(is_refused, writes))
    kind, passed = "ValidatingAdmissionPolicy", 0
    for policy in world.admin.list(kind, labelSelector=LABEL):
        name, rules = policy["metadata"]["name"], policy["spec"]["validations"]
        if name == "tokencheck-stamp":
            continue  # for what it refuses another policy has to be away: test_requester.py
        for first in (0, 1)[: len(rules)]:
            gone = range(first, len(rules), 2)
            count = len(gone)
            left = [ADMITS | {"message": str(n)} if n in gone else r for n, r in enumerate(rules)]
            world.admin.patch(kind, name, {"spec": {"validations": left}})
            try:
                soon(lambda of=count: sum(not is_refused(w) for w in writes) == of)
            finally:
                world.admin.patch(kind, name, {"spec": {"validations": rules}})
            soon(lambda: all(map(is_refused, writes)))
            passed += count
    assert passed == len(writes)


def soon(ask: Callable[[], Any], *, timeout_s: float = 30.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (answer := ask()):
        assert time.monotonic() < deadline
    return answer
