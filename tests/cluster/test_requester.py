"""Who asked is written on a TokenCheck by the API server, and his rights are asked for again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from cluster.ending import operator_on
from cluster.requesters import KEYS, Object, World, refusal, reviewed, token, world_of
from cluster.shop import API, condition, eventually, ready
from cluster.skewed import needs_stamps
from controlplane import ControlPlane, OperatorProcess
from controlplane.launch import SERVED, STAMPING, install_policies, render_chart

WHO, GROUPS = "tokencheck.dev/requester", "tokencheck.dev/requester-groups"
INTERVAL_S = 30  # the shortest that a TokenCheck may ask for
# Of it all, on a machine that others keep busy; an interval is told apart by the second wait.
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def world(bare_controlplane: ControlPlane) -> Iterator[World]:
    with world_of(bare_controlplane) as made:
        yield made


@pytest.fixture(scope="module")
def running(
    bare_controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    folder = tmp_path_factory.mktemp("operator")
    with operator_on(bare_controlplane, folder, "--review-authors") as process:
        yield process


def stamp(found: Object) -> tuple[str, list[str]]:
    notes = found["metadata"].get("annotations", {})
    return notes.get(WHO, ""), notes.get(GROUPS, "").split("\n")


def groups_of(world: World) -> list[str]:
    return ["system:serviceaccounts", f"system:serviceaccounts:{world.namespace}",
            "system:authenticated"]  # fmt: skip


@needs_stamps
def test_who_writes_the_spec_stands_on_it_and_who_touches_something_else_does_not(
    world: World,
) -> None:
    first, second = world.users["secret", False], world.users["pods", False]
    made = first.create(world.check({"tokens": [token(0)]}))
    name = made["metadata"]["name"]
    assert stamp(made) == (world.user_name("secret", False), groups_of(world))
    label = {"metadata": {"labels": {"a": "b"}}}
    touched = second.patch("TokenCheck", name, label, world.namespace)
    assert stamp(touched) == stamp(made)
    spec = {"spec": {"interval": "1h"}}
    changed = second.patch("TokenCheck", name, spec, world.namespace)
    assert stamp(changed) == (world.user_name("pods", False), groups_of(world))
    # A manifest without the stamp takes it off nothing.
    for note in (WHO, GROUPS):
        del changed["metadata"]["annotations"][note]
    assert stamp(first.replace(changed)) == (world.user_name("pods", False), groups_of(world))


@needs_stamps
@pytest.mark.parametrize("way", ["create", "with a spec", "alone", "taken off"])
def test_nobody_writes_another_s_name(world: World, way: str) -> None:
    api = world.users["secret", False]
    forged = {WHO: "system:admin", GROUPS: "system:masters"}
    spec = {"tokens": [token(0)]}
    if way == "create":
        made = api.create(world.check(spec, annotations=forged))
        assert stamp(made) == (world.user_name("secret", False), groups_of(world))
        return
    made = api.create(world.check(spec))
    change: Object = {"metadata": {"annotations": forged}}
    change |= {"spec": {"interval": "1h"}} if way == "with a spec" else {}
    if way == "taken off":
        change["metadata"]["annotations"] = dict.fromkeys(forged)
    after = api.patch("TokenCheck", made["metadata"]["name"], change, world.namespace)
    assert stamp(after) == stamp(made)


def as_ann(world: World, *words: str, extra: str = "", text: Object | None = None) -> Object:
    """What kubectl came to as ann, who may do all, and came with this beside name and groups."""
    who = ["--as=ann", "--as-group=system:masters", "-n", world.namespace, "-o", "json"]
    who += [f"--as-user-extra={extra}"] if extra else []
    stdin = json.dumps(text) if text else None
    found: Object = json.loads(world.plane.kubectl(*words, *who, stdin=stdin).stdout)
    return found


# Extra of a user, and whether a review by name and groups alone would be about him all the same.
EXTRAS = {
    "scopes=user:info": False,
    "iam.example.com/assertion=a": False,
    "authentication.example.com/credential-id=a": False,
    # Where his credential came from: it gives no right and takes none.
    "authentication.kubernetes.io/credential-id=JTI=a": True,
}


@needs_stamps
@pytest.mark.parametrize("extra", EXTRAS)
def test_who_came_with_more_than_name_and_groups_is_not_stamped(world: World, extra: str) -> None:
    """A review could not be about him: his scopes, say, take rights away."""
    check = world.check({"tokens": [token(0)]}, annotations={WHO: "system:admin"})
    name = check["metadata"]["name"]
    here = "ann" if EXTRAS[extra] else ""
    made = as_ann(world, "create", "-f", "-", extra=extra, text=check)
    assert stamp(made)[0] == here
    assert ("system:masters" in stamp(made)[1]) is EXTRAS[extra]
    # The name of who wrote the spec before goes with that spec, and with nothing else.
    written = as_ann(world, "patch", "tokencheck", name, "--type=merge", "-p", interval("1h"))
    assert stamp(written)[0] == "ann"
    labelled = as_ann(world, "label", "tokencheck", name, "a=b", extra=extra)
    assert stamp(labelled) == stamp(written)
    change = ("patch", "tokencheck", name, "--type=merge", "-p", interval("2h"))
    assert stamp(as_ann(world, *change, extra=extra))[0] == here


def interval(text: str) -> str:
    return json.dumps({"spec": {"interval": text}})


# A reference to who made the check, and whether the operator takes it for one.
OWNER = {"apiVersion": API, "kind": "ClusterTokenCheck", "name": "all", "uid": "of-all"}
OWNERS: list[tuple[Object, bool]] = [
    ({"controller": True}, True),
    ({}, False),
    ({"controller": True, "apiVersion": "v1"}, False),
    ({"controller": True, "kind": "TokenCheck"}, False),
]


@needs_stamps
@pytest.mark.parametrize(("owner", "is_one"), OWNERS)
def test_who_claims_a_check_asks_for_it_from_then_on(
    world: World, owner: Object, is_one: bool
) -> None:
    made = world.users["secret", False].create(world.check({"tokens": [token(0)]}))
    claim = json.dumps({"metadata": {"ownerReferences": [OWNER | owner]}})
    name = made["metadata"]["name"]
    claimed = as_ann(world, "patch", "tokencheck", name, "--type=merge", "-p", claim)
    assert stamp(claimed)[0] == ("ann" if is_one else stamp(made)[0])


@needs_stamps
@pytest.mark.parametrize("extra", EXTRAS)
def test_who_cannot_be_asked_for_later_claims_no_check_without_its_spec(
    world: World, extra: str
) -> None:
    """An empty name says that somebody's rights were asked for: only a spec has that done."""
    made = world.users["secret", False].create(world.check({"tokens": [token(0)]}))
    name = made["metadata"]["name"]
    claim = {"metadata": {"ownerReferences": [OWNER | {"controller": True}]}}
    change = ("patch", "tokencheck", name, "--type=merge", "-p")
    if EXTRAS[extra]:
        assert stamp(as_ann(world, *change, json.dumps(claim), extra=extra))[0] == "ann"
        return
    with pytest.raises(RuntimeError, match="change the spec in the same request"):
        as_ann(world, *change, json.dumps(claim), extra=extra)
    assert stamp(world.admin.get("TokenCheck", name, world.namespace)) == stamp(made)
    with_spec = json.dumps(claim | {"spec": {"interval": "1h"}})
    assert stamp(as_ann(world, *change, with_spec, extra=extra))[0] == ""


