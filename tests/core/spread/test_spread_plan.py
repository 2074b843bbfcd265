"""Which TokenChecks ClusterTokenChecks make, renew and remove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.api.clustertokencheck import ClusterTokenCheck, parse_clustertokencheck
from tokencheck.api.fields import Fields
from tokencheck.api.parse_tokencheck import parse_spec
from tokencheck.api.tokencheck import WorkloadRef
from tokencheck.core.spread.plan import plans_of
from tokencheck.core.spread.wanted import place_of
from tokencheck.model.estate import (
    Estate,
    Make,
    Place,
    Plan,
    Remove,
    Renew,
    Standing,
    Step,
    Whose,
)

STAMP = {"tokencheck.dev/requester": "anna", "tokencheck.dev/requester-groups": "admins"}
ON = {"tokencheck.dev/enabled": "true"}


def cluster_check(
    name: str = "all", *, created: str = "2026-01-01", **spec: Any
) -> ClusterTokenCheck:
    meta = {"name": name, "uid": f"uid-{name}", "generation": 1, "annotations": STAMP}
    meta |= {"creationTimestamp": f"{created}T00:00:00Z"}
    body = {"namespaceSelector": {"matchLabels": ON}} | spec
    return parse_clustertokencheck({"metadata": meta, "spec": body})


def estate(
    *ones: ClusterTokenCheck,
    workloads: Mapping[str, Mapping[tuple[str, str], Mapping[str, str]]] | None = None,
    checks: Mapping[Place, Standing] | None = None,
    **more: Any,
) -> Estate:
    kinds = {"Deployment": {}, "StatefulSet": {}, "DaemonSet": {}, "CronJob": {}}
    found = kinds | (workloads if workloads is not None else {"Deployment": {("shop", "web"): {}}})
    return Estate(
        cluster_checks={one.name: one for one in ones},
        namespaces={"shop": ON, "bank": ON, "closed": {}},
        workloads={k: {Place(*at): labels for at, labels in of.items()} for k, of in found.items()},
        checks=checks or {},
        **more,
    )


def by_hand(kind: str, name: str) -> Standing:
    ref = WorkloadRef(api_version="v1", kind=kind, name=name)
    return Standing(uid="hand", resource_version="1", maker="", ref=ref)


def taken(before: Estate, steps: tuple[Step, ...]) -> Estate:
    """The world after the steps, as the API server would have it."""
    checks = dict(before.checks)
    for step in steps:
        match step:
            case Remove():
                del checks[step.place]
            case Make(place=place, manifest=manifest):
                meta = manifest["metadata"]
                checks[place] = Standing(
                    uid=f"uid-{place}",
                    resource_version="1",
                    maker=meta["ownerReferences"][0]["uid"],
                    **said(manifest["spec"]),
                    labels=meta["labels"],
                    stamps=meta["annotations"],
                )
            case Renew():
                labels = {**step.standing.labels, **step.labels}
                stamps = {**step.standing.stamps, **step.stamps}
                checks[step.place] = replace(
                    step.standing,
                    **said(step.spec),
                    labels={k: v for k, v in labels.items() if v is not None},
                    stamps={k: v for k, v in stamps.items() if v is not None},
                )
    return replace(before, checks=checks)


def said(spec: Mapping[str, Any]) -> dict[str, Any]:
    whole = parse_spec(Fields("spec", spec))
    return {"ref": whole.workload, "spec": replace(whole, workload=None)}


def plan(world: Estate, name: str = "all") -> Plan:
    return plans_of(world)[name]


def settled(world: Estate) -> Estate:
    return taken(world, tuple(step for one in plans_of(world).values() for step in one.steps))


def test_each_workload_of_a_selected_namespace_gets_a_check_that_its_author_asked_for() -> None:
    one = cluster_check(copyLabels=["team"], template={"spec": {"interval": "1h"}})
    labels = {"team": "payments", "tier": "web"}
    world = estate(one, workloads={"CronJob": {("shop", "report"): labels, ("closed", "x"): {}}})
    (step,) = plan(world).steps
    assert isinstance(step, Make)
    assert step.place == Place("shop", "cronjob-report")
    meta, spec = step.manifest["metadata"], step.manifest["spec"]
    assert meta["labels"] == {
        "team": "payments",
        "tokencheck.dev/cluster-check": "all",
        "app.kubernetes.io/managed-by": "tokencheck",
    }
    assert meta["annotations"] == STAMP
    assert meta["ownerReferences"][0]["uid"] == "uid-all"
    ref = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "report"}
    assert spec == {"workloadRef": ref, "interval": "1h"}
    assert plan(world).tally.selected == 1


def test_what_is_as_it_should_be_is_left_alone() -> None:
    world = settled(estate(cluster_check(template={"spec": {"gate": {"mode": "Advisory"}}})))
    assert plan(world).steps == ()
    assert plan(world).tally.checked == (Place("shop", "deployment-web"),)


def test_a_new_template_renews_and_what_was_added_by_hand_goes() -> None:
    world = settled(estate(cluster_check()))
    changed = cluster_check(template={"spec": {"interval": "1h"}})
    (step,) = plan(replace(world, cluster_checks={"all": changed})).steps
    assert isinstance(step, Renew)
    assert step.spec["interval"] == "1h"
    (place, standing), *_ = world.checks.items()
    assert standing.spec is not None
    by_hand = replace(standing, spec=replace(standing.spec, suspend=True))
    (step,) = plan(replace(world, checks={place: by_hand})).steps
    assert isinstance(step, Renew)
    assert "suspend" not in step.spec


def test_a_stamp_of_another_author_and_a_label_that_is_gone_are_brought_up_to_date() -> None:
    one = cluster_check(copyLabels=["team"])
    world = settled(estate(one, workloads={"Deployment": {("shop", "web"): {"team": "a"}}}))
    (place, standing), *_ = world.checks.items()
    foreign = replace(standing, stamps={"tokencheck.dev/requester": "mallory"})
    (step,) = plan(replace(world, checks={place: foreign})).steps
    assert isinstance(step, Renew)
    assert step.stamps == STAMP
    without = replace(world, workloads={"Deployment": {Place("shop", "web"): {}}})
    (step,) = plan(without).steps
    assert isinstance(step, Renew)
    assert step.labels == {"team": None}
    foreign = replace(standing, labels={**standing.labels, "their": "own"})
    assert plan(replace(world, checks={place: foreign})).steps == ()


def test_a_check_that_somebody_wrote_for_the_workload_wins() -> None:
    hand = {Place("shop", "mine"): by_hand("Deployment", "web")}
    world = estate(cluster_check(), checks=hand)
    assert plan(world).steps == ()
    assert plan(world).tally.hand_written == 1
    later = replace(settled(estate(cluster_check())), checks={
        **settled(estate(cluster_check())).checks, **hand})  # fmt: skip
    (step,) = plan(later).steps
    assert isinstance(step, Remove)
    assert step.place == Place("shop", "deployment-web")


def test_a_workload_opts_out_by_its_label() -> None:
    world = settled(estate(cluster_check()))
    out = {"Deployment": {Place("shop", "web"): {"tokencheck.dev/enabled": "false"}}}
    (step,) = plan(replace(world, workloads=out)).steps
    assert isinstance(step, Remove)
    assert plan(replace(world, workloads=out)).tally.opted_out == 1


def test_the_older_of_two_that_select_a_workload_has_it() -> None:
    old, new = cluster_check("z-old"), cluster_check("a-new", created="2026-02-01")
    plans = plans_of(estate(old, new))
    assert [type(step) for step in plans["z-old"].steps] == [Make]
    assert plans["a-new"].steps == ()
    assert plans["a-new"].tally.others == 1


def test_a_workload_that_is_gone_takes_its_check_with_it_unless_workloads_cannot_be_read() -> None:
    world = replace(settled(estate(cluster_check())), workloads={"Deployment": {}})
    assert [type(step) for step in plan(world).steps] == [Remove]
    assert plan(replace(world, workloads={}, unread=("deployments",))).steps == ()


def test_nothing_is_done_while_namespaces_or_checks_cannot_be_read() -> None:
    for plural in ("namespaces", "tokenchecks", "clustertokenchecks"):
        world = replace(estate(cluster_check()), unread=(plural,))
        assert plan(world).steps == ()


def test_a_spec_that_is_wrong_wants_nothing_and_what_it_made_stays() -> None:
    world = settled(estate(cluster_check()))
    wrong = cluster_check(template={"spec": {"interval": "1s"}})
    assert wrong.invalid
    assert plan(replace(world, cluster_checks={"all": wrong})).steps == ()


def test_what_a_maker_made_that_is_not_there_is_nobody_elses_to_touch() -> None:
    """Its owner was deleted and the garbage collector is about to follow, or it is a lie."""
    world = settled(estate(cluster_check()))
    again = replace(cluster_check(), uid="uid-again")
    found = plan(replace(world, cluster_checks={"all": again}))
    assert found.steps == ()
    assert found.tally.hand_written == 1


def test_what_a_maker_with_a_wrong_spec_made_is_in_the_way_and_told() -> None:
    world = settled(estate(cluster_check()))
    wrong = cluster_check(template={"spec": {"interval": "1s"}})
    other = cluster_check("other")
    found = plan(replace(world, cluster_checks={"all": wrong, "other": other}), "other")
    assert (found.steps, found.tally.taken) == ((), (Place("shop", "deployment-web"),))


def test_what_is_ending_is_not_removed_again_and_told_while_it_is_wanted() -> None:
    world = settled(estate(cluster_check()))
    (place, standing), *_ = world.checks.items()
    ending = replace(world, checks={place: replace(standing, ending=True)})
    assert plan(ending).steps == ()
    assert plan(ending).tally.taken == (place,)
    assert plan(replace(ending, workloads={"Deployment": {}})).steps == ()


def test_of_two_workloads_that_come_to_one_name_the_first_has_it_and_the_other_is_told() -> None:
    long = "x" * 70
    short = place_of(Whose("shop", "Deployment", long)).name.removeprefix("deployment-")
    found = estate(
        cluster_check(), workloads={"Deployment": {("shop", long): {}, ("shop", short): {}}}
    )
    (step,) = plan(found).steps
    assert isinstance(step, Make)
    assert step.manifest["spec"]["workloadRef"]["name"] == min(short, long)
    assert plan(found).tally.taken == (step.place,)
    assert plan(settled(found)).steps == ()


def test_a_name_that_is_taken_is_told_and_not_overwritten() -> None:
    hand = {Place("shop", "deployment-web"): by_hand("StatefulSet", "db")}
    found = plan(estate(cluster_check(), checks=hand))
    assert found.steps == ()
    assert found.tally.taken == (Place("shop", "deployment-web"),)


def test_long_names_are_cut_and_stay_different() -> None:
    first, second = (place_of(Whose("shop", "Deployment", "x" * 250 + end)) for end in "ab")
    assert len(first.name) == len(second.name) == 63
    assert first != second


NAMES = st.sampled_from(["web", "db", "jobs"])
LABELS = st.sampled_from([{}, ON, {"tokencheck.dev/enabled": "false"}, {"team": "a"}])
KINDS = st.sampled_from(["Deployment", "StatefulSet", "DaemonSet", "CronJob"])
PLACES = st.tuples(st.sampled_from(["shop", "bank", "closed"]), NAMES)


@st.composite
def worlds(draw: st.DrawFn) -> Estate:
    kinds = draw(st.dictionaries(KINDS, st.dictionaries(PLACES, LABELS, max_size=4), max_size=4))
    ones = [
        cluster_check(name, created=f"2026-01-0{draw(st.integers(1, 3))}",
                      workloads={"kinds": draw(st.lists(KINDS, min_size=1, unique=True))},
                      copyLabels=draw(st.sampled_from([[], ["team"]])))
        for name in draw(st.lists(st.sampled_from(["a", "b"]), unique=True))
    ]  # fmt: skip
    hand = {
        Place(*draw(PLACES)): by_hand(draw(KINDS), draw(NAMES))
        for _ in range(draw(st.integers(0, 2)))
    }
    return estate(*ones, workloads=kinds, checks=hand)


@given(before=worlds(), after=worlds())
def test_whatever_changes_two_rounds_settle_it_and_no_written_check_is_touched(
    before: Estate, after: Estate
) -> None:
    """From any world to any other: removals free names in the first round."""
    made = settled(before).checks
    ones = after.cluster_checks
    uids = {one.uid for one in ones.values()}
    kept = {at: one for at, one in made.items() if one.maker in uids}
    world = replace(after, checks={**kept, **after.checks})
    twice = settled(settled(world))
    assert all(found.steps == () for found in plans_of(twice).values())
    for at, one in after.checks.items():
        assert twice.checks[at] == one
    whose = [(at.namespace, one.ref) for at, one in twice.checks.items() if one.maker]
    assert len(whose) == len(set(whose))
    hand = [(at.namespace, one.ref) for at, one in twice.checks.items() if not one.maker]
    assert not {(at, one.kind, one.name) for at, one in whose if one} & {
        (at, one.kind, one.name) for at, one in hand if one
    }
    tallies = [found.tally for found in plans_of(twice).values()]
    for tally in tallies:
        known = len(tally.checked) + tally.hand_written + tally.opted_out + tally.others
        assert tally.selected == known + len(tally.taken)
