"""`tokencheck providers` lists what a caller may use in a namespace, and hides the rest."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from cluster.cli import tokencheck
from cluster.shop import Signer, jwks
from controlplane import Api, ControlPlane

API = "tokencheck.dev/v1alpha1"
RBAC = "rbac.authorization.k8s.io"
OURS = "tokencheck.dev"
Run = Callable[..., subprocess.CompletedProcess[str]]
SELECTED = {"selector": {"matchLabels": {"payments": "yes"}}}
LOGIN = {
    "issuer": "https://login.example.com/realms/shop",
    "keys": {"type": "Discovery"},
    "algorithms": ["RS256", "ES256"],
}
INLINE = {"keys": {"type": "Inline", "jwks": jwks(Signer())}}
IN_MAP = {"keys": {"type": "ConfigMap", "configMapRef": {"name": "keys", "key": "jwks.json"}}}


@pytest.fixture
def api(own_controlplane: ControlPlane) -> Iterator[Api]:
    """Namespace shop has the label payments: yes, back has not."""
    api = own_controlplane.api()
    for name, labels in (("shop", {"payments": "yes"}), ("back", {})):
        meta = {"name": name, "labels": labels}
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    yield api
    for kind in ("TokenProvider", "ClusterRole", "ClusterRoleBinding"):
        for found in api.list(kind):
            name = found["metadata"]["name"]
            if kind == "TokenProvider" or name.startswith("alice-"):
                api.delete(kind, name)


@pytest.fixture
def run(own_controlplane: ControlPlane) -> Run:
    return lambda *args, user="admin": tokencheck(
        "providers", *args, kubeconfig=own_controlplane.kubeconfig(user)
    )


def make(
    api: Api, name: str, jwt: dict[str, Any], allowed: dict[str, Any] | None = None, **more: Any
) -> None:
    head = {"apiVersion": API, "kind": "TokenProvider", "metadata": {"name": name}}
    spec = {"allowedNamespaces": allowed or {"all": True}} | ({"jwt": jwt} if jwt else {})
    api.create(head | {"spec": spec | more})


def grant(api: Api, what: str, verbs: str, group: str, resource: str, *names: str) -> None:
    """Alice may do it in the whole cluster."""
    rule = {"apiGroups": [group], "resources": [resource], "verbs": verbs.split()}
    meta = {"name": f"alice-{what}"}
    head = {"apiVersion": f"{RBAC}/v1", "metadata": meta}
    rule |= {"resourceNames": list(names)} if names else {}
    api.apply(head | {"kind": "ClusterRole", "rules": [rule]})
    ref = {"apiGroup": RBAC, "kind": "ClusterRole", "name": meta["name"]}
    subject = {"kind": "User", "apiGroup": RBAC, "name": "alice"}
    api.apply(head | {"kind": "ClusterRoleBinding", "roleRef": ref, "subjects": [subject]})


def reader(api: Api) -> None:
    grant(api, "reads", "get list", OURS, "tokenproviders")
    grant(api, "sees", "get", "", "namespaces")


def named(shown: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.split()[0] for line in shown.stdout.splitlines()[1:]]


def has_status(api: Api, name: str) -> None:
    """What the operator would have written."""
    generation = api.get("TokenProvider", name)["metadata"]["generation"]
    conditions = [
        {
            "type": kind,
            "status": state,
            "reason": reason,
            "message": "because",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        for kind, state, reason in (("Ready", "True", "Valid"), ("Reachable", "False", "TimedOut"))
    ]
    status = {"observedGeneration": generation, "conditions": conditions, "checks": 0}
    status["lastReachableTime"] = "2026-01-01T00:00:00Z"
    api.patch("TokenProvider", name, {"status": status}, subresource="status")


def test_each_provider_that_both_allow_is_a_row_with_what_it_is_for(run: Run, api: Api) -> None:
    make(api, "login", LOGIN, SELECTED)
    make(api, "fixed", INLINE)
    make(api, "mapped", IN_MAP)
    make(api, "new", LOGIN)
    has_status(api, "login")
    shown = run("-n", "shop")
    assert (shown.returncode, shown.stderr) == (0, "")
    title, fixed, login, mapped, new = shown.stdout.splitlines()
    assert title.split() == ["PROVIDER", "READY", "REASON", "REACHABLE", "KEYS", "ISSUER"]
    assert fixed.split() == ["fixed", "Unknown", "Pending", "-", "Inline", "-"]
    assert login.split()[:4] == ["login", "True", "Valid", "False,"]
    assert login.endswith(f"Discovery login.example.com:443   {LOGIN['issuer']}")
    assert "ConfigMap keys" in mapped
    assert "not asked yet" in new
    assert named(run("-n", "back")) == ["fixed", "mapped", "new"]


def test_one_to_which_tokens_are_sent_says_so(run: Run, api: Api) -> None:
    endpoint, host = {"url": "https://live.example.com/introspect"}, "live.example.com:443"
    live = endpoint | {"clientCredentialsRef": {"name": "client"}}
    make(api, "fixed", INLINE)
    make(api, "live", {}, introspection=live)
    title, fixed, row = run("-n", "shop").stdout.splitlines()
    assert title.endswith("TOKENS GO TO")
    assert fixed.split()[-3:] == ["Inline", "-", "-"]
    assert row.split()[1:] == ["Unknown", "Pending", "not", "asked", "yet", "-", "-", host]
    told = json.loads(run("live", "-n", "shop", "-o", "json").stdout)["items"][0]
    assert told["introspection"] == endpoint | {"host": host}
    assert "keys" not in told


def test_programs_get_the_same_as_json_and_yaml(run: Run, api: Api) -> None:
    make(api, "login", LOGIN)
    has_status(api, "login")
    document = json.loads(run("-n", "shop", "-o", "json").stdout)
    assert document == yaml.safe_load(run("login", "-n", "shop", "-o", "yaml").stdout)
    assert document == {
        "namespace": "shop",
        "items": [
            {
                "name": "login",
                "issuer": LOGIN["issuer"],
                "algorithms": ["RS256", "ES256"],
                "keys": {
                    "type": "Discovery",
                    "host": "login.example.com:443",
                    "url": f"{LOGIN['issuer']}/.well-known/openid-configuration",
                },
                "ready": "True",
                "reason": "Valid",
                "message": "because",
                "reachable": "False",
                "lastReachableTime": "2026-01-01T00:00:00Z",
            }
        ],
    }


def test_a_list_has_only_those_that_the_caller_may_use(run: Run, api: Api) -> None:
    for name in ("login", "other"):
        make(api, name, LOGIN)
    reader(api)
    none = run("-n", "shop", user="alice")
    assert (none.returncode, none.stdout) == (0, "")
    assert "may use no TokenProvider when you write them" in none.stderr
    grant(api, "uses", "use", OURS, "tokenproviders", "login")
    one = run("-n", "shop", user="alice")
    assert (one.returncode, named(one), one.stderr) == (0, ["login"], "")
    grant(api, "uses-all", "use", OURS, "tokenproviders")
    assert named(run("-n", "shop", user="alice")) == ["login", "other"]


def test_one_that_may_not_be_used_is_told_in_the_same_words_whether_it_exists_or_not(
    run: Run, api: Api
) -> None:
    def told(name: str, where: str = "shop") -> tuple[int, str, str]:
        shown = run(name, "-n", where, user="alice")
        return shown.returncode, shown.stdout, shown.stderr.replace(name, "NAME")

    make(api, "there", LOGIN, SELECTED)
    # Without any right, with the right to read, and with the right to use where it is not allowed.
    answers = [(told("there"), told("nowhere"))]
    reader(api)
    answers += [(told("there"), told("nowhere"))]
    grant(api, "uses", "use", OURS, "tokenproviders")
    answers += [(told("there", "back"), told("nowhere", "back"))]
    for exists, does_not in answers:
        assert exists == does_not
        code, stdout, stderr = exists
        assert (code, stdout) == (1, "")
        assert "TokenProvider NAME cannot be used from namespace" in stderr
        assert "allowedNamespaces" in stderr
    assert told("there")[0] == 0


def test_the_command_in_a_refusal_gives_the_right(
    run: Run, api: Api, own_controlplane: ControlPlane
) -> None:
    make(api, "login", LOGIN)
    reader(api)
    refused = run("login", "-n", "shop", user="alice")
    (command,) = [x for x in refused.stderr.splitlines() if x.startswith("tokencheck rbac")]
    assert command.endswith(" | kubectl apply -f -")
    roles = tokencheck(
        *command.partition(" |")[0].split()[1:], kubeconfig=own_controlplane.kubeconfig()
    )
    own_controlplane.kubectl("apply", "-f", "-", stdin=roles.stdout)
    try:
        assert run("login", "-n", "shop", user="alice").returncode == 0
    finally:
        own_controlplane.kubectl("delete", "-f", "-", stdin=roles.stdout)


def test_what_may_not_be_read_is_unknown_and_says_which_right_is_missing(
    run: Run, api: Api
) -> None:
    make(api, "login", LOGIN, SELECTED)
    make(api, "fixed", INLINE)
    grant(api, "uses", "use", OURS, "tokenproviders")
    listed = run("-n", "shop", user="alice")
    assert (listed.returncode, listed.stdout) == (3, "")
    assert "You may not list tokenproviders" in listed.stderr
    one = [run(name, "-n", "shop", user="alice") for name in ("login", "nowhere")]
    assert [shown.returncode for shown in one] == [3, 3]
    assert "you may not get it" in one[0].stderr
    assert one[0].stderr.replace("login", "nowhere") == one[1].stderr
    # Without the labels of the namespace only one for everybody is certain.
    grant(api, "reads", "get list", OURS, "tokenproviders")
    some = run("-n", "shop", user="alice")
    assert (some.returncode, named(some)) == (3, ["fixed"])
    assert "the right to get Namespace shop" in some.stderr
    one = [run(name, "-n", "shop", user="alice") for name in ("login", "nowhere")]
    assert [shown.returncode for shown in one] == [3, 3]
    assert one[0].stderr.replace("login", "nowhere") == one[1].stderr


@pytest.mark.usefixtures("api")
def test_a_namespace_that_does_not_exist_and_a_name_that_none_can_have_are_usage(run: Run) -> None:
    missing = run("-n", "nowhere")
    assert missing.returncode == 2
    assert "There is no namespace nowhere" in missing.stderr
    wrong = run("Login!", "-n", "shop")
    assert wrong.returncode == 2
    assert "No TokenProvider can have this name" in wrong.stderr
