"""One ClusterTokenCheck keeps a TokenCheck for each workload that it selects, and sums them up."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cluster.author import Author
from cluster.ending import end
from cluster.keeping import KIND, MADE_BY, VALUES, apply, keeper_on, names
from cluster.replicas import leads
from cluster.shop import Shop, condition, env, eventually, pod_spec, ready
from cluster.skewed import needs_stamps
from controlplane import Api, ApiError, ControlPlane, OperatorProcess
from controlplane.launch import grant_operator
from tokencheck.passes.spread import STEPS

Object = dict[str, Any]
WHO = "tokencheck.dev/requester"
# Several rounds, a second apart, on a machine that others keep busy.
PATIENCE_S = 60.0
TEAMS, EACH = 40, 10
REQUESTS_FOR_EACH = 6


@pytest.fixture(scope="module")
def keeper(
    controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    with keeper_on(controlplane, tmp_path_factory.mktemp("operator")) as process:
        yield process


@pytest.fixture
def made(admin: Api, namespace: str) -> Iterator[Object]:
    """A ClusterTokenCheck of the test's namespace alone."""
    yield apply(admin, namespace)
    admin.delete(KIND, namespace)


def reads(shop: Shop, status: str, reason: str) -> Object:
    return shop.admin.wait(
        KIND,
        shop.namespace,
        until=lambda it: (
            ready(it) == (status, reason)
            and it["status"]["observedGeneration"] == it["metadata"]["generation"]
        ),
        timeout_s=PATIENCE_S,
    )


def has(shop: Shop, *expected: str) -> None:
    eventually(lambda: names(shop) == set(expected), timeout_s=PATIENCE_S)


@pytest.mark.usefixtures("keeper", "made")
def test_every_workload_gets_its_check_and_the_object_says_how_all_of_them_are(shop: Shop) -> None:
    reads(shop, "Unknown", "NoWorkloads")
    shop.secret("good", shop.signer.token())
    shop.workload("web", pod_spec(env("good")))
    shop.workload("db", pod_spec(env("good")), kind="StatefulSet")
    has(shop, "deployment-web", "statefulset-db")
    found = reads(shop, "True", "AllChecksPassed")
    assert found["status"]["good"] == "2/2"
    assert found["status"]["workloads"] == {
        "selected": 2,
        "checked": 2,
        "handWritten": 0,
        "optedOut": 0,
        "others": 0,
        "refused": 0,
    }
    check = shop.admin.get("TokenCheck", "deployment-web", shop.namespace)
    assert check["spec"]["workloadRef"]["name"] == "web"
    (owner,) = check["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == (
        KIND,
        shop.namespace,
        found["metadata"]["uid"],
    )

    shop.secret("good", shop.signer.expired())
    found = reads(shop, "False", "ChecksFail")
    worst = found["status"]["failing"]
    assert {one["name"] for one in worst} == {"deployment-web", "statefulset-db"}
    assert {one["reason"] for one in worst} == {"TokenExpired"}
    said = condition(found, "Ready")["message"]
    assert f"kubectl get tokenchecks -A -l {MADE_BY}={shop.namespace}" in said


@pytest.mark.usefixtures("made")
def test_metrics_say_what_it_keeps(keeper: OperatorProcess, shop: Shop) -> None:
    shop.workload("web", pod_spec())
    reads(shop, "False", "ChecksFail")
    labels, of = f'name="{shop.namespace}"', "tokencheck_cluster_check"
    eventually(lambda: keeper.metrics()[f'{of}_tokenchecks{{{labels},verdict="Invalid"}}'] == 1)
    shown = keeper.metrics()
    assert shown['tokencheck_informer_synced{resource="clustertokenchecks"}'] == 1
    assert shown[f'{of}_steps_total{{result="Written",step="Make"}}'] >= 1
    assert 0 <= shown[f"{of}_round_age_seconds"] < PATIENCE_S
    assert shown['tokencheck_api_requests_total{code="201",resource="tokenchecks",verb="post"}'] > 0


