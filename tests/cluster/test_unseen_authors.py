"""No token is sent for who may not ask: he slipped in while nobody looked, or lost his right."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cluster.ending import operator_on
from cluster.requesters import Object, World, refusal, reviewed, world_of
from cluster.shop import API, condition, env, eventually, listed, pod_spec, ready, template
from cluster.test_enforcement import page
from cluster.test_introspection import GOOD, Login, known_as, secret
from cluster.test_vendors import Vendors
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.launch import install_policies, wait_enforced
from introspector import Introspector
from loopthread import LoopThread
from tokencheck.core.doctor.checks import checks
from tokencheck.core.doctor.facts import CheckSeen, Setup
from tokencheck.model.admission import REQUESTER_POLICY, Guard
from vendorapi import TOKENS, VendorApi

WHO = "tokencheck.dev/requester"
REVOKED = ("Unknown", "AccessRevoked")
LOGIN = "unseen-login"
BINDINGS = {
    "ValidatingAdmissionPolicyBinding": (REQUESTER_POLICY, Guard.STAMP),
    "MutatingAdmissionPolicyBinding": (Guard.STAMP,),
}
INTERVAL_S = 30  # the shortest that a TokenCheck may ask for
# Of everything beside it, on a machine that others keep busy.
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
    with operator_on(
        bare_controlplane, folder, "--review-authors", "--prove-every", "0.5"
    ) as process:
        yield process


@pytest.fixture
def login(world: World) -> Iterator[Login]:
    """A provider that accounts `may_use`, and its server, which counts who is asked about."""
    with LoopThread(Introspector()) as server:
        world.admin.apply(known_as("unseen-client"))
        ref = {"name": "unseen-client"}
        world.admin.apply(server.inner.provider(LOGIN, clientCredentialsRef=ref))
        yield server
        world.admin.delete_all("TokenCheck", world.namespace)  # else it has the next one asked
        world.admin.delete("TokenProvider", LOGIN)
        for kind in ("ClusterRole", "ClusterRoleBinding"):
            world.admin.delete(kind, LOGIN)


def may_use(world: World, *accounts: str) -> None:
    """These accounts and no others may name the provider."""
    rule = {"apiGroups": ["tokencheck.dev"], "resources": ["tokenproviders"]}
    rule |= {"resourceNames": [LOGIN], "verbs": ["use"]}
    world.grant(LOGIN, [rule], *accounts, cluster=True)


def knows(world: World, account: str, attributes: Object, *, allowed: bool) -> None:
    """The API server's authorizer has heard of it."""
    user = f"system:serviceaccount:{world.namespace}:{account}"
    reviewed(world, user, attributes, allowed=allowed)


def lives(world: World, login: Login, name: str) -> str:
    """A Secret of this name with a token that lives; returns the token."""
    token = f"unseen-canary-{name}"
    world.admin.apply(secret(name, world.namespace, token=token))
    login.do(lambda server: server.tokens.__setitem__(token, {}))
    return token


def asks_for(world: World, name: str) -> Object:
    """A TokenCheck that has the token of the Secret of its name shown to the provider."""
    token = listed(name, providerRef={"name": LOGIN})
    return world.check({"interval": f"{INTERVAL_S}s", "tokens": [token]}, name)


def comes_to(world: World, name: str, *said: str) -> Object:
    return world.admin.wait(
        "TokenCheck",
        name,
        world.namespace,
        until=lambda found: found and ready(found) == said and current(found),
        timeout_s=INTERVAL_S + PATIENCE_S,
    )


def current(found: Object) -> bool:
    return found["status"].get("observedGeneration") == found["metadata"]["generation"]


def is_proven(world: World, running: OperatorProcess) -> None:
    name = f'tokencheck_admission_policy_enforced{{namespace="{world.namespace}"}}'
    eventually(lambda: running.metrics().get(name) == 1, timeout_s=PATIENCE_S)


@contextmanager
def audited(world: World) -> Iterator[None]:
    """The requester policy refuses nothing."""

    def bound(action: str) -> None:
        spec = {"spec": {"validationActions": [action]}}
        world.admin.patch("ValidatingAdmissionPolicyBinding", REQUESTER_POLICY, spec)
        wait_enforced(world.plane, yes=action == "Deny")

    bound("Audit")
    try:
        yield
    finally:
        bound("Deny")


@contextmanager
def before_the_policies(world: World) -> Iterator[None]:
    """As long as it lasts nobody looks at who asks, and nobody is stamped."""
    for kind, names in BINDINGS.items():
        for name in names:
            world.admin.delete(kind, name)

    def unseen() -> bool:
        probe = world.check({"workloadRef": {"kind": "Deployment", "name": "a"}}, "unseen")
        path = world.admin.path("TokenCheck", world.namespace)
        made: Object = {}
        said = refusal(
            lambda: made.update(
                world.users["none", False].request("POST", path, probe, query={"dryRun": "All"})
            )
        )
        return not said and WHO not in made["metadata"].get("annotations", {})

    try:
        eventually(unseen, timeout_s=PATIENCE_S)
        yield
    finally:
        install_policies(world.plane, {"admission": {"statusWriters": ["admin"]}})


