"""A policy that stands there is not enforced yet: operator and `doctor` prove it by a dry run."""

from __future__ import annotations

import json
import secrets
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cluster.cli import tokencheck
from cluster.ending import end
from cluster.shop import eventually
from cluster.skewed import needs_stamps
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.launch import (
    SERVED,
    grant_operator,
    install_policies,
    wait_enforced,
)
from tokencheck.model.admission import PROBE_NAME, REQUESTER_POLICY, Guard

Object = dict[str, Any]
POLICIES = "validatingadmissionpolicies"
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
SPACES = ("shop", "billing")
# Of everything, on a machine that others keep busy.
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def plane(own_controlplane: ControlPlane) -> ControlPlane:
    """One of its own: here policies are taken away."""
    api = own_controlplane.api()
    for name in SPACES:
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        check(api, name)
    return own_controlplane


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> Api:
    return plane.api()


@pytest.fixture(scope="module")
def running(
    plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    args = ["--prove-every", "0.5"]
    process = OperatorProcess(grant_operator(plane), log, plane=plane, args=args)
    try:
        yield process.start()
    finally:
        end(process)


def check(api: Api, namespace: str, name: str = "checkout") -> None:
    token = {"name": "a", "secretKeyRef": {"name": "payments", "key": "token"}}
    meta = {"name": name, "namespace": namespace}
    api.create(
        {"apiVersion": "tokencheck.dev/v1alpha1", "kind": "TokenCheck", "metadata": meta,
         "spec": {"tokens": [token]}}
    )  # fmt: skip


def enforced(running: OperatorProcess) -> dict[str, float]:
    """The metric, by namespace."""
    samples = running.metrics()
    return {
        space: samples[name]
        for space in SPACES
        if (name := f'tokencheck_admission_policy_enforced{{namespace="{space}"}}') in samples
    }


def page(running: OperatorProcess) -> Object:
    return json.loads(running.get("/readyz")[1])["admission"]


def comes_to(running: OperatorProcess, **expected: float) -> None:
    eventually(lambda: enforced(running) == expected, timeout_s=PATIENCE_S)


def doctor(plane: ControlPlane, user: str = "admin") -> list[Object]:
    """What doctor says of admission."""
    done = tokencheck("doctor", "-o", "json", kubeconfig=plane.kubeconfig(user))
    found = json.loads(done.stdout)["findings"]
    return [one for one in found if one["area"] == "Admission"]


def bad(found: list[Object]) -> list[Object]:
    return [one for one in found if one["result"] != "Pass"]


@contextmanager
def changed(plane: ControlPlane, kind: str, spec: Object) -> Iterator[None]:
    """The spec of policy or binding has this in it; afterwards all is as it was installed."""
    plane.api().patch(kind, REQUESTER_POLICY, {"spec": spec})
    try:
        yield
    finally:
        restore(plane)


def restore(plane: ControlPlane) -> None:
    for kind in (BINDING, POLICY):
        plane.api().delete(kind, REQUESTER_POLICY)
    install_policies(plane, {"admission": {"statusWriters": ["admin"]}})


def test_where_the_policy_refuses_it_is_proven_and_nothing_is_stored(
    plane: ControlPlane, api: Api, running: OperatorProcess
) -> None:
    comes_to(running, shop=1, billing=1)
    assert page(running) == {"proven": 2, "unproven": 0, "namespaces": {}}
    assert not [one for one in api.list("TokenCheck") if one["metadata"]["name"] == PROBE_NAME]
    assert bad(doctor(plane)) == []
    # A namespace without TokenChecks is nobody's business; the last one that goes takes its series.
    check(api, "default")
    eventually(lambda: page(running)["proven"] == 3, timeout_s=PATIENCE_S)
    api.delete("TokenCheck", "checkout", "default")
    eventually(lambda: page(running)["proven"] == 2, timeout_s=PATIENCE_S)


def test_a_policy_that_is_deleted_is_told_and_mended(
    plane: ControlPlane, api: Api, running: OperatorProcess
) -> None:
    comes_to(running, shop=1, billing=1)
    api.delete(POLICY, REQUESTER_POLICY)
    try:
        comes_to(running, shop=0, billing=0)
        told = {"shop": "Admitted", "billing": "Admitted"}
        eventually(lambda: page(running)["namespaces"] == told, timeout_s=PATIENCE_S)
        assert "run: tokencheck doctor" in running.log_text()
        (found,) = bad(doctor(plane))
        assert found["result"] == "Fail"
        assert "admission.enabled=true" in found["commands"][0]
    finally:
        restore(plane)
    comes_to(running, shop=1, billing=1)


def test_without_policy_and_binding_doctor_only_warns(plane: ControlPlane, api: Api) -> None:
    """Somebody may have chosen `admission.enabled: false`."""
    for kind in (BINDING, POLICY):
        api.delete(kind, REQUESTER_POLICY)
    try:
        (found,) = bad(doctor(plane))
        assert found["result"] == "Warn"
    finally:
        restore(plane)


@pytest.mark.parametrize("actions", [["Audit"], ["Warn"], ["Audit", "Warn"]], ids=str)
def test_a_binding_that_only_audits_or_warns_enforces_nothing(
    plane: ControlPlane, running: OperatorProcess, actions: list[str]
) -> None:
    comes_to(running, shop=1, billing=1)
    with changed(plane, BINDING, {"validationActions": actions}):
        comes_to(running, shop=0, billing=0)
        wait_enforced(plane, yes=False)
        mends(plane, running)
    comes_to(running, shop=1, billing=1)


def mends(plane: ControlPlane, running: OperatorProcess) -> None:
    """What doctor says to type mends it; its findings say what is wrong."""
    found = bad(doctor(plane))
    assert found
    for command in dict.fromkeys(c for one in found for c in one["commands"]):
        program, *args = shlex.split(command)
        if program == "helm":
            # The release is that of the fixture: what is missing of the chart is made again.
            install_policies(plane, {"admission": {"statusWriters": ["admin"]}})
        else:
            plane.kubectl(*args)
    comes_to(running, shop=1, billing=1)
    eventually(lambda: bad(doctor(plane)) == [], timeout_s=PATIENCE_S)


def test_a_namespace_that_is_labelled_out_is_told_by_its_name(
    plane: ControlPlane, api: Api, running: OperatorProcess
) -> None:
    comes_to(running, shop=1, billing=1)
    without = {"matchExpressions": [{"key": "free", "operator": "DoesNotExist"}]}
    with changed(plane, BINDING, {"matchResources": {"namespaceSelector": without}}):
        # Leaving nobody out, it is as good as ours.
        wait_enforced(plane)
        comes_to(running, shop=1, billing=1)
        api.patch("Namespace", "billing", {"metadata": {"labels": {"free": "yes"}}})
        comes_to(running, shop=1, billing=0)
        eventually(
            lambda: page(running)["namespaces"] == {"billing": "Admitted"}, timeout_s=PATIENCE_S
        )
        (found,) = bad(doctor(plane))
        assert "not enforced in namespace billing" in found["message"]
        mends(plane, running)
    api.patch("Namespace", "billing", {"metadata": {"labels": {"free": None}}})
    comes_to(running, shop=1, billing=1)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        # It refuses probes, and nothing else.
        (POLICY, {"matchConditions": [{"name": "a", "expression": "has(object.metadata.labels)"}]}),
        (POLICY, {"failurePolicy": "Ignore"}),
        (BINDING, {"matchResources": {"objectSelector": {"matchExpressions": [
            {"key": "tokencheck.dev/enforcement-probe", "operator": "Exists"}]}}}),
    ],
    ids=["conditions", "failurePolicy", "objectSelector"],
)  # fmt: skip
def test_a_policy_that_refuses_the_probe_alone_is_no_proof(
    plane: ControlPlane, running: OperatorProcess, kind: str, spec: Object
) -> None:
    comes_to(running, shop=1, billing=1)
    with changed(plane, kind, spec):
        comes_to(running, shop=0, billing=0)
        eventually(
            lambda: set(page(running)["namespaces"].values()) == {"Altered"}, timeout_s=PATIENCE_S
        )
        mends(plane, running)
    comes_to(running, shop=1, billing=1)