@pytest.mark.usefixtures("keeper", "made")
def test_a_new_template_reaches_every_check_and_what_was_edited_by_hand_goes(shop: Shop) -> None:
    shop.secret("good", shop.signer.token())
    shop.workload("web", pod_spec(env("good")))
    has(shop, "deployment-web")
    uid = shop.admin.get("TokenCheck", "deployment-web", shop.namespace)["metadata"]["uid"]

    def spec() -> Object:
        return shop.admin.get("TokenCheck", "deployment-web", shop.namespace)["spec"]

    apply(shop.admin, shop.namespace, template={"spec": {"interval": "1h"}})
    eventually(lambda: spec()["interval"] == "1h", timeout_s=PATIENCE_S)
    shop.change("deployment-web", suspend=True, interval="2h")
    eventually(lambda: (spec()["interval"], "suspend" in spec()) == ("1h", False),
               timeout_s=PATIENCE_S)  # fmt: skip
    found = shop.admin.get("TokenCheck", "deployment-web", shop.namespace)
    assert found["metadata"]["uid"] == uid, "renewed, not made again: its baseline stays"
    # A label that the team added is theirs, one that is copied follows the workload.
    body = {"metadata": {"labels": {"their": "own"}}}
    shop.admin.patch("TokenCheck", "deployment-web", body, shop.namespace)
    shop.admin.patch("Deployment", "web", {"metadata": {"labels": {"team": "a"}}}, shop.namespace)

    def labels() -> Object:
        return shop.admin.get("TokenCheck", "deployment-web", shop.namespace)["metadata"]["labels"]

    eventually(lambda: labels().get("team") == "a", timeout_s=PATIENCE_S)
    assert labels()["their"] == "own"


@pytest.mark.usefixtures("keeper", "made")
def test_a_hand_written_check_wins_and_a_label_opts_out_and_both_are_counted(shop: Shop) -> None:
    shop.secret("good", shop.signer.token())
    shop.workload("web", pod_spec(env("good")))
    shop.workload("jobs", pod_spec(env("good")))
    has(shop, "deployment-web", "deployment-jobs")
    shop.check("mine", workload="Deployment/web")
    has(shop, "deployment-jobs")
    off = {"metadata": {"labels": {"tokencheck.dev/enabled": "false"}}}
    shop.admin.patch("Deployment", "jobs", off, shop.namespace)
    has(shop)
    found = reads(shop, "Unknown", "NoWorkloads")
    counts = found["status"]["workloads"]
    assert (counts["selected"], counts["handWritten"], counts["optedOut"]) == (2, 1, 1)
    shop.delete("TokenCheck", "mine")
    has(shop, "deployment-web")
    assert shop.admin.list("TokenCheck", shop.namespace)


@pytest.mark.usefixtures("keeper", "made")
def test_a_check_ends_with_its_workload_and_all_of_them_with_their_maker(shop: Shop) -> None:
    shop.secret("good", shop.signer.token())
    shop.workload("web", pod_spec(env("good")))
    shop.workload("db", pod_spec(env("good")), kind="StatefulSet")
    has(shop, "deployment-web", "statefulset-db")
    shop.delete("StatefulSet", "db")
    has(shop, "deployment-web")
    shop.admin.delete(KIND, shop.namespace)
    has(shop)  # the garbage collector's work: the operator has no part in it


@pytest.mark.usefixtures("keeper", "made")
def test_the_labels_of_a_namespace_decide(shop: Shop) -> None:
    shop.secret("good", shop.signer.token())
    shop.workload("web", pod_spec(env("good")))
    has(shop, "deployment-web")
    apply(shop.admin, shop.namespace, namespaceSelector={"matchLabels": {"of": shop.namespace}})
    has(shop)
    label = {"metadata": {"labels": {"of": shop.namespace}}}
    shop.admin.patch("Namespace", shop.namespace, label)
    has(shop, "deployment-web")