def test_who_slipped_in_while_the_policy_only_audited_is_found_out(
    world: World, login: Login, running: OperatorProcess
) -> None:
    lives(world, login, "slipped")
    nobody = world.users["none", False]
    assert "secretKeyRef" in refusal(lambda: nobody.create(asks_for(world, "slipped")))
    with audited(world):
        made = nobody.create(asks_for(world, "slipped"))
        assert made["metadata"]["annotations"][WHO] == world.user_name("none", False)
    found = comes_to(world, "slipped", *REVOKED)
    assert "may no longer get Secret" in condition(found, "Ready")["message"]
    # From now on only he is what keeps it closed: who may ask is answered.
    is_proven(world, running)
    may_use(world, "secrets-no-use")
    knows(world, "secrets-no-use", used(), allowed=True)
    good = lives(world, login, "admitted")
    world.users["secrets", False].create(asks_for(world, "admitted"))
    comes_to(world, "admitted", *GOOD)
    assert ready(world.admin.get("TokenCheck", "slipped", world.namespace)) == REVOKED
    assert login.inner.asked == {good: 1}


def used() -> Object:
    return {"verb": "use", "group": "tokencheck.dev", "resource": "tokenproviders", "name": LOGIN}


@pytest.mark.parametrize("way", ["his own spec", "in an admin's name"])
def test_what_was_written_before_the_policies_is_shown_to_nobody_until_its_author_is_seen(
    world: World, login: Login, running: OperatorProcess, way: str
) -> None:
    name = f"unseen-{way.split()[0]}"
    token = lives(world, login, name)
    with before_the_policies(world):
        world.users["none", False].create(asks_for(world, name))
    is_proven(world, running)
    found = comes_to(world, name, "Unknown", "NotAsked")
    said = condition(found, "Active")["message"]
    assert "written before the API server looked at who asks" in said
    author = world.users["secrets", False]
    for note in ({WHO: ""}, {WHO: world.user_name("secrets", False)}, {"a": "b"}):
        change = {"metadata": {"annotations": note}}
        refused = bool(refusal(lambda c=change: patched(author, world, name, c)))
        assert refused == (WHO in note)
    # Who cannot be asked for later writes an empty name with a spec, and with nothing else.
    assert "leave tokencheck.dev/requester" in with_scopes(
        world, name, ownerReferences=CLAIM, annotations={WHO: ""}
    )
    assert with_scopes(world, name, ownerReferences=CLAIM) == ""
    found = world.admin.get("TokenCheck", name, world.namespace)
    assert WHO not in found["metadata"]["annotations"]
    assert "secretKeyRef" in refusal(lambda: patched(world.users["none", False], world, name, SPEC))
    assert login.inner.connections == 0
    may_use(world, "secrets-no-use")
    knows(world, "secrets-no-use", used(), allowed=True)
    if way == "his own spec":
        patched(author, world, name, SPEC)
    else:
        # What doctor says to type.
        world.plane.kubectl(*vouch_for(found))
    assert comes_to(world, name, *GOOD)["metadata"]["uid"] == found["metadata"]["uid"]
    assert login.inner.asked == {token: 1}


OWNER = {"apiVersion": API, "kind": "ClusterTokenCheck", "name": "all", "uid": "of-all"}
CLAIM = [OWNER | {"controller": True}]
SPEC: Object = {"spec": {"interval": "31s"}}


def patched(api: Api, world: World, name: str, change: Object) -> Object:
    return api.patch("TokenCheck", name, change, world.namespace)


def vouch_for(found: Object) -> list[str]:
    """The command of doctor where an operator of the cluster reviews authors, without kubectl."""
    meta, interval = found["metadata"], found["spec"]["interval"]
    seen = {"pending": False, "current": True, "age_s": 0.0, "ready": "Unknown"}
    check = CheckSeen(namespace=meta["namespace"], name=meta["name"], interval=interval, **seen)
    setup = Setup(namespace="", name="", account="", review_authors=True)
    commands = [one for said in checks((check,), (setup,)) for one in said.mend]
    assert len(commands) == 1
    return shlex.split(commands[0])[1:]


def with_scopes(world: World, name: str, **meta: Any) -> str:
    """What kubectl says to somebody without rights to Secrets, and with more than a name."""
    who = [f"--as={world.user_name('none', False)}", "--as-user-extra=scopes=a"]
    change = ["--type=merge", "-p", json.dumps({"metadata": meta}), "-n", world.namespace]
    return world.plane.kubectl("patch", "tokencheck", name, *change, *who, check=False).stderr


