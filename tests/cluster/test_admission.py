"""Who may ask for what: real users, the chart's policies, every way of writing.

What is written is in `admission/needs.yaml`; the users are ServiceAccounts with their own tokens.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from cluster.reader import Reader
from cluster.requesters import (
    KEYS,
    USERS,
    Object,
    World,
    refusal,
    refused_bytes,
    reviewed,
    token,
    world_of,
)
from cluster.shop import API, eventually
from controlplane import Api, ControlPlane
from controlplane.launch import CHECKOUT
from tokencheck.core.rights.policy import MAX_TOKENS

NEEDS: dict[str, Object] = yaml.safe_load(
    (Path(__file__).parent / "admission" / "needs.yaml").read_text()
)
WAYS = ("create", "update", "patch", "apply")
WAYS += tuple(f"dry-run {way}" for way in WAYS)


@pytest.fixture(scope="module")
def world(bare_controlplane: ControlPlane) -> Iterator[World]:
    with world_of(bare_controlplane) as made:
        yield made


def written(world: World, api: Api, way: str, need: Object) -> Callable[[], object]:
    """The write of this row in this way, to be called."""
    dry = {"dryRun": "All"} if way.startswith("dry-run") else {}
    if way.endswith("create"):
        check = world.check(need["spec"])
        return lambda: api.request(
            "POST", api.path("TokenCheck", world.namespace), check, query=dry
        )
    found = world.harmless()
    part = "status" if "status" in need else ""
    path = api.path("TokenCheck", world.namespace, found["metadata"]["name"], part)
    change = changed(world, need)
    if way.endswith("patch"):
        how = "application/merge-patch+json"
        return lambda: api.request("PATCH", path, change, content_type=how, query=dry)
    if way.endswith("apply"):
        meta = {"name": found["metadata"]["name"], "namespace": world.namespace}
        body = {"apiVersion": API, "kind": "TokenCheck"} | change
        body["metadata"] = meta | change.get("metadata", {})
        query = {"fieldManager": "tester", "force": "true"} | dry
        how = "application/apply-patch+yaml"
        return lambda: api.request("PATCH", path, body, content_type=how, query=query)
    whole = copy.deepcopy(found) | {k: v for k, v in change.items() if k != "metadata"}
    whole["metadata"] |= change.get("metadata", {})
    return lambda: api.request("PUT", path, whole, query=dry)


def changed(world: World, need: Object) -> Object:
    if "spec" in need:
        return {"spec": world.check(need["spec"])["spec"]}
    if "status" in need:
        return {"status": need["status"]}
    return {"metadata": {"annotations": need["annotations"]}}


ROWS = [
    (what, way)
    for what, need in NEEDS.items()
    for way in WAYS
    if "spec" in need or not way.endswith("create")
]


@pytest.mark.parametrize(("what", "way"), ROWS, ids=lambda value: str(value).replace(" ", "-"))
def test_a_write_is_admitted_exactly_with_the_rights_that_it_needs(
    world: World, what: str, way: str
) -> None:
    need = NEEDS[what]
    for right, use in USERS:
        said = refusal(written(world, world.users[right, use], way, need))
        admitted = right in need["any"] and (use or not need.get("provider"))
        assert (not said) is admitted, (right, use, said)


def eight_tokens(world: World) -> list[Object]:
    """Each with all that a token may name."""
    provider = {"name": world.provider}
    return [token(number, providerRef=provider, keys=KEYS) for number in range(MAX_TOKENS)]


# By kind: where a token names one, and another that nobody here may have read.
OTHERS: dict[str, tuple[str, Object]] = {
    "Secret": ("secretKeyRef", {"secretKeyRef": {"name": "other", "key": "token"}}),
    "ConfigMap": (
        "keys.configMapKeyRef",
        {"keys": {"configMapKeyRef": {"name": "other", "key": "jwks.json"}}},
    ),
    "TokenProvider": ("providerRef", {"providerRef": {"name": "other"}}),
}


@pytest.mark.parametrize("index", range(MAX_TOKENS))
@pytest.mark.parametrize("what", OTHERS)
def test_every_token_is_looked_at(world: World, index: int, what: str) -> None:
    tokens, api = eight_tokens(world), world.users["keys", True]
    assert refusal(lambda: api.create(world.check({"tokens": tokens}))) == ""
    where, other = OTHERS[what]
    tokens[index] |= other
    said = refusal(lambda: api.create(world.check({"tokens": tokens})))
    assert f"spec.tokens[{index}].{where}: " in said
    assert f"the {what} other" in said


def test_no_more_tokens_than_the_policy_looks_at_can_be_listed() -> None:
    """A ninth token would be looked at by nobody."""
    crd = yaml.safe_load((CHECKOUT / "crds" / "tokenchecks.yaml").read_text())
    (version,) = crd["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert spec["tokens"]["maxItems"] == MAX_TOKENS
    # A reference that is new in the schema belongs into the policy too.
    assert references(spec) == {
        ("workloadRef",),
        ("tokens", "secretKeyRef"),
        ("tokens", "providerRef"),
        ("tokens", "keys", "configMapKeyRef"),
    }


def references(properties: Object, above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found = set()
    for name, schema in properties.items():
        if name.endswith("Ref"):
            found.add((*above, name))
        inner = schema.get("items", schema).get("properties", {})
        found |= references(inner, (*above, name))
    return found


def test_eight_tokens_with_secrets_keys_and_providers_stay_within_the_budget(world: World) -> None:
    """All 26 rights are asked for: the author may create no Pods and get no other Secret."""
    tokens, api = eight_tokens(world), world.users["keys", True]
    spec = {"workloadRef": {"kind": "Deployment", "name": "checkout"}, "tokens": tokens}
    said = refusal(lambda: api.create(world.check(spec)))
    assert "spec.workloadRef: " in said
    assert "budget" not in said
    assert refusal(lambda: api.create(world.check(spec | {"discover": "None"}))) == ""


def test_a_refusal_of_the_longest_names_stays_within_the_budget(world: World) -> None:
    """What it says is made of them too, and of each rule, when all rights have been asked for."""
    name = "n" * 253
    key = {"name": name, "key": name}
    refs = {"secretKeyRef": key, "keys": {"configMapKeyRef": key}, "providerRef": {"name": name}}
    tokens = [{"name": f"t{number}"} | refs for number in range(MAX_TOKENS)]
    said = refusal(lambda: world.users["none", False].create(world.check({"tokens": tokens})))
    assert f"spec.tokens[0].secretKeyRef: you need to get the Secret {name}, or" in said
    assert "budget" not in said


@pytest.mark.parametrize("right", ["secret", "keys"])
def test_a_refusal_is_the_same_whether_the_config_map_exists_or_not(
    world: World, right: str
) -> None:
    name = f"maybe-{right}"
    keys = {"configMapKeyRef": {"name": name, "key": "jwks.json"}}
    check = world.check({"tokens": [token(0, keys=keys)]}, "maybe")
    api = world.users[right, False]
    absent = refused_bytes(lambda: api.create(check))
    meta = {"name": name, "namespace": world.namespace}
    world.admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    assert refused_bytes(lambda: api.create(check)) == absent


@pytest.mark.parametrize("right", ["none", "secret"])
def test_a_refusal_is_the_same_whether_the_secret_exists_or_not(world: World, right: str) -> None:
    spec = {"tokens": [token(0) | {"secretKeyRef": {"name": f"maybe-{right}", "key": "token"}}]}
    check = world.check(spec, "maybe")
    api = world.users[right, False]
    absent = refused_bytes(lambda: api.create(check))
    secret = {"name": f"maybe-{right}", "namespace": world.namespace}
    world.admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": secret})
    assert refused_bytes(lambda: api.create(check)) == absent


def test_a_refusal_is_the_same_whether_the_provider_exists_or_not(world: World) -> None:
    """And whether it allows the namespace or not: its author says so, not this message."""
    name = f"{world.provider}-maybe"
    check = world.check({"tokens": [token(0, providerRef={"name": name})]}, "maybe")
    api = world.users["pods", True]
    absent = refused_bytes(lambda: api.create(check))
    spec = world.admin.get("TokenProvider", world.provider)["spec"]
    made = {"apiVersion": API, "kind": "TokenProvider", "metadata": {"name": name}, "spec": spec}
    world.admin.create(made)
    try:
        assert refused_bytes(lambda: api.create(check)) == absent
    finally:
        world.admin.delete("TokenProvider", name)


@pytest.mark.parametrize(
    ("right", "spec"),
    [
        ("none", {"tokens": [token(0)]}),
        ("none", {"workloadRef": {"kind": "Deployment", "name": "checkout"}}),
        ("secret", {"tokens": [token(0, keys=KEYS)]}),
        ("pods", {"tokens": [token(0, providerRef={"name": "PROVIDER"})]}),
    ],
    ids=["a Secret", "a workload", "keys", "a provider"],
)
def test_a_refusal_says_what_an_admin_runs_to_allow_it(
    world: World, right: str, spec: Object, tmp_path: Path
) -> None:
    """Run as it stands there, it allows exactly this."""
    api, check = world.users[right, False], world.check(spec)
    said = refusal(lambda: api.create(check))
    command = said.partition("an admin allows it with: ")[2]
    reader = Reader(world.plane, tmp_path)
    done = reader.types(command)
    assert done.returncode == 0, (command, done.stderr)
    try:
        eventually(lambda: not refusal(lambda: api.create(world.check(spec))), timeout_s=30)
    finally:
        assert reader.types(command.replace("kubectl apply", "kubectl delete")).returncode == 0
    eventually(lambda: refusal(lambda: api.create(world.check(spec))), timeout_s=30)


def test_what_was_granted_before_stays(world: World, tmp_path: Path) -> None:
    """Two users, two Secrets: the second command takes nothing away from the first."""
    reader = Reader(world.plane, tmp_path)
    grant = f"tokencheck rbac author -n {world.namespace}"
    for options in ("--user ann --secret a", "--user bob --secret a", "--user ann --secret b"):
        assert reader.types(f"{grant} {options} | kubectl apply -f -").returncode == 0
    for user, secret in (("ann", "a"), ("bob", "a"), ("ann", "b")):
        attributes = {"verb": "get", "resource": "secrets", "namespace": world.namespace}
        reviewed(world, user, attributes | {"name": secret})
    attributes = {"verb": "get", "resource": "secrets", "namespace": world.namespace, "name": "b"}
    reviewed(world, "bob", attributes, allowed=False)