@needs_stamps
@pytest.mark.usefixtures("keeper", "made")
def test_every_check_says_who_wrote_the_object_and_ends_when_he_loses_his_rights(
    controlplane: ControlPlane, shop: Shop
) -> None:
    author, name = Author(controlplane, shop), shop.namespace
    try:
        shop.secret("good", shop.signer.token())
        shop.workload("web", pod_spec(env("good")))
        # A spec that changes is his who changes it.
        author.api.patch(KIND, name, {"spec": {"template": {"spec": {"interval": "30s"}}}})
        eventually(lambda: author.name in stamps(shop), timeout_s=PATIENCE_S)
        reads(shop, "True", "AllChecksPassed")
        author.loses_secrets()
        shop.admin.wait(
            "TokenCheck",
            "deployment-web",
            name,
            until=lambda it: ready(it) == ("Unknown", "AccessRevoked"),
            timeout_s=PATIENCE_S + 30,
        )
        reads(shop, "Unknown", "ChecksUnknown")
        with pytest.raises(ApiError, match="allowed to get the Secrets of all namespaces"):
            author.api.patch(KIND, name, {"spec": {"copyLabels": ["other"]}})
    finally:
        author.close()


@needs_stamps
@pytest.mark.usefixtures("keeper", "made")
def test_nobody_else_writes_another_s_name_on_a_check(shop: Shop) -> None:
    """The API server stamps the object, and lets the operator alone copy that stamp."""
    shop.secret("good", shop.signer.token())
    shop.workload("web", pod_spec(env("good")))
    eventually(lambda: stamps(shop) == {"admin"}, timeout_s=PATIENCE_S)
    forged = {"metadata": {"annotations": {WHO: "mallory"}}}
    shop.admin.patch(KIND, shop.namespace, forged)
    found = shop.admin.patch("TokenCheck", "deployment-web", forged, shop.namespace)
    assert found["metadata"]["annotations"][WHO] == "admin"
    assert shop.admin.get(KIND, shop.namespace)["metadata"]["annotations"][WHO] == "admin"


@needs_stamps
@pytest.mark.usefixtures("keeper", "made")
def test_who_lets_a_check_go_asks_for_it_himself_from_then_on(
    controlplane: ControlPlane, shop: Shop
) -> None:
    """Else it would be reviewed for ever as the author of an object that is not there any more."""
    author = Author(controlplane, shop)
    try:
        shop.secret("good", shop.signer.token())
        shop.workload("web", pod_spec(env("good")))
        eventually(lambda: stamps(shop) == {"admin"}, timeout_s=PATIENCE_S)
        free = {"metadata": {"ownerReferences": None}}
        found = author.api.patch("TokenCheck", "deployment-web", free, shop.namespace)
        assert found["metadata"]["annotations"][WHO] == author.name
        counted = shop.admin.wait(
            KIND,
            shop.namespace,
            until=lambda it: it["status"].get("workloads", {}).get("handWritten") == 1,
            timeout_s=PATIENCE_S,
        )
        assert counted["status"]["workloads"]["checked"] == 0
    finally:
        author.close()


@pytest.mark.usefixtures("made")
def test_of_two_replicas_one_makes_the_checks_and_the_other_lives_and_takes_over(
    controlplane: ControlPlane, shop: Shop, tmp_path: Path
) -> None:
    config = grant_operator(controlplane, VALUES)
    both = [
        OperatorProcess(
            config,
            tmp_path / name,
            args=("--cluster-token-checks",),
            plane=controlplane,
            elects=True,
        )
        for name in ("one", "two")
    ]
    try:
        for process in both:
            process.start()
        shop.secret("good", shop.signer.token())
        shop.workload("web", pod_spec(env("good")))
        has(shop, "deployment-web")
        assert [process.get("/healthz")[0] for process in both] == [200, 200]
        leader = next(one for one in both if leads(one))
        leader.stop(kill=True)
        shop.workload("db", pod_spec(env("good")), kind="StatefulSet")
        has(shop, "deployment-web", "statefulset-db")
    finally:
        for process in both:
            end(process)


