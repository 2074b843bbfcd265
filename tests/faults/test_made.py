"""What must hold of TokenChecks that ClusterTokenChecks make, and the bugs that turn it red."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cluster.shop import Object
from faults.estates import MAKER, Estate
from faults.excuses import Cost, Excuses
from faults.made import breaches_of_made, now_of

ON, TIER = {"selected": "yes"}, {"tier": "web"}
ANN = {"team": "ann"}


class Plot:
    """A history of what ClusterTokenChecks are about, written by hand in seconds from its begin.

    The younger one selects all Deployments of namespaces that are on, the older one those of a
    tier. In shop Deployment web stands from the first second on, and has its TokenCheck.
    """

    def __init__(self) -> None:
        self.estate = Estate()
        self.excuses = Excuses()
        self.given_up: set[str] = set()
        self.take(0, "Namespace", "shop", labels=ON)
        self.take(0, "Namespace", "closed")
        self.maker(0, "older", TIER)
        self.maker(0, "younger", {})
        self.take(1, "Deployment", "shop/web")
        self.made(3, "shop", "web")

    def take(self, at: float, kind: str, place: str, *, gone: bool = False, **meta: object) -> None:
        """The object stands so from now on, or is gone."""
        namespace, _, name = place.rpartition("/")
        spec = meta.pop("spec", {})
        listed = bool(meta.pop("listed", False))
        where = {"namespace": namespace} if namespace else {}
        found: Object = {"kind": kind, "metadata": {"name": name, **where, **meta}, "spec": spec}
        self.estate.take("DELETED" if gone else "MODIFIED", found, at, listed=listed)

    def maker(self, at: float, name: str, workloads: Object, interval: str = "1h") -> None:
        """A ClusterTokenCheck."""
        spec = {
            "namespaceSelector": {"matchLabels": ON},
            "workloads": {"selector": {"matchLabels": workloads}},
            "template": {"spec": {"interval": interval}},
        }
        self.take(at, MAKER, name, uid=name, creationTimestamp="2026", spec=spec)

    def made(self, at: float, namespace: str, workload: str, **more: str) -> None:
        """A TokenCheck that a ClusterTokenCheck made, or made otherwise than before."""
        maker = more.get("maker", "younger")
        name = more.get("name", f"deployment-{workload}")
        owner = {"kind": MAKER, "uid": maker, "controller": True}
        spec = {"workloadRef": {"name": workload}, "interval": more.get("interval", "1h")}
        meta = {"uid": more.get("uid", f"{maker}-{name}"), "generation": 1}
        self.take(
            at, "TokenCheck", f"{namespace}/{name}", ownerReferences=[owner], spec=spec, **meta
        )

    def removed(self, at: float, name: str = "deployment-web", **more: object) -> None:
        """A TokenCheck of shop is gone."""
        self.take(at, "TokenCheck", f"shop/{name}", gone=True, **more)

    def own(self, at: float, generation: int = 1, labels: Object = ANN) -> None:
        """Somebody's own TokenCheck of web."""
        spec = {"workloadRef": {"name": "web"}}
        meta: Object = {"uid": "own", "generation": generation, "labels": labels}
        self.take(at, "TokenCheck", "shop/own", spec=spec, **meta)

    def broken(self, until: float = 500) -> set[str]:
        found = breaches_of_made(self.estate, self.excuses, until, self.given_up)
        return {one.invariant for one in found}


@pytest.fixture
def plot() -> Plot:
    return Plot()


def test_a_sound_history_has_no_breach(plot: Plot) -> None:
    plot.maker(20, "younger", {}, "2h")
    plot.made(22, "shop", "web", interval="2h")
    plot.own(40)
    plot.removed(42)
    plot.given_up.add("own")
    plot.take(60, "TokenCheck", "shop/own", gone=True)
    plot.made(62, "shop", "web", interval="2h", uid="again")
    plot.take(80, "Deployment", "shop/web", labels=TIER)  # the older one has it
    plot.removed(81)
    plot.made(82, "shop", "web", maker="older")
    plot.take(100, "Deployment", "shop/web", labels={"tokencheck.dev/enabled": "false"})
    plot.removed(101)
    plot.take(120, "Deployment", "closed/db")  # of a namespace that nobody selects
    assert plot.broken() == set()
    assert now_of(plot.estate).wrong() == {}


def makes_one_in_a_namespace_that_nobody_selects(plot: Plot) -> None:
    plot.take(30, "Deployment", "closed/db")
    plot.made(32, "closed", "db")
    plot.take(33, "TokenCheck", "closed/deployment-db", gone=True)


def makes_one_of_a_workload_that_is_not_there(plot: Plot) -> None:
    plot.made(32, "shop", "db")
    plot.removed(33, "deployment-db")


def makes_one_that_another_selects(plot: Plot) -> None:
    plot.removed(30)
    plot.made(31, "shop", "web", maker="older")


def makes_one_long_after_it_was_to(plot: Plot) -> None:
    plot.take(30, "Namespace", "shop")
    plot.removed(32)
    plot.made(90, "shop", "web", uid="again")
    plot.removed(91)


