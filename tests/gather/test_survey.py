"""Checks are judged as their Secrets come, in whatever order, and nothing is held for nobody."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.drafts.implicit import check_of, reference_to, unmounted
from tokencheck.gather.seen import Seen
from tokencheck.gather.survey import Waiting
from tokencheck.model.workload import Site, SiteKind

SECRETS = ["a", "b", "c", "d"]
NEEDS = st.lists(st.sets(st.sampled_from(SECRETS), max_size=3), max_size=6)
ORDER = st.lists(st.sampled_from([*SECRETS, "x"]), unique=True)


@given(NEEDS, ORDER)
def test_each_check_is_due_once_and_its_secrets_are_held_till_then(
    needs: list[set[str]], order: list[str]
) -> None:
    planned = []
    for number, names in enumerate(needs):
        sites = tuple(Site(kind=SiteKind.VOLUME, container="", where="", secret=n) for n in names)
        workload = replace(unmounted("shop", f"w{number}"), sites=sites)
        check = check_of("shop", reference_to(workload))
        planned.append((check, Seen(workload=workload)))
    waiting = Waiting(planned, ())
    held: set[str] = set()
    judged: list[str] = []

    def judge(due: object) -> None:
        for one in due:  # type: ignore[attr-defined]
            names = needs[int(one.check.spec.workload.name[1:])]
            assert names & set(order[: len(seen)]) <= held
            judged.append(one.check.spec.workload.name)
            held.difference_update(name for _, name in one.done)

    seen: list[str] = []
    judge(waiting.ready())
    for name in order:
        seen.append(name)
        if waiting.awaits(("shop", name)):
            held.add(name)
            judge(waiting.arrived(("shop", name)))
    judge(waiting.rest())
    assert sorted(judged) == [f"w{number}" for number in range(len(needs))]
    assert held == set()
    assert len(waiting) == 0