@pytest.mark.parametrize("kind", BINDINGS)
def test_without_the_policies_on_names_nothing_is_proven(
    world: World, running: OperatorProcess, kind: str
) -> None:
    """An author could write another's name, and keep what he may no longer ask for."""
    world.harmless()
    is_proven(world, running)
    world.admin.delete(kind, Guard.STAMP)
    try:
        eventually(
            lambda: page(running)["namespaces"].get(world.namespace) == "Unguarded",
            timeout_s=PATIENCE_S,
        )
    finally:
        install_policies(world.plane, {"admission": {"statusWriters": ["admin"]}})
    is_proven(world, running)


# Who loses which right to what, and what his check says that he may not any more.
LOST = {
    "secret": "get Secret {}/secret or create Pods there",
    "use": f"use TokenProvider {LOGIN}",
    "pods": "get the Secrets of namespace {} or create Pods there",
}


@pytest.fixture
def vendors(world: World) -> Iterator[Vendors]:
    """Asked about every token of GitHub that is found, whoever looks for it."""
    with LoopThread(VendorApi()) as server:
        match = {"kinds": ["GitHub"]}
        world.admin.apply(server.inner.provider("GitHub", "unseen-github", match=match))
        yield server
        world.admin.delete("TokenProvider", "unseen-github")


def deployed(world: World, secret_name: str) -> Object:
    """A Deployment that mounts the Secret, both of that name; returns the spec that looks at it."""
    spec = {"selector": {"matchLabels": {"app": secret_name}}, "replicas": 1}
    spec |= {"template": template(secret_name, pod_spec(env(secret_name)))}
    meta = {"name": secret_name, "namespace": world.namespace}
    made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
    world.admin.apply(made)
    return {"workloadRef": {"kind": "Deployment", "name": secret_name}}


def all_end(world: World) -> None:
    began = time.monotonic()
    for name, what in LOST.items():
        found = comes_to(world, name, *REVOKED)
        print(f"{name}: ended after {time.monotonic() - began:.1f} s")
        said = condition(found, "Ready")["message"]
        assert f"may no longer {what.format(world.namespace)}" in said


@pytest.mark.usefixtures("running")
def test_who_lost_his_right_between_two_passes_has_no_token_sent_any_more(
    world: World, login: Login, vendors: Vendors
) -> None:
    """To a Secret, to a provider, and to create Pods, which a check of five lines needs.

    Somebody who keeps his rights shows that tokens are asked about all the time.
    """
    github = TOKENS["GitHub"]
    world.admin.apply(secret("pods", world.namespace, token=github))
    vendors.do(lambda api: api.lives.__setitem__(github, {}))
    tokens = {name: lives(world, login, name) for name in ("secret", "use", "kept")}
    accounts = {"secret": "secret-no-use", "use": "secrets-no-use", "pods": "pods-no-use"}
    wanted = {"verb": "get", "resource": "secrets", "namespace": world.namespace, "name": "secret"}
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["secret"]}
    world.grant("secret-more", [rule | {"verbs": ["get"]}], accounts["secret"])
    knows(world, accounts["secret"], wanted, allowed=True)
    may_use(world, accounts["secret"], accounts["use"], "secrets-use")
    knows(world, "secrets-use", used(), allowed=True)
    world.users["secret", False].create(asks_for(world, "secret"))
    world.users["secrets", False].create(asks_for(world, "use"))
    world.users["secrets", True].create(asks_for(world, "kept"))
    five_lines = deployed(world, "pods") | {"interval": f"{INTERVAL_S}s"}
    world.users["pods", False].create(world.check(five_lines, "pods"))

    def asked() -> dict[str, int]:
        return {**login.inner.asked, **vendors.inner.asked}

    eventually(lambda: set(asked()) == {github, *tokens.values()}, timeout_s=PATIENCE_S)
    creates = {"verb": "create", "resource": "pods", "namespace": world.namespace}
    world.admin.delete("Role", "secret-more", world.namespace)
    may_use(world, accounts["secret"], "secrets-use")
    rules = world.admin.get("Role", accounts["pods"], world.namespace)["rules"]
    fewer = [one for one in rules if "pods" not in one["resources"]]
    world.grant(accounts["pods"], fewer, accounts["pods"])
    for account, right in zip(accounts.values(), (wanted, used(), creates), strict=True):
        knows(world, account, right, allowed=False)
    all_end(world)
    before, kept = asked(), tokens["kept"]
    eventually(lambda: asked()[kept] >= before[kept] + 2, timeout_s=2 * INTERVAL_S + PATIENCE_S)
    assert {**asked(), kept: 0} == {**before, kept: 0}