@needs_stamps
def test_without_the_policy_that_stamps_nobody_can_forge_one_either(world: World) -> None:
    """The second policy demands equality: a stamp that was not written is a refusal."""
    api, admin = world.users["secret", False], world.admin

    def forge() -> object:
        return api.create(world.check({"tokens": [token(0)]}, annotations={WHO: "system:admin"}))

    admin.delete("MutatingAdmissionPolicyBinding", "tokencheck-stamp")
    try:
        eventually(lambda: refusal(forge), timeout_s=PATIENCE_S)
        assert "leave tokencheck.dev/requester" in refusal(forge)
    finally:
        install_policies(world.plane, {"admission": {"statusWriters": ["admin"]}})


# Who loses what, what his check says that he may not any more, and what gives it back.
LOST: dict[str, tuple[str, Object, str]] = {
    "secret": (
        "get Secret {}/payments or create Pods there",
        {"resource": "secrets", "name": "payments"},
        "--secret payments",
    ),
    "keys": (
        "get ConfigMap {}/issuer or create Pods there",
        {"resource": "configmaps", "name": "issuer"},
        "--configmap issuer",
    ),
}


@needs_stamps
@pytest.mark.usefixtures("running")
def test_a_right_that_is_taken_away_ends_the_check_within_an_interval(world: World) -> None:
    """And one that is given back brings its verdict back."""
    tokens = {"secret": token(0), "keys": token(0, keys=KEYS)}
    generations, roles = {}, {}
    for right, one in tokens.items():
        check = world.check({"interval": f"{INTERVAL_S}s", "tokens": [one]}, f"revoked-{right}")
        made = world.users[right, False].create(check)
        generations[right] = made["metadata"]["generation"]
    for right, (_, lost, _) in LOST.items():
        judged(world, right, "False", "SecretKeyNotFound")
        name = world.name_of(right, False)
        roles[right] = world.admin.get("Role", name, world.namespace)["rules"]
        kept = [rule for rule in roles[right] if lost["resource"] not in rule["resources"]]
        world.grant(name, kept, name)
        attributes = {"verb": "get", "namespace": world.namespace} | lost
        reviewed(world, world.user_name(right, False), attributes, allowed=False)
    began = time.monotonic()
    for right, (what, _, option) in LOST.items():
        found = judged(world, right, "Unknown", "AccessRevoked")
        print(f"{right}: ended after {time.monotonic() - began:.1f} s")
        said, user = condition(found, "Ready")["message"], world.user_name(right, False)
        assert f"{user}, who applied this, may no longer {what.format(world.namespace)}" in said
        assert f"rbac author -n {world.namespace} --user {user} {option}" in said
        assert found["metadata"]["generation"] == generations[right]
        assert not found["status"].get("findings")
        assert not any("verdict" in one for one in found["status"].get("tokens", ()))
    for right, rules in roles.items():
        name = world.name_of(right, False)
        world.grant(name, rules, name)
        judged(world, right, "False", "SecretKeyNotFound")


