"""The cluster's own API server says whether the tokens of its service accounts live."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cluster.ending import end
from cluster.shop import (
    Object,
    Shop,
    condition,
    env,
    eventually,
    findings,
    listed,
    pod_spec,
    ready,
    states,
)
from cluster.wholerun import NOBODYS
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.launch import grant_operator
from vendorapi import TOKENS

Trusts: TypeAlias = Callable[..., str]

GOOD = ("True", "AllChecksPassed")
DEAD = ("False", "Inactive")
PATIENCE_S = 120.0
INTERVAL_S = 30
GRANTED = {"providers": {"tokenReviews": True}}
GONE = "its ServiceAccount is gone"
UNBOUND = "the Secret, Pod or Node that it is bound to is gone"

pytestmark = pytest.mark.usefixtures("operator")


@contextmanager
def operating(
    plane: ControlPlane, folder: Path, values: Object, *more: str
) -> Iterator[OperatorProcess]:
    """An operator with the rights that these values of the chart give it."""
    args = ["--prove-every", "0.5", "--log-level", "DEBUG", *more]
    config = grant_operator(plane, values)
    process = OperatorProcess(config, folder / "operator.log", plane=plane, args=args)
    try:
        yield process.start()
    finally:
        end(process)


@pytest.fixture(scope="module")
def operator(
    controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    with operating(controlplane, tmp_path_factory.mktemp("operator"), GRANTED) as process:
        yield process


@pytest.fixture
def trusts(admin: Api, namespace: str) -> Iterator[Trusts]:
    """Makes the TokenProvider that asks the API server, and returns its name."""

    def trusted(**more: Any) -> str:
        spec: Object = {"allowedNamespaces": {"all": True}, "vendor": {"type": "Kubernetes"}}
        manifest = {"apiVersion": "tokencheck.dev/v1alpha1", "kind": "TokenProvider"}
        admin.apply(manifest | {"metadata": {"name": namespace}, "spec": spec | more})
        return namespace

    yield trusted
    admin.delete("TokenProvider", namespace)


def account(shop: Shop, name: str) -> None:
    meta = {"name": name, "namespace": shop.namespace}
    shop.admin.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})


def token_of(shop: Shop, name: str, *audiences: str, bound: Object | None = None) -> str:
    """A token of the service account, as the API server issues it."""
    spec: Object = {"audiences": list(audiences)} if audiences else {}
    if bound is not None:
        meta = bound["metadata"]
        ref = {"apiVersion": "v1", "kind": "Secret", "name": meta["name"], "uid": meta["uid"]}
        spec["boundObjectRef"] = ref
    path = f"/api/v1/namespaces/{shop.namespace}/serviceaccounts/{name}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    found: str = shop.admin.request("POST", path, body)["status"]["token"]
    return found


def legacy_token(shop: Shop, name: str, of: str) -> str:
    """The token that the controller writes into a Secret of this name."""
    shop.secret(
        name,
        type="kubernetes.io/service-account-token",
        annotations={"kubernetes.io/service-account.name": of},
    )
    found = shop.admin.wait(
        "Secret", name, shop.namespace, until=lambda it: "token" in (it.get("data") or {})
    )
    return base64.b64decode(found["data"]["token"]).decode()


def checked(shop: Shop, provider: str, name: str, **expected: object) -> None:
    token = listed(name, providerRef={"name": provider}, **expected)
    shop.check(name, token, interval=f"{INTERVAL_S}s")


def reviews(operator: OperatorProcess) -> float:
    """How many TokenReviews the operator has sent."""
    return sum(
        value
        for series, value in operator.metrics().items()
        if series.startswith("tokencheck_api_requests_total") and '"tokenreviews"' in series
    )


def ports_dialled(pid: int) -> set[int]:
    """The ports to which the process has connections, but for those that came to its own."""
    links = [os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()]
    own = {inode for link in links for inode in re.findall(r"^socket:\[(\d+)\]$", link)}
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    ours = [row for row in rows if row[9] in own]
    listens = {row[1] for row in ours if row[3] == "0A"}
    return {
        int(row[2].partition(":")[2], 16)
        for row in ours
        if row[3] != "0A" and row[1] not in listens
    }


def test_a_token_lives_until_its_service_account_is_deleted(
    shop: Shop, trusts: Trusts, operator: OperatorProcess, controlplane: ControlPlane
) -> None:
    account(shop, "app")
    token = token_of(shop, "app")
    shop.secret("app", token)
    checked(shop, trusts(), "app")
    found = shop.reads("app", *GOOD, timeout_s=PATIENCE_S)
    assert states(found)["Active"] == "True"
    shop.delete("ServiceAccount", "app")
    found = shop.wait("app", lambda it: ready(it) == DEAD, timeout_s=PATIENCE_S)
    assert GONE in condition(found, "Active")["message"]
    told = [ready(seen.object)[0] for seen in shop.history("app")]
    assert "Unknown" not in told[told.index("True") :]
    # One of the same name is another one.
    account(shop, "app")
    shop.annotate("TokenCheck", "app", check_now="1")
    shop.wait("app", lambda it: it["status"].get("lastHandledCheckNow") == "1")
    assert ready(shop.admin.get("TokenCheck", "app", shop.namespace)) == DEAD
    assert ports_dialled(operator.server.pid) == {controlplane.at.api_port}
    for part in token.split("."):
        assert part not in operator.log_text() + str(shop.events("app")) + str(found)


def test_a_token_ends_with_the_secret_that_it_is_bound_to(shop: Shop, trusts: Trusts) -> None:
    account(shop, "app")
    bound = shop.secret("bound")
    shop.secret("app", token_of(shop, "app", bound=bound))
    legacy = legacy_token(shop, "legacy", "app")
    shop.secret("copy", legacy)
    provider = trusts()
    for name in ("app", "copy", "legacy"):
        checked(shop, provider, name)
    for name in ("app", "copy", "legacy"):
        found = shop.wait(name, lambda it: ready(it)[0] == "True", timeout_s=PATIENCE_S)
        assert states(found)["Active"] == "True"
    shop.delete("Secret", "bound")
    shop.delete("Secret", "legacy")
    for name in ("app", "copy"):
        found = shop.wait(name, lambda it: ready(it) == DEAD, timeout_s=PATIENCE_S)
        assert UNBOUND in condition(found, "Active")["message"]


def test_a_token_for_another_audience_lives_and_is_for_that_audience_alone(
    shop: Shop, trusts: Trusts, operator: OperatorProcess
) -> None:
    account(shop, "app")
    provider = trusts()
    shop.secret("right", token_of(shop, "app", "vault", "more"))
    checked(shop, provider, "right", audiences=["vault", "more"])
    shop.reads("right", *GOOD, timeout_s=PATIENCE_S)
    before = reviews(operator)
    shop.secret("wrong", token_of(shop, "app", "vault"))
    checked(shop, provider, "wrong", audiences=["payments"])
    found = shop.reads("wrong", "False", "AudienceMismatch", timeout_s=PATIENCE_S)
    assert ("Active", "Skip", "NotAsked") in findings(found)
    shop.admin.delete("TokenCheck", "right", shop.namespace)
    assert reviews(operator) - before <= 1  # of the other check, if its interval is over


def test_any_bearer_token_that_the_api_server_takes_can_be_listed_and_others_are_dead(
    shop: Shop, trusts: Trusts, controlplane: ControlPlane
) -> None:
    rows = [line.split(",") for line in (controlplane.folder / "tokens.csv").read_text().split()]
    bob = next(row[0] for row in rows if row[1] == "bob")
    provider = trusts()
    shop.secret("bob", bob)
    checked(shop, provider, "bob", subject="bob", audiences=["https://kubernetes.default.svc"])
    found = shop.wait("bob", lambda it: ready(it)[0] == "True", timeout_s=PATIENCE_S)
    assert states(found)["Active"] == "True"
    shop.secret("nobody", NOBODYS)
    checked(shop, provider, "nobody")
    found = shop.reads("nobody", *DEAD, timeout_s=PATIENCE_S)
    assert "no issuer that it knows has signed it" in condition(found, "Active")["message"]


def test_a_token_of_another_kind_is_never_shown_to_the_api_server(
    shop: Shop, trusts: Trusts, operator: OperatorProcess
) -> None:
    provider, before = trusts(), reviews(operator)
    shop.secret("github", TOKENS["GitHub"])
    checked(shop, provider, "github")
    found = shop.reads("github", "Unknown", "NotVerifiable", timeout_s=PATIENCE_S)
    assert ("Active", "Unknown", "NotVerifiable") in findings(found)
    assert reviews(operator) == before


def mounted(shop: Shop, name: str) -> None:
    """A Deployment takes the Secret, and a TokenCheck of five lines looks after it."""
    shop.workload(name, pod_spec(env(name)), replicas=0)
    shop.check(name, workload=f"Deployment/{name}", interval=f"{INTERVAL_S}s")


def test_five_lines_find_a_dead_token_of_this_cluster_and_leave_those_of_others_alone(
    shop: Shop, trusts: Trusts
) -> None:
    account(shop, "app")
    token = token_of(shop, "app")
    claims = jwt.decode(token, options={"verify_signature": False})
    elsewhere = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    shop.secret("here", token)
    shop.secret("same", jwt.encode(claims, elsewhere, algorithm="RS256"))
    other = claims | {"iss": "https://other.example.com"}
    shop.secret("other", jwt.encode(other, elsewhere, algorithm="RS256"))
    trusts(match={"kinds": ["Kubernetes"]})
    for name in ("here", "same", "other"):
        mounted(shop, name)
    shop.wait("here", lambda it: states(it).get("Active") == "True", timeout_s=PATIENCE_S)
    for name in ("same", "other"):
        found = shop.wait(name, lambda it: "Active" in states(it), timeout_s=PATIENCE_S)
        assert states(found)["Active"] == "Unknown"
        assert ready(found)[0] == "True"
        assert ("Active", "Skip", "NotVerifiable") in findings(found)
    shop.delete("ServiceAccount", "app")
    shop.wait("here", lambda it: ready(it) == DEAD, timeout_s=PATIENCE_S)


def test_an_operator_that_may_not_ask_says_what_to_grant_and_calls_no_token_dead(
    shop: Shop, trusts: Trusts, admin: Api, operator: OperatorProcess, controlplane: ControlPlane
) -> None:
    account(shop, "app")
    shop.secret("app", token_of(shop, "app"))
    provider = trusts()
    try:
        grant_operator(controlplane)
        checked(shop, provider, "app")
        found = shop.reads("app", "Unknown", "AccessDenied", timeout_s=PATIENCE_S)
        assert "providers.tokenReviews: true" in condition(found, "Active")["message"]
        standing = admin.wait(
            "TokenProvider", provider, until=lambda it: states(it).get("Reachable") == "False"
        )
        said = condition(standing, "Reachable")["message"]
        assert said.startswith("the API server: the operator may not create tokenreviews")
    finally:
        grant_operator(controlplane, GRANTED)
    shop.reads("app", *GOOD, timeout_s=PATIENCE_S)
    eventually(lambda: reviews(operator) > 1)


def allows(shop: Shop, *rules: tuple[str, str]) -> None:
    """A Role that the ServiceAccount ``app`` has allows these verbs on these resources."""
    told = [{"apiGroups": [""], "resources": [on], "verbs": [verb]} for verb, on in rules]
    meta = {"name": "app", "namespace": shop.namespace}
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": meta}
    shop.admin.apply(rbac | {"kind": "Role", "rules": told})
    to = {"kind": "ServiceAccount", "name": "app", "namespace": shop.namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "app"}
    shop.admin.apply(rbac | {"kind": "RoleBinding", "roleRef": role, "subjects": [to]})


def test_scopes_are_what_the_api_server_lets_the_owner_do_whoever_looks(
    shop: Shop, trusts: Trusts
) -> None:
    account(shop, "app")
    allows(shop, ("get", "configmaps"), ("get", "pods/log"))
    shop.secret("app", token_of(shop, "app"))
    provider = trusts()
    wanted = {"required": ["get:configmaps", "get:pods/log"], "forbidden": ["list:secrets"]}
    # The second one is told the first one's answer about the token, and asks for itself here.
    for name in ("first", "second"):
        token = listed("app", providerRef={"name": provider}, scopes=wanted)
        shop.check(name, token, interval=f"{INTERVAL_S}s")
        found = shop.reads(name, *GOOD, timeout_s=PATIENCE_S)
        assert states(found)["ScopesSatisfied"] == "True"
        (told,) = found["status"]["tokens"]
        assert told["scopes"] == {"granted": ["get:configmaps", "get:pods/log"]}
        assert ("ExcessScopes", "Skip", "ScopeUnknown") in findings(found)
    allows(shop, ("get", "configmaps"), ("get", "pods/log"), ("list", "secrets"))
    for name in ("first", "second"):
        found = shop.reads(name, "False", "ScopeForbidden", timeout_s=PATIENCE_S)
        assert '"list:secrets"' in condition(found, "ScopesSatisfied")["message"]
    allows(shop, ("get", "configmaps"))
    for name in ("first", "second"):
        found = shop.reads(name, "False", "ScopeMissing", timeout_s=PATIENCE_S)
        assert '"get:pods/log"' in condition(found, "ScopesSatisfied")["message"]


def test_a_scope_that_is_no_permission_is_unknown_with_its_form(shop: Shop, trusts: Trusts) -> None:
    account(shop, "app")
    shop.secret("app", token_of(shop, "app"))
    checked(shop, trusts(), "app", scopes={"required": ["payments:"]})
    found = shop.reads("app", "Unknown", "ScopeUnknown", timeout_s=PATIENCE_S)
    said = condition(found, "ScopesSatisfied")["message"]
    assert "VERB:RESOURCE[.GROUP][/SUBRESOURCE][@NAMESPACE]" in said


def has_all_of_the_namespace(shop: Shop) -> None:
    """A RoleBinding gives the ServiceAccount ``app`` the ClusterRole cluster-admin here alone."""
    meta = {"name": "all", "namespace": shop.namespace}
    to = {"kind": "ServiceAccount", "name": "app", "namespace": shop.namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta}
    shop.admin.apply(rbac | {"roleRef": role, "subjects": [to]})


def test_a_role_binding_to_cluster_admin_gives_nothing_of_the_cluster_s(
    shop: Shop, trusts: Trusts
) -> None:
    account(shop, "app")
    has_all_of_the_namespace(shop)
    shop.secret("app", token_of(shop, "app"))
    provider = trusts()
    of_cluster = [
        "get:nodes",
        "get:nodes/proxy",
        "create:clusterrolebindings.rbac.authorization.k8s.io",
        "use:tokenproviders.tokencheck.dev",
        "impersonate:users",
        "*:*.*",
    ]
    here = [
        "*:pods",
        "create:rolebindings.rbac.authorization.k8s.io",
        "get:tokenchecks.tokencheck.dev",
    ]
    token = listed(
        "app", providerRef={"name": provider}, scopes={"required": here, "forbidden": of_cluster}
    )
    shop.check("good", token, interval=f"{INTERVAL_S}s")
    found = shop.reads("good", *GOOD, timeout_s=PATIENCE_S)
    assert found["status"]["tokens"][0]["scopes"] == {"granted": sorted(here)}
    token = listed("app", providerRef={"name": provider}, scopes={"required": of_cluster})
    shop.check("narrow", token, interval=f"{INTERVAL_S}s")
    found = shop.reads("narrow", "False", "ScopeMissing", timeout_s=PATIENCE_S)
    assert found["status"]["tokens"][0]["scopes"]["missing"] == sorted(of_cluster)


def test_of_a_resource_that_nobody_serves_nothing_is_known(shop: Shop, trusts: Trusts) -> None:
    account(shop, "app")
    has_all_of_the_namespace(shop)
    shop.secret("app", token_of(shop, "app"))
    provider = trusts()
    for name, asked in {"needs": "required", "fears": "forbidden"}.items():
        unserved = ["get:deployments", "get:things.nowhere.example.com"]
        token = listed("app", providerRef={"name": provider}, scopes={asked: unserved})
        shop.check(name, token, interval=f"{INTERVAL_S}s")
        found = shop.reads(name, "Unknown", "ScopeUnknown", timeout_s=PATIENCE_S)
        said = condition(found, "ScopesSatisfied")["message"]
        assert all(f'"{one}"' in said for one in unserved)
        assert "kubectl api-resources" in said
