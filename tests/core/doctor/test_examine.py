"""Facts -> what the doctor says: one changed fact, one changed finding."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tokencheck.core.doctor.diagnosis import Area, Diagnosis, verdict_of_all
from tokencheck.core.doctor.examine import examine
from tokencheck.core.doctor.facts import (
    Admission,
    CheckSeen,
    ClusterCheckSeen,
    Crd,
    Facts,
    Held,
    Page,
    ProviderSeen,
    Replica,
    Server,
    Setup,
)
from tokencheck.core.rights.commands import commands_for
from tokencheck.core.rights.needs import caller_needs, operator_needs
from tokencheck.model.admission import Enforcement
from tokencheck.model.evidence import Absent, Denied, Failed
from tokencheck.model.finding import Result, Verdict
from tokencheck.model.rights import Review
from tokencheck.model.scope import Scope

SHIPPED = {"tokenchecks.tokencheck.dev": "new"}
CRD = Crd(served=("v1alpha1",), established=True, digest="new")
SETUP = Setup(
    namespace="ops", name="tokencheck", account="tokencheck", version="1.0.0", cluster_checks=True
)
PAGE = Page(ready=True, reasons=(), facts={"queueDepth": 3, "queueOldestSeconds": 0.1}, ahead_s=0.2)
POD = Replica(name="tokencheck-1", ready=True, page=PAGE)
LEASE = Held(name="ops/tokencheck", holder="tokencheck-1", duration_s=5, age_s=1.2)
CHECK = CheckSeen(
    namespace="shop",
    name="checkout",
    pending=False,
    current=True,
    age_s=900,
    ready="True",
    stamped=True,
)
PROVIDER = ProviderSeen(name="payments", ready="True")
# Its keys of an hour ago still vouch for tokens.
SILENT = ProviderSeen(
    name="payments",
    ready="True",
    reachable="False",
    reason="DNSFailed",
    silence="no such name",
    unreachable_since="2026-11-24T10:00:00Z",
    answered="2026-11-24T09:58:00Z",
    checks=40,
)
ALL = ClusterCheckSeen(
    name="all", ready="False", reason="ChecksFail", age_s=900, author="ann", allowed=True
)


def allowed(needs, answer=True):
    return tuple((n, tuple(Review(right=r, allowed=answer) for r in n.rights)) for n in needs)


HEALTHY = Facts(
    version="1.0.0",
    server=Server(url="https://k8s", version="v1.37.2", ahead_s=0.3, user="ann"),
    crds={"tokenchecks.tokencheck.dev": CRD},
    caller=allowed(caller_needs()),
    setups=(SETUP,),
    replicas=(POD,),
    leases=(LEASE,),
    operator=allowed(operator_needs(Scope.CLUSTER)),
    checks=(CHECK,),
    providers=(PROVIDER,),
    cluster_checks=(ALL,),
    admission=Admission(policy=True, binding=True, namespaces={"shop": Enforcement.PROVEN}),
)


def said_of(**changed) -> list[Diagnosis]:
    """What is not well when these facts are changed."""
    found = examine(replace(HEALTHY, **changed), SHIPPED, "v1alpha1", commands_for)
    return [one for one in found if one.result not in (Result.PASS, Result.SKIP)]


def crds_that(seen):
    return {"crds": {"tokenchecks.tokencheck.dev": seen}}


def crd(**changed):
    return crds_that(replace(CRD, **changed))


def pod(**changed):
    return {"replicas": (replace(POD, **changed),)}


def page(**changed):
    return pod(page=replace(PAGE, **changed))


def admission(**changed):
    return {"admission": replace(HEALTHY.admission, **changed)}


def cluster_check(**changed):
    return {"cluster_checks": (replace(ALL, **changed),)}


def setup(**changed):
    return {"setups": (replace(SETUP, **changed),)}


def check(**changed):
    return {"checks": (CHECK, replace(CHECK, name="other", **changed))}


def test_a_healthy_installation_is_valid_and_every_area_was_looked_at() -> None:
    found = examine(HEALTHY, SHIPPED, "v1alpha1", commands_for)
    assert {one.result for one in found} == {Result.PASS}
    assert {one.area for one in found} == set(Area)
    assert verdict_of_all(found) is Verdict.VALID
    assert not any(one.mend for one in found)


def test_no_finding_at_all_is_not_health() -> None:
    assert verdict_of_all(()) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("changed", "area", "result", "said"),
    [
        ({"server": replace(HEALTHY.server, ahead_s=-90.0)}, Area.CLOCK, "Fail", "90 s ahead of"),
        ({"server": replace(HEALTHY.server, ahead_s=5.0)}, Area.CLOCK, "Warn", "5 s behind"),
        ({"server": replace(HEALTHY.server, ahead_s=None)}, Area.CLOCK, "Unknown", "not tell"),
        (admission(policy=False), Area.ADMISSION, "Fail", "policy tokencheck-requester is not the"),
        (admission(binding=False), Area.ADMISSION, "Fail", "binding of the policy"),
        (admission(policy=Absent(what="")), Area.ADMISSION, "Fail", "not installed"),
        (
            admission(policy=Absent(what=""), binding=Absent(what="")),
            Area.ADMISSION,
            "Warn",
            "not installed",
        ),
        (admission(binding=Denied(what="")), Area.ADMISSION, "Unknown", "could not be read"),
        (
            admission(namespaces={"shop": Enforcement.ADMITTED, "ops": Enforcement.PROVEN}),
            Area.ADMISSION,
            "Fail",
            "not enforced in namespace shop",
        ),
        (
            page(facts={"admission": {"namespaces": {"shop": "Unknown"}}}),
            Area.ADMISSION,
            "Warn",
            "could not prove that admission is enforced in namespace shop",
        ),
        (crds_that(Absent(what="")), Area.CRDS, "Fail", "not inst"),
        (crds_that(Denied(what="")), Area.CRDS, "Unknown", "not get"),
        (crds_that(Failed(what="")), Area.CRDS, "Unknown", "not be"),
        (crd(established=False), Area.CRDS, "Fail", "not served yet"),
        (crd(served=("v1",)), Area.CRDS, "Fail", "serves v1, and not v1alpha1"),
        (crd(digest="old"), Area.CRDS, "Fail", "another schema"),
        ({"caller": allowed(caller_needs()[:1], None)}, Area.CALLER, "Unknown", "does not say"),
        ({"caller": allowed(caller_needs()[1:2], False)}, Area.CALLER, "Warn", "you may not patch"),
        ({"setups": Denied(what="")}, Area.OPERATOR, "Unknown", "may not list Deployments"),
        ({"replicas": Failed(what="")}, Area.OPERATOR, "Unknown", "Pods of the operator could"),
        ({"replicas": ()}, Area.OPERATOR, "Fail", "has no Pod"),
        (pod(ready=False, trouble="ErrImagePull"), Area.OPERATOR, "Fail", "ready: ErrImagePull"),
        (pod(restarts=9), Area.OPERATOR, "Warn", "restarted 9 times"),
        ({"setups": (replace(SETUP, wanted=0),)}, Area.OPERATOR, "Fail", "scaled to zero"),
        ({"setups": (SETUP, replace(SETUP, name="b"))}, Area.OPERATOR, "Warn", "more than one"),
        ({"version": "2.0.0"}, Area.OPERATOR, "Warn", "version 1.0.0, this program of 2.0.0"),
        ({"leases": Denied(what="")}, Area.LEADER, "Unknown", "may not list Leases"),
        ({"leases": (replace(LEASE, holder=""),)}, Area.LEADER, "Fail", "nobody holds"),
        ({"leases": (replace(LEASE, age_s=60.0),)}, Area.LEADER, "Fail", "renewed 60 s ago"),
        ({"leases": (replace(LEASE, age_s=None),)}, Area.LEADER, "Fail", "has not renewed it"),
        (
            {"setups": (replace(SETUP, leases=("tokencheck", "more")),)},
            Area.LEADER,
            "Fail",
            "ops/more does not exist",
        ),
        (
            {"operator": allowed(operator_needs(Scope.CLUSTER)[:1], None)},
            Area.RIGHTS,
            "Unknown",
            "may not ask",
        ),
        (
            {"operator": allowed(operator_needs(Scope.NAMED, (), {"shop": ("a",)})[-1:], False)},
            Area.RIGHTS,
            "Fail",
            "may not get/list/watch secrets a in namespace shop",
        ),
        (page(ready=False, reasons=("late by 9 s",)), Area.ENGINE, "Fail", "late by 9 s"),
        (page(facts={"queueOldestSeconds": 31}), Area.ENGINE, "Warn", "due for 31 s"),
        (
            page(facts={"informers": {"secrets": {"denied": True}}}),
            Area.ENGINE,
            "Warn",
            "may not watch all secrets",
        ),
        (page(ahead_s=70.0), Area.CLOCK, "Fail", "tokencheck-1 is 70 s ahead"),
        (pod(page=Denied(what="")), Area.ENGINE, "Unknown", "may not ask Pod tokencheck-1"),
        ({"page": Failed(what="http://x")}, Area.ENGINE, "Fail", "no operator answers at http://x"),
        ({"checks": Denied(what="")}, Area.CHECKS, "Unknown", "may not list tokenchecks"),
        ({"checks": Failed(what="")}, Area.CHECKS, "Unknown", "could not be listed"),
        (
            check(pending=True, current=False),
            Area.CHECKS,
            "Fail",
            "by an operator: shop/other",
        ),
        (check(overdue_s=61.0), Area.CHECKS, "Fail", "has ended: shop/other"),
        (check(current=False), Area.CHECKS, "Warn", "about an older spec: shop/other"),
        (
            check(bypassed=True, bypass="bypassed by ann until 2026-11-24T13:00:00Z: it burns"),
            Area.CHECKS,
            "Warn",
            "TokenCheck shop/other: bypassed by ann until 2026-11-24T13:00:00Z: it burns",
        ),
        (check(denied=True), Area.SECRETS, "Warn", "may not read all that 1 TokenCheck needs"),
        ({"cluster_checks": Denied(what="")}, Area.CLUSTER_CHECKS, "Unknown", "may not list clust"),
        ({"cluster_checks": Failed(what="")}, Area.CLUSTER_CHECKS, "Unknown", "not be listed"),
        (
            setup(cluster_checks=False),
            Area.CLUSTER_CHECKS,
            "Warn",
            "no operator acts on 1 ClusterTokenCheck",
        ),
        (setup(scope=Scope.NAMED), Area.CLUSTER_CHECKS, "Warn", "ops/tokencheck can make no"),
        (
            cluster_check(ready="Unknown", reason="ChecksRefused", message="a quota."),
            Area.CLUSTER_CHECKS,
            "Warn",
            "all is stuck: a quota",
        ),
        (
            cluster_check(ready="Unknown", reason="Pending", author=""),
            Area.CLUSTER_CHECKS,
            "Fail",
            "all was never looked at",
        ),
        (
            cluster_check(allowed=False),
            Area.CLUSTER_CHECKS,
            "Warn",
            "ann, who wrote ClusterTokenCheck all, may not get",
        ),
        (cluster_check(allowed=None), Area.CLUSTER_CHECKS, "Unknown", "what ann"),
        (
            {
                "operator": allowed(
                    [
                        need
                        for need in operator_needs(Scope.CLUSTER, cluster_checks=True)
                        if "delete" in need.verbs
                    ],
                    False,
                )
            },
            Area.RIGHTS,
            "Fail",
            "may not create/patch/delete tokenchecks.tokencheck.dev",
        ),
        ({"providers": Denied(what="")}, Area.PROVIDERS, "Unknown", "may not list tokenproviders"),
        (
            {"providers": (replace(PROVIDER, ready="False", message="no keys"),)},
            Area.PROVIDERS,
            "Warn",
            "payments is not ready: no keys",
        ),
        (
            {"providers": (SILENT,)},
            Area.PROVIDERS,
            "Warn",
            "payments does not answer since 2026-11-24T10:00:00Z: DNSFailed: no such name,"
            " the last answer came at 2026-11-24T09:58:00Z",
        ),
        (
            {"providers": (replace(SILENT, reason="TLSFailed", answered=""),)},
            Area.PROVIDERS,
            "Warn",
            "TLSFailed: no such name, it never answered",
        ),
    ],
)
def test_one_fact_is_one_finding(changed, area, result, said) -> None:
    (found,) = said_of(**changed)
    assert (found.area, found.result) == (area, Result(result))
    assert said in found.said
    assert not found.said.endswith(".")


@pytest.mark.parametrize(
    ("reason", "command"),
    [
        ("DNSFailed", "tokencheck hosts"),
        ("AddressForbidden", "tokencheck hosts"),
        ("TimedOut", "tokencheck hosts"),
        ("TLSFailed", "kubectl describe tokenprovider payments"),
        ("IntrospectionUnauthorized", "kubectl describe tokenprovider payments"),
    ],
)
def test_a_silent_provider_is_one_finding_with_what_hangs_on_it(reason, command) -> None:
    (found,) = said_of(providers=(replace(SILENT, reason=reason),))
    assert found.mend == (command,)
    assert found.means.startswith("40 TokenChecks name it; what it said before counts")
    (found,) = said_of(providers=(replace(SILENT, ready="Unknown", message="no keys", checks=1),))
    assert found.means == "1 TokenCheck names it; what it vouches for is Unknown"


@pytest.mark.parametrize(
    "changed",
    [
        {"server": replace(HEALTHY.server, ahead_s=1.9)},
        check(pending=True, current=False, age_s=30.0),
        check(overdue_s=30.0),
        # Below Kubernetes 1.36 no check has a stamp.
        check(stamped=False),
        page(facts={"queueOldestSeconds": 29.0}),
        {"leases": (replace(LEASE, age_s=9.0),)},
        {"leases": ()},
        {
            "setups": (replace(SETUP, leases=("tokencheck",)),),
            "leases": (LEASE, replace(LEASE, name="ops/tokencheck-shard-3", age_s=9000.0)),
        },
        {"page": PAGE},
        pod(page=Failed(what="")),
        pod(restarts=3),
        {"checks": ()},
        {"checks": Absent(what="")},
        {"providers": Absent(what="")},
        {"cluster_checks": Absent(what="")},
        {"cluster_checks": ()},
        {"cluster_checks": (), **setup(cluster_checks=False)},
        cluster_check(ready="Unknown", reason="Pending", age_s=30.0),
        cluster_check(author="", allowed=None),
    ],
)
def test_what_may_be_so_for_a_moment_or_by_choice_is_no_finding(changed) -> None:
    assert said_of(**changed) == []


@pytest.mark.parametrize("seen", [{"leases": (LEASE,)}, {"page": PAGE, "leases": ()}])
def test_an_operator_outside_of_the_cluster_shows_in_its_lease_or_its_page(seen) -> None:
    assert said_of(setups=(), replicas=(), operator=(), **seen) == []


def test_who_lost_the_right_is_given_it_back_by_the_command() -> None:
    (found,) = said_of(**cluster_check(allowed=False))
    assert "AccessRevoked" in found.means
    assert "--verb=get --resource=secrets" in found.mend[0]
    assert found.mend[1].endswith("--user=ann")


def test_without_any_sign_of_an_operator_there_is_none() -> None:
    stale = replace(LEASE, age_s=3600.0)
    for leases in ((), (stale,)):
        found = said_of(setups=(), replicas=(), operator=(), leases=leases)
        assert found[0].said == "no operator is installed in this cluster"
        assert found[0].mend


def test_whoever_may_see_nothing_is_told_unknown_and_never_fail() -> None:
    blind = Denied(what="")
    found = said_of(
        crds={"tokenchecks.tokencheck.dev": blind},
        setups=blind,
        replicas=(),
        leases=blind,
        checks=blind,
        providers=blind,
        cluster_checks=blind,
    )
    assert {one.result for one in found} == {Result.UNKNOWN}
    assert verdict_of_all(found) is Verdict.UNKNOWN


def test_kinds_with_one_consequence_are_one_finding_with_one_role() -> None:
    needs = operator_needs(Scope.CLUSTER)
    lacking = allowed(needs[:-1]) + allowed(needs[-1:], False)
    (found,) = said_of(operator=lacking)
    assert found.mend == (
        "kubectl create clusterrole tokencheck-get-list-watch-secrets --verb=get,list,watch"
        " --resource=secrets",
        "kubectl create clusterrolebinding tokencheck-get-list-watch-secrets"
        " --clusterrole=tokencheck-get-list-watch-secrets --serviceaccount=ops:tokencheck",
    )