@pytest.mark.parametrize("how", ["deleted", "audits", "changed"])
def test_without_the_policy_on_providers_nothing_is_proven(
    plane: ControlPlane, api: Api, running: OperatorProcess, how: str
) -> None:
    """Who may write a TokenProvider there has the tokens sent to himself."""
    comes_to(running, shop=1, billing=1)
    match how:
        case "deleted":
            api.delete(POLICY, Guard.PROVIDER)
        case "audits":
            api.patch(BINDING, Guard.PROVIDER, {"spec": {"validationActions": ["Audit"]}})
        case _:
            api.patch(POLICY, Guard.PROVIDER, {"spec": {"failurePolicy": "Ignore"}})
    comes_to(running, shop=0, billing=0)
    eventually(
        lambda: set(page(running)["namespaces"].values()) == {"Unguarded"}, timeout_s=PATIENCE_S
    )
    (found,) = bad(doctor(plane))
    assert found["result"] == "Fail"
    assert found["message"].startswith("the policy tokencheck-provider ")
    mends(plane, running)


def test_who_changes_a_policy_is_seen_at_once(
    plane: ControlPlane, api: Api, running: OperatorProcess, tmp_path: Path
) -> None:
    """By a watch: comparisons each ten seconds would rarely be so early six times."""
    end(running)
    usual = OperatorProcess(grant_operator(plane), tmp_path / "operator.log", plane=plane)
    try:
        usual.start()
        comes_to(usual, shop=1, billing=1)
        for found, actions in ((0, ["Warn"]), (1, ["Deny"])) * 3:
            api.patch(BINDING, Guard.PROVIDER, {"spec": {"validationActions": actions}})
            expected = {"shop": found, "billing": found}
            eventually(lambda expected=expected: enforced(usual) == expected, timeout_s=3.0)
    finally:
        end(usual)
        running.start()