def makes_none(plot: Plot) -> None:
    plot.take(30, "Deployment", "shop/db")


def makes_one_late(plot: Plot) -> None:
    plot.take(30, "Deployment", "shop/db")
    plot.made(60, "shop", "db")


def removes_one_that_is_wanted(plot: Plot) -> None:
    plot.removed(30)


def keeps_an_older_template(plot: Plot) -> None:
    plot.maker(30, "younger", {}, "2h")


def keeps_what_the_older_one_wants(plot: Plot) -> None:
    plot.take(30, "Deployment", "shop/web", labels=TIER)


def keeps_one_without_its_workload(plot: Plot) -> None:
    plot.take(30, "Deployment", "shop/web", gone=True)


def keeps_one_beside_that_of_somebody(plot: Plot) -> None:
    plot.own(30)


def keeps_one_of_a_namespace_that_is_not_selected_any_more(plot: Plot) -> None:
    plot.take(30, "Namespace", "shop")


def makes_a_second_one(plot: Plot) -> None:
    plot.made(30, "shop", "web", name="deployment-web-2")
    plot.removed(31, "deployment-web-2")


def edits_what_somebody_wrote(plot: Plot) -> None:
    plot.own(30)
    plot.removed(31)
    plot.own(32, generation=2)


def labels_what_somebody_wrote(plot: Plot) -> None:
    plot.own(30)
    plot.removed(31)
    plot.own(32, labels={**ANN, "tokencheck.dev/cluster-check": "younger"})


def deletes_what_somebody_wrote(plot: Plot) -> None:
    plot.own(30)
    plot.removed(31)
    plot.take(32, "TokenCheck", "shop/own", gone=True)
    plot.made(33, "shop", "web", uid="again")


BUGS: dict[Callable[[Plot], None], set[str]] = {
    makes_one_in_a_namespace_that_nobody_selects: {"C1"},
    makes_one_of_a_workload_that_is_not_there: {"C1"},
    makes_one_that_another_selects: {"C1", "C2", "C3"},
    makes_one_long_after_it_was_to: {"C1"},
    makes_none: {"C2"},
    makes_one_late: {"C2"},
    removes_one_that_is_wanted: {"C2"},
    keeps_an_older_template: {"C2"},
    keeps_what_the_older_one_wants: {"C2", "C3"},
    keeps_one_without_its_workload: {"C3"},
    keeps_one_beside_that_of_somebody: {"C3"},
    keeps_one_of_a_namespace_that_is_not_selected_any_more: {"C3"},
    makes_a_second_one: {"C4"},
    edits_what_somebody_wrote: {"C5"},
    labels_what_somebody_wrote: {"C5"},
    deletes_what_somebody_wrote: {"C5"},
}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_turns_its_invariant_red(plot: Plot, bug: Callable[[Plot], None]) -> None:
    bug(plot)
    assert plot.broken() == BUGS[bug]


LATE = (makes_one_long_after_it_was_to, makes_one_late, keeps_one_without_its_workload)
# What no fault may cost.
NEVER = [bug for bug in BUGS if BUGS[bug] & {"C4", "C5"}]
NEVER += [makes_one_in_a_namespace_that_nobody_selects, makes_one_of_a_workload_that_is_not_there]


@pytest.mark.parametrize("bug", [*LATE, *NEVER], ids=lambda bug: bug.__name__)
def test_a_fault_excuses_that_it_comes_late_and_nothing_else(
    plot: Plot, bug: Callable[[Plot], None]
) -> None:
    window = plot.excuses.open("500", Cost(unknown=True), 25)
    plot.excuses.close(window, 35)
    bug(plot)
    assert plot.broken(until=130) == (set() if bug in LATE else BUGS[bug])


def test_time_is_up_a_while_after_the_fault(plot: Plot) -> None:
    window = plot.excuses.open("500", Cost(unknown=True), 25)
    plot.excuses.close(window, 35)
    makes_none(plot)
    assert plot.broken(until=140) == set()
    assert plot.broken(until=200) == {"C2"}


def test_a_burst_without_a_fault_excuses_nothing(plot: Plot) -> None:
    window = plot.excuses.open("no fault", Cost(), 25)
    plot.excuses.close(window, 35)
    makes_one_late(plot)
    assert plot.broken() == {"C2"}


def test_nobody_wrote_what_a_restore_brings_back_or_takes(plot: Plot) -> None:
    plot.own(30)
    plot.removed(31)
    plot.estate.rewound(40)
    at = {("", "older"), ("", "younger")}
    plot.estate.vanished("TokenCheck", {("shop", "deployment-web")}, 40)
    plot.estate.vanished(MAKER, at, 40)
    plot.made(43, "shop", "web", uid="again")
    assert plot.broken() == set()


def test_a_crd_that_is_made_again_takes_what_somebody_wrote(plot: Plot) -> None:
    window = plot.excuses.open("CRD made again", Cost(fresh_s=40), 29)
    plot.own(30)
    plot.take(31, "TokenCheck", "shop/own", gone=True)
    plot.excuses.close(window, 32)
    assert plot.broken() == set()
