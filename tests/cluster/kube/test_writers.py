"""What the operator writes: a status that fits, and Events that repeat as series."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from faultproxy import Seen
from kube_world import World
from tokencheck.clients.kube.events import EventRecorder, name_of
from tokencheck.clients.kube.objects import (
    difference_of,
    get_object,
    list_objects,
    list_versions,
)
from tokencheck.clients.kube.status import StatusWriter
from tokencheck.model.errors import ClusterError
from tokencheck.model.evidence import Absent
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Event, EventType
from tokencheck.model.ports import WriteResult

READY = {"type": "Ready", "status": "True", "reason": "AllChecksPassed", "message": "Good."}
NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def make_check(world: World, name: str = "checkout") -> dict[str, Any]:
    return world.api.create(
        {
            "apiVersion": "tokencheck.dev/v1alpha1",
            "kind": "TokenCheck",
            "metadata": {"name": name, "namespace": world.namespace},
            "spec": {"workloadRef": {"kind": "Deployment", "name": name}},
        }
    )


def condition(**more: Any) -> dict[str, Any]:
    return READY | {"lastTransitionTime": "2026-03-01T12:00:00Z", "observedGeneration": 1} | more


async def write(world: World, check: dict[str, Any], **more: Any) -> tuple[WriteResult, str]:
    meta = check["metadata"]
    values = {
        "uid": meta["uid"],
        "resource_version": meta["resourceVersion"],
        "status": {"observedGeneration": 1, "conditions": [condition()]},
    } | more
    key = Key("TokenCheck", world.namespace, meta["name"])
    return await StatusWriter(world.transport).write(key, **values)


async def test_a_status_is_written_and_its_new_version_returned(world: World) -> None:
    check = make_check(world)
    result, version = await write(world, check)
    there = world.api.get("TokenCheck", "checkout", world.namespace)
    assert result is WriteResult.WRITTEN
    assert version == there["metadata"]["resourceVersion"]
    assert there["status"]["conditions"] == [condition()]
    assert there["spec"] == check["spec"]
    assert {m["manager"] for m in there["metadata"]["managedFields"]} >= {"tokencheck"}


async def test_a_status_of_an_older_version_is_never_written(world: World) -> None:
    check = make_check(world)
    world.api.patch("TokenCheck", "checkout", {"metadata": {"labels": {"a": "b"}}}, world.namespace)
    assert await write(world, check) == (WriteResult.CONFLICT, "")


async def test_a_status_never_reaches_another_object_of_the_same_name(world: World) -> None:
    old = make_check(world)
    world.api.delete("TokenCheck", "checkout", world.namespace)
    new = make_check(world)
    assert (await write(world, old))[0] is WriteResult.CONFLICT
    version = new["metadata"]["resourceVersion"]
    result, _ = await write(world, old, resource_version=version)
    assert result in (WriteResult.CONFLICT, WriteResult.GONE)


async def test_a_deleted_check_is_gone(world: World) -> None:
    check = make_check(world)
    world.api.delete("TokenCheck", "checkout", world.namespace)
    assert await write(world, check) == (WriteResult.GONE, "")


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (403, WriteResult.REFUSED),
        (401, WriteResult.REFUSED),
        (500, WriteResult.FAILED),
        (503, WriteResult.FAILED),
        (422, WriteResult.REJECTED),
    ],
)
async def test_a_refused_status_says_how_it_was_refused(
    world: World, status: int, result: WriteResult
) -> None:
    check = make_check(world)
    world.proxy.refuse(status)
    assert await write(world, check) == (result, "")


# Events


def event(world: World, **more: Any) -> Event:
    values: dict[str, Any] = {
        "regarding": Key("TokenCheck", world.namespace, "checkout"),
        "api_version": "tokencheck.dev/v1alpha1",
        "uid": "11111111-2222-3333-4444-555555555555",
        "type": EventType.WARNING,
        "reason": "TokenExpired",
        "note": 'Secret payments-api key "token": expired 3 h ago',
    } | more
    return Event(**values)


def recorder(world: World) -> EventRecorder:
    made = EventRecorder(world.transport, instance="tokencheck-0", clock=lambda: NOW)
    world.run(made)
    return made


def events(world: World) -> list[dict[str, Any]]:
    path = f"/apis/events.k8s.io/v1/namespaces/{world.namespace}/events"
    found: list[dict[str, Any]] = world.api.request("GET", path)["items"]
    return found


async def test_an_event_is_written_as_the_api_wants_it(world: World) -> None:
    made = recorder(world)
    made.emit(event(world, note="ü" * 2000))
    await made.drain()
    (there,) = events(world)
    assert there["reason"] == "TokenExpired"
    assert there["type"] == "Warning"
    assert there["regarding"]["name"] == "checkout"
    assert there["reportingController"] == "tokencheck.dev/operator"
    assert there["eventTime"] == "2026-03-01T12:00:00.250000Z"
    assert len(there["note"].encode()) <= 1024
    assert there["note"].endswith("ü…")


async def test_transitions_that_say_the_same_are_three_events_and_then_a_series(
    world: World,
) -> None:
    made = recorder(world)
    for hours in range(1, 7):
        note = f'Secret payments-api key "token": expired {hours} h ago'
        made.emit(event(world, note=note, about=f"transition {hours}"))
    await made.drain()
    assert sorted(one.get("series", {}).get("count", 1) for one in events(world)) == [1, 1, 4]
    assert made.outcomes == {"written": 3, "series": 3}


async def test_two_processes_that_tell_of_one_transition_make_one_event(world: World) -> None:
    for note in ("expired 3 h ago", "expired; rotate it"):
        made = recorder(world)
        made.emit(event(world, note=note, about="the transition"))
        await made.drain()
    assert made.outcomes == {"known": 1}
    (there,) = events(world)
    assert (there["note"], "series" in there) == ("expired 3 h ago", False)


async def test_an_event_whose_answer_was_lost_is_written_once(world: World) -> None:
    world.proxy.hold()
    made = recorder(world)
    made.emit(event(world))
    while not world.proxy.held:  # the server has it  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    world.proxy.hang_up()
    world.proxy.release()
    await made.drain(5)
    assert made.outcomes == {"known": 1}
    (there,) = events(world)
    assert "series" not in there


async def test_what_is_told_again_carries_its_own_time_and_changes_nothing_that_was_told(
    world: World,
) -> None:
    before = NOW - timedelta(minutes=10)
    told, lost = (event(world, about=about, at=before) for about in ("told", "lost"))
    first = recorder(world)
    first.emit(told)
    await first.drain()
    second = recorder(world)
    second.retell([told, lost])
    while second.outcomes.total() < 2:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    assert second.outcomes == {"known": 1, "written": 1}
    times = sorted(one["eventTime"] for one in events(world))
    assert times == ["2026-03-01T11:50:00.250000Z", "2026-03-01T12:00:00.250000Z"]


async def test_of_what_is_told_again_the_newest_comes_first(world: World) -> None:
    made = EventRecorder(world.transport, instance="x", clock=lambda: NOW)
    ages = (50, 3, 20)
    made.retell(event(world, about=str(age), at=NOW - timedelta(minutes=age)) for age in ages)
    world.run(made)
    await world.until(lambda: made.outcomes.total() == 3)
    told = sorted(events(world), key=lambda one: int(one["metadata"]["resourceVersion"]))
    assert [one["eventTime"][11:16] for one in told] == ["11:57", "11:40", "11:10"]


async def test_an_event_without_an_answer_holds_up_those_of_few_other_objects(world: World) -> None:
    kept_back: list[Seen] = []

    def is_first(seen: Seen) -> bool:
        if kept_back or seen.verb != "post":
            return False
        kept_back.append(seen)
        return True

    world.proxy.keep_back(is_first)
    made = recorder(world)
    for number in range(60):
        made.emit(event(world, uid=str(number)))
    # It is given up after ten seconds, and then all go on.
    await world.until(lambda: made.outcomes["written"] >= 20, timeout_s=9)
    world.proxy.send_on()
    await made.drain(timeout_s=10)
    assert made.outcomes == {"written": 60}
    assert len(events(world)) == 60


async def test_different_tokens_are_different_events(world: World) -> None:
    made = recorder(world)
    made.emit(event(world))
    made.emit(event(world, note='Secret billing key "token": expired 3 h ago'))
    await made.drain()
    assert len(events(world)) == 2


async def test_a_series_whose_event_has_expired_is_said_afresh(world: World) -> None:
    made = recorder(world)
    for number in range(4):
        made.emit(event(world, about=str(number)))
    await made.drain()
    for one in events(world):
        path = f"/apis/events.k8s.io/v1/namespaces/{world.namespace}/events"
        world.api.request("DELETE", f"{path}/{one['metadata']['name']}")
    made.emit(event(world, about="4"))
    await made.drain()
    (there,) = events(world)
    assert "series" not in there


async def test_events_of_cluster_scoped_objects_stand_in_the_default_namespace(
    world: World,
) -> None:
    made = recorder(world)
    provider = event(world, regarding=Key("TokenProvider", "", "payments"), uid=world.namespace)
    made.emit(provider)
    await made.drain()
    assert made.outcomes == {"written": 1}
    path = f"/apis/events.k8s.io/v1/namespaces/default/events/{name_of(provider)}"
    world.api.request("DELETE", path)


async def test_an_event_waits_for_a_server_that_is_down(world: World) -> None:
    made = recorder(world)
    world.proxy.refuse(503, times=2)
    made.emit(event(world))
    await made.drain()
    assert len(events(world)) == 1


@pytest.mark.parametrize(("status", "times"), [(503, 8), (401, 16)])
async def test_an_event_outlasts_a_server_that_is_away_for_longer_than_it_is_tried_at_a_time(
    world: World, status: int, times: int
) -> None:
    """A refusal (401), which comes twice each time, is no end: credentials are renewed."""
    made = recorder(world)
    world.proxy.refuse(status, times=times)
    made.emit(event(world))
    await world.until(lambda: made.outcomes, timeout_s=30)
    assert made.outcomes == {"written": 1}
    assert [one["eventTime"] for one in events(world)] == ["2026-03-01T12:00:00.250000Z"]


async def test_what_is_told_again_long_after_it_happened_has_as_many_tries_as_news(
    world: World,
) -> None:
    world.proxy.refuse(503, times=4)
    made = recorder(world)
    made.retell([event(world, about="old", at=NOW - timedelta(minutes=50))])
    await world.until(lambda: made.outcomes, timeout_s=20)
    assert made.outcomes == {"written": 1}
    assert [one["eventTime"] for one in events(world)] == ["2026-03-01T11:10:00.250000Z"]


async def test_events_that_never_get_an_answer_hold_up_no_others(world: World) -> None:
    world.proxy.refuse(503, lambda seen: "/namespaces/nowhere/" in seen.path)
    world.proxy.refuse(503, times=60)  # the tries of all others in their first turn
    made = recorder(world)
    nowhere = Key("TokenCheck", "nowhere", "checkout")
    for number in range(8):
        made.emit(event(world, uid=f"nowhere-{number}", regarding=nowhere))
    for number in range(20):
        made.emit(event(world, uid=str(number)))
    await world.until(lambda: made.outcomes["written"] == 20, timeout_s=25)
    assert made.outcomes == {"written": 20}


async def test_what_this_process_told_is_not_sent_again(world: World) -> None:
    made = recorder(world)
    made.emit(event(world))
    await made.drain()
    sent = world.proxy.count("post", "/events")
    made.retell([event(world)])
    assert made.outcomes == {"written": 1, "known": 1}
    assert not made.waiting
    assert world.proxy.count("post", "/events") == sent == 1


async def test_an_event_that_could_not_be_told_for_long_is_dropped_and_counted(
    world: World,
) -> None:
    times = iter([NOW, *[NOW + timedelta(minutes=11)] * 9])
    made = EventRecorder(world.transport, instance="x", clock=lambda: next(times))
    world.run(made)
    world.proxy.refuse(503)
    made.emit(event(world))
    await world.until(lambda: made.outcomes, timeout_s=30)
    assert made.outcomes == {"failed": 1}


async def test_an_event_that_is_refused_is_dropped_and_counted(world: World) -> None:
    made = recorder(world)
    world.proxy.refuse(403)
    made.emit(event(world))
    await made.drain()
    assert made.outcomes == {"failed": 1}


async def test_one_object_cannot_flood(world: World) -> None:
    made = EventRecorder(world.transport, instance="x", clock=lambda: NOW)
    for _ in range(30):
        made.emit(event(world))
    assert made.outcomes == {"limited": 5}


async def test_a_full_queue_drops_and_never_blocks(world: World) -> None:
    made = EventRecorder(world.transport, instance="x", clock=lambda: NOW)
    for i in range(2100):
        made.emit(event(world, uid=str(i)))
    assert made.outcomes == {"overflow": 100}
    await asyncio.sleep(0)


# Our own kinds


async def test_what_a_watch_lost_is_found_by_its_versions(world: World) -> None:
    stays, goes = make_check(world, "stays"), make_check(world, "goes")
    known = {
        Key("TokenCheck", world.namespace, c["metadata"]["name"]): c["metadata"]["resourceVersion"]
        for c in (stays, goes)
    }
    world.api.delete("TokenCheck", "goes", world.namespace)
    make_check(world, "comes")
    listed = await list_versions(world.transport, "TokenCheck")
    mine = {k: v for k, v in listed.items() if k.namespace == world.namespace}
    found = difference_of(known, mine)
    assert {k.name for k in found.gone} == {"goes"}
    assert {k.name for k in found.changed} == {"comes"}


async def test_our_objects_are_listed_whole_and_one_by_one(world: World) -> None:
    check = make_check(world)
    (listed,) = await list_objects(world.transport, "TokenCheck", world.namespace)
    assert listed["spec"] == check["spec"]
    key = Key("TokenCheck", world.namespace, "checkout")
    one = await get_object(world.transport, key)
    assert not isinstance(one, Absent)
    assert await get_object(world.transport, key._replace(name="none")) == Absent(
        what=f"TokenCheck {world.namespace}/none"
    )


async def test_a_list_that_is_refused_says_so(world: World) -> None:
    world.proxy.refuse(403)
    with pytest.raises(ClusterError, match="tokenchecks cannot be listed") as caught:
        await list_objects(world.transport, "TokenCheck")
    assert caught.value.status == 403
