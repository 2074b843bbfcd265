"""Whose request goes next, without clock and loop."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.clients.kube.call import Call
from tokencheck.clients.kube.limits import pause_s
from tokencheck.clients.kube.line import Bounds, Line, Ticket
from tokencheck.clients.kube.urgency import Urgency, urgency_of

OWN = "/apis/tokencheck.dev/v1alpha1"
WIDE = Bounds(per_second=1000, burst=1000, places=100)


def call(method: str, path: str, **params: str) -> Call:
    return Call(method=method, path=path, params=params, headers={}, timeout_s=1)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/apis/coordination.k8s.io/v1/namespaces/ops/leases", Urgency.LEASE),
        ("PATCH", "/apis/coordination.k8s.io/v1/namespaces/ops/leases/x", Urgency.LEASE),
        ("PATCH", f"{OWN}/namespaces/shop/tokenchecks/a/status", Urgency.WRITE),
        ("PATCH", f"{OWN}/tokenproviders/a/status", Urgency.WRITE),
        ("GET", "/api/v1/namespaces/shop/secrets/a", Urgency.READ),
        ("GET", "/api/v1/namespaces/shop", Urgency.READ),
        ("GET", f"{OWN}/tokenproviders/a", Urgency.READ),
        ("GET", "/version", Urgency.READ),
        ("GET", "/apis/apps/v1", Urgency.READ),
        ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", Urgency.READ),
        ("POST", "/apis/events.k8s.io/v1/namespaces/shop/events", Urgency.EVENT),
        ("PATCH", "/apis/events.k8s.io/v1/namespaces/shop/events/a", Urgency.EVENT),
        ("GET", "/api/v1/secrets", Urgency.LIST),
        ("GET", "/api/v1/namespaces", Urgency.LIST),
        ("GET", "/api/v1/namespaces/shop/secrets", Urgency.LIST),
        ("GET", f"{OWN}/tokenchecks", Urgency.LIST),
    ],
)
def test_a_request_is_as_urgent_as_what_it_asks_for(
    method: str, path: str, expected: Urgency
) -> None:
    assert urgency_of(call(method, path)) is expected


def test_a_watch_is_as_urgent_as_a_list() -> None:
    assert urgency_of(call("GET", "/api/v1/secrets", watch="1")) is Urgency.LIST


def test_no_verdict_waits_for_a_dry_run() -> None:
    path = "/apis/tokencheck.dev/v1alpha1/namespaces/shop/tokenchecks/a"
    assert urgency_of(call("PATCH", path, dryRun="All")) is Urgency.EVENT


def test_the_urgent_go_first_and_each_kind_in_its_own_order() -> None:
    line = Line(Bounds(per_second=1, burst=1, places=9), 0.0)
    assert len(list(line.admit(0.0))) == 0
    first = line.enter(Urgency.LIST)
    assert list(line.admit(0.0)) == [first]
    late = [line.enter(urgency) for urgency in reversed(Urgency)]
    late.append(line.enter(Urgency.WRITE))
    order = [ticket for second in range(1, 6) for ticket in line.admit(float(second))]
    assert [ticket.urgency for ticket in order] == [
        Urgency.LEASE,
        Urgency.WRITE,
        Urgency.WRITE,
        Urgency.READ,
        Urgency.EVENT,
    ]
    assert order[1] is late[3]


def test_one_turn_in_eight_is_that_of_who_waits_longest() -> None:
    line = Line(Bounds(per_second=1, burst=1, places=1000), 0.0)
    patient = line.enter(Urgency.LIST)
    for _ in range(20):
        line.enter(Urgency.WRITE)
    order = [ticket for second in range(16) for ticket in line.admit(float(second))]
    assert order.index(patient) == 7


def test_a_kind_that_is_held_back_holds_back_no_other() -> None:
    line = Line(WIDE, 0.0)
    line.hold(Urgency.READ, 5.0)
    line.hold(Urgency.READ, 3.0)
    held = line.enter(Urgency.READ)
    others = [line.enter(urgency) for urgency in Urgency if urgency is not Urgency.READ]
    assert list(line.admit(4.9)) == others
    assert line.next_at(4.9) == 5.0
    assert list(line.admit(5.0)) == [held]
    assert line.next_at(5.0) is None


@pytest.mark.parametrize(("places", "lists"), [(1, 1), (4, 1), (32, 8)])
def test_lists_never_take_all_places(places: int, lists: int) -> None:
    line = Line(Bounds(per_second=1000, burst=1000, places=places), 0.0)
    tickets = [line.enter(Urgency.LIST) for _ in range(100)]
    assert len(list(line.admit(0.0))) == lists
    assert line.next_at(0.0) is None, "only one that leaves makes place"
    line.leave(tickets[0])
    assert len(list(line.admit(0.0))) == 1


def test_who_steps_out_of_the_line_takes_nothing_with_him() -> None:
    line = Line(Bounds(per_second=1, burst=1, places=1), 0.0)
    gone, next_one = line.enter(Urgency.READ), line.enter(Urgency.READ)
    line.leave(gone)
    assert list(line.admit(0.0)) == [next_one]


STEPS = st.lists(
    st.tuples(st.sampled_from(["enter", "leave", "hold", "wait"]), st.sampled_from(Urgency)),
    max_size=80,
)


@given(STEPS, st.integers(1, 9), st.integers(1, 9))
def test_no_bound_is_ever_broken_and_nobody_is_forgotten(
    steps: list[tuple[str, Urgency]], places: int, burst: int
) -> None:
    now, line = 0.0, Line(Bounds(per_second=2, burst=burst, places=places), 0.0)
    waiting: list[Ticket] = []
    busy: list[Ticket] = []
    held: dict[Any, float] = {}
    admitted = 0
    for step, urgency in [*steps, *[("wait", Urgency.LEASE)] * 200]:
        match step:
            case "enter":
                waiting.append(line.enter(urgency))
            case "leave" if busy:
                line.leave(busy.pop(0))
            case "hold":
                held[urgency] = max(held.get(urgency, 0.0), now + 3)
                line.hold(urgency, now + 3)
            case "wait":
                now += 0.5
                if len(steps) and step == "wait" and busy:
                    line.leave(busy.pop())
        for ticket in line.admit(now):
            assert held.get(ticket.urgency, 0.0) <= now
            waiting.remove(ticket)
            busy.append(ticket)
            admitted += 1
        assert len(busy) <= places
        assert admitted <= burst + now * 2
    assert not waiting


@given(st.integers(0, 60))
def test_a_server_is_asked_again_a_little_later_than_it_wants(asked_s: int) -> None:
    assert asked_s < pause_s(asked_s) <= asked_s * 1.2 + 0.011
