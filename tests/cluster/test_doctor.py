"""`tokencheck doctor` on a control plane of its own: what it says, and that its commands mend."""

from __future__ import annotations

import copy
import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.cli import tokencheck
from cluster.shop import Signer, eventually, listed
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.launch import CHECKOUT, NAMESPACE, render_chart, wait_stamped
from tokencheck.api.quantity import format_time
from tokencheck.cli.moments import clock

API = "tokencheck.dev/v1alpha1"
Object = dict[str, Any]
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:tokencheck"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as made:
        yield made


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> Api:
    return plane.api()


@pytest.fixture
def installed(plane: ControlPlane, api: Api) -> Iterator[list[Object]]:
    """Everything of the chart stands in the cluster; KWOK makes a ready Pod of it."""
    manifests = render_chart({"admission": {"statusWriters": ["admin"]}})
    if not api.find("Namespace", NAMESPACE):
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    plane.install(*sorted((CHECKOUT / "crds").glob("*.yaml")))
    for one in manifests:
        if one["kind"] != "CustomResourceDefinition":
            api.apply(one)
    api.wait(
        "Deployment",
        "tokencheck",
        NAMESPACE,
        until=lambda found: (
            found.get("status", {}).get("readyReplicas") == found["spec"]["replicas"]
        ),
        timeout_s=60,
    )
    wait_stamped(plane)
    yield manifests
    for one in manifests:
        if one["kind"] != "CustomResourceDefinition":
            api.delete(one["kind"], one["metadata"]["name"], one["metadata"].get("namespace"))


@pytest.fixture
def running(
    plane: ControlPlane,
    installed: list[Object],  # noqa: ARG001 - its rights
    tmp_path: Path,
) -> Iterator[OperatorProcess]:
    """The operator of that chart runs, here: a fake node starts no process."""
    config = plane.kubeconfig_for_service_account(NAMESPACE, "tokencheck")
    process = OperatorProcess(config, tmp_path / "operator.log", plane=plane, elects=True)
    yield process.start()
    process.stop()


def doctor(plane: ControlPlane, *args: str, user: str = "admin") -> tuple[int, list[Object]]:
    """Exit code and findings."""
    done = tokencheck("doctor", "-o", "json", *args, kubeconfig=plane.kubeconfig(user))
    assert not done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def bad(findings: list[Object]) -> list[tuple[str, str]]:
    """Area and result of what is neither well nor skipped.

    Most tests need no operator that runs; who leads is told of by those that do.
    """
    told = [(f["area"], f["result"]) for f in findings if f["result"] not in ("Pass", "Skip")]
    return [one for one in told if one != ("Leader", "Fail")]


def the(findings: list[Object], area: str, result: str) -> Object:
    (found,) = [f for f in findings if (f["area"], f["result"]) == (area, result)]
    return found


def the_leader(plane: ControlPlane) -> str:
    """Whether somebody leads."""
    (found,) = [f for f in doctor(plane)[1] if f["area"] == "Leader"]
    return str(found["result"])


def types(plane: ControlPlane, commands: list[str]) -> None:
    """What a person does with them."""
    for command in commands:
        program, *args = shlex.split(command)
        assert program == "kubectl"
        plane.kubectl(*args)


def test_a_bare_cluster_lacks_crds_and_operator(plane: ControlPlane) -> None:
    code, findings = doctor(plane)
    assert code == 1
    assert bad(findings) == [("CRDs", "Fail")] * 3 + [("Operator", "Fail"), ("Admission", "Warn")]
    crds = {f["message"] for f in findings if f["area"] == "CRDs"}
    ours = ("tokenchecks", "clustertokenchecks", "tokenproviders")
    assert crds == {f"the CRD {plural}.tokencheck.dev is not installed" for plural in ours}
    assert "helm install" in the(findings, "Operator", "Fail")["commands"][0]
    # The command that it names is in the checkout.
    (mend,) = {c for f in findings if f["area"] == "CRDs" for c in f["commands"]}
    assert mend.endswith("-f crds/")
    plane.kubectl("apply", "--server-side", "-f", str(CHECKOUT / "crds"))
    assert bad(doctor(plane)[1]) == [("Operator", "Fail"), ("Admission", "Warn")]