def judged(world: World, right: str, *expected: str) -> Object:
    return world.admin.wait(
        "TokenCheck",
        f"revoked-{right}",
        world.namespace,
        until=lambda found: found and ready(found) == expected,
        timeout_s=INTERVAL_S + PATIENCE_S,
        interval_s=0.1,
    )


def test_a_cluster_without_mutating_policies_gets_a_chart_without_them() -> None:
    kinds = {one["kind"] for one in render_chart(api_versions=())}
    assert "MutatingAdmissionPolicy" not in kinds
    stamping = render_chart(api_versions=STAMPING)
    assert "MutatingAdmissionPolicy" in {one["kind"] for one in stamping}


@pytest.mark.parametrize("stamps", [True, False])
def test_authors_are_reviewed_only_where_the_api_server_stamps_them(stamps: bool) -> None:
    rendered = render_chart(api_versions=STAMPING if stamps else ())
    [deployment] = [one for one in rendered if one["kind"] == "Deployment"]
    args = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert ("--review-authors" in args) == stamps


def test_where_nothing_stamps_nobody_writes_a_name(world: World) -> None:
    """Or it would be taken for genuine once the cluster stamps."""
    api, admin = world.users["secret", False], world.admin
    [plain] = [
        one
        for one in render_chart(api_versions=())
        if one["kind"] == "ValidatingAdmissionPolicy" and one["metadata"]["name"].endswith("-stamp")
    ]

    def write(**annotations: str) -> Object:
        return api.create(world.check({"tokens": [token(0)]}, annotations=annotations))

    made: Object = {}

    def unstamped() -> bool:
        """One policy is known to the API server before the other."""
        said = refusal(lambda: made.update(write()))
        return not said and not stamp(made)[0]

    if SERVED:
        admin.delete("MutatingAdmissionPolicyBinding", "tokencheck-stamp")
    admin.apply(plain)
    try:
        eventually(unstamped, timeout_s=PATIENCE_S)
        assert "leave tokencheck.dev/requester" in refusal(lambda: write(**{WHO: "system:admin"}))
        change = {"metadata": {"annotations": {WHO: "system:admin"}}}
        name = made["metadata"]["name"]
        assert refusal(lambda: api.patch("TokenCheck", name, change, world.namespace))
        spec = {"spec": {"interval": "1h"}}
        assert stamp(api.patch("TokenCheck", name, spec, world.namespace))[0] == ""
    finally:
        install_policies(world.plane, {"admission": {"statusWriters": ["admin"]}})
