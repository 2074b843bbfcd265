"""Who asked is written on a TokenCheck by the API server, and his rights are asked for again."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from cluster.ending import end
from cluster.requesters import Object, World, refusal, reviewed, token, world_of
from cluster.shop import condition, eventually, ready
from controlplane import ControlPlane, OperatorProcess
from controlplane.launch import grant_operator, install_policies, render_chart

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
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    config = grant_operator(bare_controlplane)
    process = OperatorProcess(config, log, args=("--review-authors",), plane=bare_controlplane)
    try:
        yield process.start()
    finally:
        end(process)


def stamp(found: Object) -> tuple[str, list[str]]:
    notes = found["metadata"].get("annotations", {})
    return notes.get(WHO, ""), notes.get(GROUPS, "").split("\n")


def groups_of(world: World) -> list[str]:
    return ["system:serviceaccounts", f"system:serviceaccounts:{world.namespace}",
            "system:authenticated"]  # fmt: skip


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


@pytest.mark.usefixtures("running")
def test_a_right_that_is_taken_away_ends_the_check_within_an_interval(world: World) -> None:
    """And one that is given back brings its verdict back."""
    name, user = world.name_of("secret", False), world.user_name("secret", False)
    made = world.users["secret", False].create(
        world.check({"interval": f"{INTERVAL_S}s", "tokens": [token(0)]}, "revoked")
    )
    judged(world, "False", "SecretKeyNotFound")
    role = world.admin.get("Role", name, world.namespace)["rules"]
    world.grant(name, [rule for rule in role if "secrets" not in rule["resources"]], name)
    attributes = {"verb": "get", "resource": "secrets", "namespace": world.namespace}
    reviewed(world, user, attributes | {"name": "payments"}, allowed=False)
    began = time.monotonic()
    found = judged(world, "Unknown", "AccessRevoked")
    took = time.monotonic() - began
    print(f"ended after {took:.1f} s")
    said = condition(found, "Ready")["message"]
    assert f"{user}, who applied this, may no longer get Secret" in said
    assert f"rbac author -n {world.namespace} --user {user} --secret payments" in said
    assert found["metadata"]["generation"] == made["metadata"]["generation"]
    assert not found["status"].get("findings")
    assert not any("verdict" in one for one in found["status"].get("tokens", ()))
    world.grant(name, role, name)
    judged(world, "False", "SecretKeyNotFound")


def judged(world: World, *expected: str) -> Object:
    return world.admin.wait(
        "TokenCheck",
        "revoked",
        world.namespace,
        until=lambda found: found and ready(found) == expected,
        timeout_s=INTERVAL_S + PATIENCE_S,
        interval_s=0.1,
    )


def test_a_cluster_without_mutating_policies_gets_a_chart_without_them() -> None:
    kinds = {one["kind"] for one in render_chart(api_versions=())}
    assert "MutatingAdmissionPolicy" not in kinds
    assert "MutatingAdmissionPolicy" in {one["kind"] for one in render_chart()}


@pytest.mark.parametrize("stamps", [True, False])
def test_authors_are_reviewed_only_where_the_api_server_stamps_them(stamps: bool) -> None:
    rendered = render_chart() if stamps else render_chart(api_versions=())
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

    def write(**annotations: str) -> object:
        return api.create(world.check({"tokens": [token(0)]}, annotations=annotations))

    admin.delete("MutatingAdmissionPolicyBinding", "tokencheck-stamp")
    admin.apply(plain)
    try:
        forge = lambda: write(**{WHO: "system:admin"})  # noqa: E731 - a thing to try
        eventually(lambda: not refusal(write) and refusal(forge), timeout_s=PATIENCE_S)
        assert "leave tokencheck.dev/requester" in refusal(forge)
        made = write()
        assert stamp(made)[0] == ""
        change = {"metadata": {"annotations": {WHO: "system:admin"}}}
        name = made["metadata"]["name"]
        assert refusal(lambda: api.patch("TokenCheck", name, change, world.namespace))
        spec = {"spec": {"interval": "1h"}}
        assert stamp(api.patch("TokenCheck", name, spec, world.namespace))[0] == ""
    finally:
        install_policies(world.plane, {"admission": {"statusWriters": ["admin"]}})