def test_a_healthy_installation_has_nothing_to_mend(
    plane: ControlPlane, api: Api, running: OperatorProcess
) -> None:
    check(api, "good", listed("payments"))
    eventually(lambda: status_of(api, "good"))
    code, findings = doctor(plane, "--url", running.url)
    assert (code, bad(findings)) == (0, []), findings
    said = {f["area"]: f["message"] for f in findings if f["result"] == "Pass"}
    assert "knows you as admin" in said["API server"]
    assert said["Operator"] == f"Deployment {NAMESPACE}/tokencheck: 2 of 2 Pods are ready"
    assert f"the Lease {NAMESPACE}/tokencheck, renewed" in said["Leader"]
    assert said["Operator's rights"].startswith(f"{ACCOUNT} has all ")
    assert "every Secret" in said["Secrets"]
    assert "all watches are in step" in said["Engine"]
    assert said["Clock"].endswith("agree")
    assert said["TokenChecks"].startswith("1 TokenCheck:")


@pytest.mark.parametrize(
    ("role", "lost"), [("tokencheck-secrets", "secrets"), ("tokencheck", "pods")]
)
def test_a_right_that_is_missing_is_named_and_its_commands_give_it_back(
    plane: ControlPlane, api: Api, installed: list[Object], role: str, lost: str
) -> None:
    (found,) = [
        m for m in installed if m["kind"] == "ClusterRole" and m["metadata"]["name"] == role
    ]
    rules = [
        rule | {"resources": kept}
        for rule in found["rules"]
        if (kept := [one for one in rule["resources"] if one != lost])
    ]
    api.apply(found | {"rules": rules})
    eventually(lambda: bad(doctor(plane)[1]))
    code, findings = doctor(plane)
    assert code == 1
    missing = the(findings, "Operator's rights", "Fail")
    assert f"{ACCOUNT} may not get/list/watch {lost} in the whole cluster" == missing["message"]
    assert {"secrets": "AccessDenied", "pods": "old token"}[lost] in missing["meaning"]
    types(plane, missing["commands"])
    eventually(lambda: not bad(doctor(plane)[1]))
    for kind in ("ClusterRoleBinding", "ClusterRole"):
        api.delete(kind, missing["commands"][0].split()[3])


@pytest.mark.usefixtures("installed")
def test_a_role_for_one_namespace_is_given_there(plane: ControlPlane, api: Api) -> None:
    values = {"secrets": {"scope": "namespaces", "namespaces": ["default"]}}
    (deployment,) = [m for m in render_chart(values) if m["kind"] == "Deployment"]
    api.apply(deployment)
    api.delete("ClusterRoleBinding", "tokencheck-secrets")
    eventually(lambda: bad(doctor(plane)[1]))
    _, findings = doctor(plane)
    assert "of namespace default alone" in the(findings, "Secrets", "Pass")["message"]
    missing = the(findings, "Operator's rights", "Fail")
    assert missing["message"].endswith("may not get/list/watch secrets in namespace default")
    types(plane, missing["commands"])
    eventually(lambda: not bad(doctor(plane)[1]))


