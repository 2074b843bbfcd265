"""A seed is a plan: each class once alone, then many at once."""

from __future__ import annotations

from itertools import islice

from faults.__main__ import striking
from faults.catalogue import catalogue
from faults.schedule import Round, Schedule

ROUNDS = 200


def rounds(seed: int, *, slow: bool = False) -> list[Round]:
    return list(islice(Schedule(catalogue(""), seed, slow=slow), ROUNDS))


def names(played: list[Round]) -> list[tuple[str, ...]]:
    return [tuple(fault.name for fault in one.faults) for one in played]


def test_the_same_seed_gives_the_same_rounds_and_another_one_others() -> None:
    assert names(rounds(7)) == names(rounds(7))
    assert names(rounds(7)) != names(rounds(8))


def test_each_class_strikes_alone_before_many_strike_at_once() -> None:
    quick = [fault.name for fault in catalogue("") if not fault.slow]
    first = names(rounds(7))[: len(quick)]
    assert sorted(first) == sorted((name,) for name in quick)
    assert len(rounds(7)[len(quick)].faults) > 1 or len(rounds(7)[len(quick) + 1].faults) > 1


def test_slow_classes_strike_in_the_long_form_alone_and_by_themselves() -> None:
    slow = {fault.name for fault in catalogue("") if fault.slow}
    assert not slow & {name for one in names(rounds(7)) for name in one}
    struck = names(rounds(7, slow=True))
    assert slow == {name for one in struck for name in one} & slow
    assert all(len(one) == 1 for one in struck if slow & set(one))


def test_what_befalls_an_election_strikes_where_there_is_one_and_nowhere_else() -> None:
    alone = {one.name for one in striking("", (), elected=False)}
    assert {one.name for one in catalogue("") if not one.elected} == alone
    assert {one.name for one in striking("", (), elected=True)} - alone == {
        "operator frozen beyond its belief"
    }
    assert not striking("", ("beyond its belief",), elected=False)


def test_no_class_strikes_twice_in_one_round() -> None:
    assert all(len(one) == len(set(one)) for one in names(rounds(7)))
