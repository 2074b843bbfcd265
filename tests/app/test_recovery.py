"""One check of each namespace finds out that writes get through again; then all of them try."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.app.recovery import PROBES, Recovery
from tokencheck.model.keys import Key


def key(namespace: str, name: object = 0) -> Key:
    return Key("TokenCheck", namespace, str(name))


def waiting(*keys: Key) -> tuple[Recovery, list[Key]]:
    tried: list[Key] = []
    recovery = Recovery(tried.append)
    for one in keys:
        recovery.failed(one)
    return recovery, tried


def test_one_check_of_each_namespace_tries_and_each_in_its_turn() -> None:
    recovery, tried = waiting(key("a", 1), key("a", 2), key("a", 3), key("b", 1))
    for _ in range(3):
        recovery.probe()
    assert [one for one in tried if one.namespace == "a"] == [key("a", n) for n in (1, 2, 3)]
    assert tried.count(key("b", 1)) == 3


def test_the_first_success_calls_its_namespace_and_one_of_each_other() -> None:
    recovery, tried = waiting(key("a", 1), key("a", 2), key("a", 3), key("b", 1), key("b", 2))
    recovery.worked(key("a", 2))
    assert sorted(tried) == [key("a", 1), key("a", 3), key("b", 1)]
    tried.clear()
    recovery.worked(key("a", 1))
    recovery.worked(key("a", 3))
    assert tried == []
    recovery.worked(key("b", 1))
    assert tried == [key("b", 2)]


def test_writes_where_nobody_waits_call_nobody() -> None:
    """Else a busy namespace would have those tried again whose rights are gone for good."""
    recovery, tried = waiting(key("denied"))
    for _ in range(100):
        recovery.worked(key("busy"))
    assert tried == []


def test_what_is_gone_is_not_tried() -> None:
    recovery, tried = waiting(key("a", 1), key("b", 1))
    recovery.forget(key("a", 1))
    recovery.forget(key("never", 1))
    recovery.probe()
    assert tried == [key("b", 1)]


def test_of_very_many_namespaces_some_are_asked_at_a_time_and_none_is_left_out() -> None:
    recovery, tried = waiting(*(key(f"n{n}") for n in range(3 * PROBES)))
    recovery.probe()
    assert len(tried) == PROBES
    recovery.probe()
    recovery.probe()
    assert len(set(tried)) == 3 * PROBES


@given(st.lists(st.tuples(st.sampled_from("fwp"), st.sampled_from("abc"), st.integers(0, 3))))
def test_whoever_failed_last_is_tried_until_it_works(steps: list[tuple[str, str, int]]) -> None:
    recovery, tried = waiting()
    failing: set[Key] = set()
    for what, namespace, number in steps:
        one = key(namespace, number)
        if what == "f":
            recovery.failed(one)
            failing.add(one)
        elif what == "w":
            recovery.worked(one)
            failing -= {k for k in failing if k.namespace == namespace}
        else:
            recovery.probe()
    tried.clear()
    for _ in range(4):
        recovery.probe()
    assert set(tried) == failing