@pytest.mark.usefixtures("installed")
def test_an_old_crd_is_recognised_and_the_new_one_is_not_taken_for_old(
    plane: ControlPlane, api: Api
) -> None:
    """The API server fills in fields of a CRD; none of them may look like a difference."""
    path = CHECKOUT / "crds" / "tokenchecks.yaml"
    shipped = yaml.safe_load(path.read_text())
    old = copy.deepcopy(shipped)
    spec = old["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    del spec["properties"]["suspend"]
    api.apply(old)
    code, findings = doctor(plane)
    assert code == 1
    found = the(findings, "CRDs", "Fail")
    assert "tokenchecks.tokencheck.dev has another schema" in found["message"]
    assert "drops fields" in found["meaning"]
    plane.install(path)
    assert bad(doctor(plane)[1]) == []


def test_a_dead_operator_shows_in_statuses_that_time_has_passed_by(
    plane: ControlPlane, api: Api, running: OperatorProcess
) -> None:
    """Its Pod may look well, and what it wrote last still stands."""
    check(api, "good", listed("payments"))
    eventually(lambda: status_of(api, "good"))
    running.stop(kill=True)
    found = api.get("TokenCheck", "good", "default")
    now = format_time(clock())
    ended = {
        "status": found["status"]
        | {
            "conditions": [
                c | {"status": "True", "lastTransitionTime": now} if c["type"] == "Ready" else c
                for c in found["status"]["conditions"]
            ],
            "tokens": [
                {"name": "payments", "verdict": "Valid", "expirationTime": "2026-01-01T00:00:00Z"}
            ],
        }
    }
    api.patch("TokenCheck", "good", ended, "default", subresource="status")
    api.patch("Deployment", "tokencheck", {"spec": {"replicas": 0}}, NAMESPACE)
    code, findings = doctor(plane, "--url", running.url)
    assert code == 1
    assert bad(findings) == [("Operator", "Fail"), ("Engine", "Fail"), ("TokenChecks", "Fail")]
    operator = the(findings, "Operator", "Fail")
    assert "scaled to zero" in operator["message"]
    assert "go on saying True" in operator["meaning"]
    assert "default/good" in the(findings, "TokenChecks", "Fail")["message"]
    eventually(lambda: the_leader(plane) == "Fail", timeout_s=60)
    types(plane, operator["commands"])
    eventually(lambda: ("Operator", "Fail") not in bad(doctor(plane)[1]), timeout_s=60)


@pytest.mark.usefixtures("installed")
def test_a_provider_whose_server_is_not_asked_or_does_not_answer_is_told(
    plane: ControlPlane,
    api: Api,
    running: OperatorProcess,  # noqa: ARG001
) -> None:
    """Without a network: an address of this machine is never dialled unless an admin lists it."""
    jwt = {"issuer": "https://127.0.0.1:1", "keys": {"type": "Discovery"}}
    spec = {"allowedNamespaces": {"all": True}, "jwt": jwt}
    name = {"name": "login"}
    api.apply({"apiVersion": API, "kind": "TokenProvider", "metadata": name, "spec": spec})
    ref = {"name": "payments", "key": "token"}
    source = {"name": "api", "secretKeyRef": ref, "providerRef": name}
    check(api, "asking", source)

    def told() -> bool:
        found = [f for f in doctor(plane)[1] if f["area"] == "TokenProviders"]
        return any("login does not answer since" in f["message"] for f in found)

    eventually(told, timeout_s=60)
    found = the(doctor(plane)[1], "TokenProviders", "Warn")
    assert "AddressForbidden" in found["message"]
    assert "it never answered" in found["message"]
    assert found["meaning"] == "1 TokenCheck names it; what it vouches for is Unknown"
    assert found["commands"] == ["tokencheck hosts"]
    api.delete("TokenCheck", "asking", "default")
    api.delete("TokenProvider", "login")


def test_who_may_look_at_nothing_learns_that_and_not_that_all_is_well(plane: ControlPlane) -> None:
    code, findings = doctor(plane, user="alice")
    assert code == 3
    results = {f["result"] for f in findings}
    assert "Fail" not in results
    unknown = {f["area"] for f in findings if f["result"] == "Unknown"}
    assert unknown >= {"CRDs", "Operator", "Leader", "TokenChecks", "TokenProviders"}
    mine = [f for f in findings if f["area"] == "Your rights"]
    assert all(f["result"] == "Warn" for f in mine)
    grants = [c for f in mine for c in f["commands"]]
    assert all("--user=alice" in c for c in grants if "binding" in c)


def test_nothing_is_changed_by_looking(plane: ControlPlane, running: OperatorProcess) -> None:
    def writes() -> int:
        return sum(
            e.get("user", {}).get("username") == "admin"
            and "review" not in e.get("objectRef", {}).get("resource", "")
            and "dryRun=All" not in e.get("requestURI", "")
            for e in plane.audit_events()
        )

    before = writes()
    doctor(plane, "--url", running.url)
    assert writes() == before


def test_an_api_server_that_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    cluster = {"server": "https://127.0.0.1:1"}
    config = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": cluster}],
        "users": [{"name": "a", "user": {}}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    done: subprocess.CompletedProcess[str] = tokencheck("doctor", kubeconfig=tmp_path / "config")
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def check(api: Api, name: str, *tokens: Object) -> None:
    """A TokenCheck and its Secret stand in `default`."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta("payments")}
    api.apply(secret | {"stringData": {"token": Signer().token()}})
    body = {"apiVersion": API, "kind": "TokenCheck", "metadata": meta(name)}
    api.apply(body | {"spec": {"tokens": list(tokens)}})


def meta(name: str) -> Object:
    return {"name": name, "namespace": "default"}


def status_of(api: Api, name: str) -> bool:
    status = api.get("TokenCheck", name, "default").get("status", {})
    return status.get("verdict") == "Valid"