@pytest.mark.usefixtures("made")
def test_without_the_right_to_write_checks_the_object_says_so(
    shop: Shop, controlplane: ControlPlane, tmp_path: Path
) -> None:
    """The chart's rights without the value: neither workloads nor checks are lost over it."""
    config = grant_operator(controlplane, VALUES)
    role = shop.admin.get("ClusterRole", "tokencheck")
    rules = [one for one in role["rules"] if "create" not in one["verbs"]
             or one["resources"] != ["tokenchecks"] or "resourceNames" in one]  # fmt: skip
    assert len(rules) == len(role["rules"]) - 1
    shop.admin.replace(role | {"rules": rules})
    process = OperatorProcess(
        config, tmp_path / "log", args=("--cluster-token-checks",), plane=controlplane
    )
    try:
        process.start()
        shop.workload("web", pod_spec(env("good")))
        found = reads(shop, "Unknown", "ChecksRefused")
        said = condition(found, "Ready")["message"]
        assert f"TokenCheck {shop.namespace}/deployment-web could not be written" in said
        assert found["status"]["workloads"]["refused"] == 1
    finally:
        end(process)
        grant_operator(controlplane, VALUES)


@pytest.fixture
def teams(shop: Shop) -> Iterator[list[str]]:
    """Namespaces of forty teams with ten workloads each, which wait for nobody's Pods."""

    def fill(name: str) -> None:
        labels = {"of": shop.namespace}
        head = {"apiVersion": "v1", "kind": "Namespace"}
        shop.admin.create(head | {"metadata": {"name": name, "labels": labels}})
        theirs = Shop(shop.admin, name, shop.statuses)
        for number in range(EACH):
            theirs.workload(f"w{number}", pod_spec(), paused=True, replicas=0)

    spaces = [f"{shop.namespace}-{number}" for number in range(TEAMS)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fill, spaces))
    yield spaces
    for name in spaces:
        shop.admin.delete("Namespace", name)


@pytest.mark.usefixtures("made")
def test_forty_teams_get_one_check_for_each_workload_for_few_requests(
    keeper: OperatorProcess, shop: Shop, teams: list[str]
) -> None:
    """More than one round takes, in many namespaces; `make bench` measures it with 5,000."""
    total = TEAMS * EACH
    assert total > STEPS
    before = requests(keeper)
    apply(shop.admin, shop.namespace, namespaceSelector={"matchLabels": {"of": shop.namespace}})
    found = shop.admin.wait(
        KIND,
        shop.namespace,
        until=lambda it: (
            it["status"].get("workloads", {}).get("checked") == total
            and not condition(it, "Reconciling")
        ),
        timeout_s=PATIENCE_S * 2,
    )
    none = dict.fromkeys(("handWritten", "optedOut", "others", "refused"), 0)
    assert found["status"]["workloads"] == {"selected": total, "checked": total} | none
    assert len(found["status"]["failing"]) == 20  # it mounts no token: nobody knows of any
    checks = shop.admin.list("TokenCheck", labelSelector=f"{MADE_BY}={shop.namespace}")
    of = {(one["metadata"]["namespace"], one["spec"]["workloadRef"]["name"]) for one in checks}
    assert of == {(space, f"w{number}") for space in teams for number in range(EACH)}
    assert len(checks) == total
    assert requests(keeper) - before < total * REQUESTS_FOR_EACH


def requests(process: OperatorProcess) -> float:
    """All that it has sent to the API server so far."""
    shown = process.metrics().items()
    return sum(count for name, count in shown if name.startswith("tokencheck_api_requests_total"))


def stamps(shop: Shop) -> set[str]:
    found = shop.admin.list("TokenCheck", shop.namespace)
    return {one["metadata"].get("annotations", {}).get(WHO, "") for one in found}