def test_doctor_tells_of_each_policy_that_is_another_one(
    plane: ControlPlane, api: Api, running: OperatorProcess
) -> None:
    if SERVED:
        api.delete("MutatingAdmissionPolicyBinding", Guard.STAMP)
    else:
        api.patch(BINDING, Guard.STAMP, {"spec": {"validationActions": ["Warn"]}})
    api.patch(BINDING, Guard.CLUSTER, {"spec": {"validationActions": ["Warn"]}})
    anybody = [{"expression": "true"}]
    api.patch(POLICY, Guard.STATUS, {"spec": {"validations": anybody}})
    told = {(one["message"].split()[2], one["result"]) for one in bad(doctor(plane))}
    assert told == {(str(guard), "Fail") for guard in (Guard.STAMP, Guard.CLUSTER, Guard.STATUS)}
    mends(plane, running)


@pytest.mark.parametrize(
    ("kind", "guard", "spec"),
    [
        (BINDING, Guard.CLUSTER, {"validationActions": ["Warn"]}),
        (BINDING, Guard.STATUS, {"matchResources": {
            "objectSelector": {"matchLabels": {"a": "b"}}}}),
        pytest.param("MutatingAdmissionPolicyBinding", Guard.STAMP, {"matchResources": {
            "namespaceSelector": {"matchLabels": {"a": "b"}}}}, marks=needs_stamps),
    ],
    ids=["warns", "leaves objects out", "leaves namespaces out"],
)  # fmt: skip
def test_where_a_binding_alone_is_another_one_its_policy_stays_and_is_bound_again(
    plane: ControlPlane, running: OperatorProcess, kind: str, guard: Guard, spec: Object
) -> None:
    api = plane.api()
    uid = api.get(POLICY, guard)["metadata"]["uid"]
    api.patch(kind, guard, {"spec": spec})
    (found,) = bad(doctor(plane))
    assert found["message"] == f"the policy {guard} is not bound as this version binds it"
    assert {command.split()[1] for command in found["commands"]} == {"patch"}
    mends(plane, running)
    assert api.get(POLICY, guard)["metadata"]["uid"] == uid


@contextmanager
def without_rights(api: Api, of: Callable[[Object], bool]) -> Iterator[None]:
    rules = api.get("ClusterRole", "tokencheck")["rules"]
    kept = [rule for rule in rules if not of(rule)]
    assert len(kept) < len(rules)
    api.patch("ClusterRole", "tokencheck", {"rules": kept})
    try:
        yield
    finally:
        api.patch("ClusterRole", "tokencheck", {"rules": rules})


@pytest.mark.parametrize(
    ("field", "name"),
    [("resourceNames", PROBE_NAME), ("resources", POLICIES)],
    ids=["the dry run", "the policies"],
)
def test_a_refusal_by_rbac_is_no_proof(
    api: Api, running: OperatorProcess, field: str, name: str
) -> None:
    comes_to(running, shop=1, billing=1)
    with without_rights(api, lambda rule: name in rule.get(field, ())):
        comes_to(running, shop=0, billing=0)
        told = {"shop": "Unknown", "billing": "Unknown"}
        eventually(lambda: page(running)["namespaces"] == told, timeout_s=PATIENCE_S)
    comes_to(running, shop=1, billing=1)


def test_the_operator_can_make_no_other_token_check(plane: ControlPlane) -> None:
    """Its right to create goes with one name, and its own code sends no more than the dry run."""
    account = "system:serviceaccount:tokencheck-system:tokencheck"
    grant_operator(plane)
    for verb, name in (("create", f"x-{secrets.token_hex(2)}"), ("patch", "checkout")):
        asked = ("auth", "can-i", verb, f"tokenchecks/{name}", "-n", "shop", f"--as={account}")
        assert plane.kubectl(*asked, check=False).stdout.strip() == "no"


def test_who_may_not_look_is_told_so(plane: ControlPlane) -> None:
    found = doctor(plane, "alice")
    assert {one["result"] for one in found} == {"Unknown"}
