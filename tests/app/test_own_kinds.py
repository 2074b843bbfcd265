"""Events of our kinds may come in another order than they happened: one worker for each uid."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rawserver import kubeconfig
from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import TokenCheck
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.app.own_kinds import OwnKinds
from tokencheck.clients.kube.cache import Cache, Parsers
from tokencheck.clients.kube.shelf import Shelf
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.workloads.parse import parse_workload
from tokencheck.core.workloads.pods import parse_pod
from tokencheck.model.change import Cause, Change
from tokencheck.model.keys import MATCHING, Key


def provider(uid: str, version: str, generation: int = 1) -> dict[str, Any]:
    meta = {"name": "payments", "uid": uid, "resourceVersion": version, "generation": generation}
    return {"metadata": meta, "spec": {"allowedNamespaces": {"all": True}}}


def held_check(shelf: Shelf) -> TokenCheck:
    held = shelf.check(KEY)
    assert held is not None
    return held


def held_provider(shelf: Shelf) -> TokenProvider:
    held = shelf.provider("payments")
    assert held is not None
    return held


def receiving() -> tuple[OwnKinds, Shelf, list[Change]]:
    shelf, told = Shelf(), []
    return OwnKinds(shelf, told.append, lambda: 0.0, writing=lambda _: False), shelf, told


def test_the_late_end_of_an_older_provider_does_not_take_the_new_one_away() -> None:
    own, shelf, told = receiving()
    own.receive("TokenProvider", "ADDED", provider("u1", "5"))
    own.receive("TokenProvider", "ADDED", provider("u2", "9"))
    own.receive("TokenProvider", "DELETED", provider("u1", "8"))
    assert held_provider(shelf).uid == "u2"
    assert len(told) == 2
    own.receive("TokenProvider", "DELETED", provider("u2", "10"))
    assert shelf.provider("payments") is None


def test_an_older_version_of_a_provider_is_not_taken_for_a_change() -> None:
    own, shelf, told = receiving()
    own.receive("TokenProvider", "MODIFIED", provider("u1", "12", generation=2))
    own.receive("TokenProvider", None, provider("u1", "5", generation=1))
    assert held_provider(shelf).generation == 2
    assert len(told) == 1


@pytest.mark.parametrize(
    "matching",
    [
        {"vendor": {"type": "GitHub"}, "match": {"kinds": ["GitHub"]}},
        {"jwt": {"issuer": "i", "keys": {"type": "Discovery"}}, "match": {"issuer": True}},
    ],
)
def test_a_provider_that_matches_or_did_is_told_to_all_who_look_for_tokens(
    matching: dict[str, Any],
) -> None:
    own, _, told = receiving()
    for version, spec in enumerate(({}, matching, {}, matching), 1):
        told.clear()
        obj = provider("u1", str(version), generation=version)
        obj["spec"] |= spec
        own.receive("TokenProvider", "MODIFIED", obj)
        assert (MATCHING in [one.key for one in told]) is (version > 1)
    told.clear()
    own.receive("TokenProvider", "DELETED", provider("u1", "9"))
    assert MATCHING in [one.key for one in told]


# Checks


KEY = Key("TokenCheck", "shop", "checkout")


def check(version: str, *, uid: str = "u1", verdict: str = "Valid", generation: int = 1) -> Any:
    meta = {"name": "checkout", "namespace": "shop", "uid": uid}
    meta |= {"resourceVersion": version, "generation": generation}
    status = {"verdict": verdict, "observedGeneration": 1}
    return {"metadata": meta, "spec": {"tokens": []}, "status": status}


def writing() -> tuple[OwnKinds, Shelf, list[Change], set[Key]]:
    """As `receiving`, with the check in version 5 and a set of what is being written."""
    shelf, told, under_way = Shelf(), [], set()
    own = OwnKinds(shelf, told.append, lambda: 0.0, writing=under_way.__contains__)
    own.receive("TokenCheck", None, check("5"))
    told.clear()
    return own, shelf, told, under_way


@asynccontextmanager
async def on_the_shelf_of_a_cluster(
    folder: Path,
) -> AsyncIterator[tuple[OwnKinds, Cache, list[Change]]]:
    """As `receiving`, with the shelf of the operator."""
    told: list[Change] = []
    parsers = Parsers(workload=parse_workload, pod=parse_pod)
    transport = await Transport.connect(kubeconfig=kubeconfig(folder, "http://127.0.0.1:1"))
    cache = Cache(transport, parsers=parsers, on_change=told.append)
    yield OwnKinds(cache, told.append, lambda: 0.0, writing=lambda _: False), cache, told
    await transport.close()


def written(shelf: Shelf, obj: Any) -> None:
    """The answer to our write is on the shelf."""
    shelf.put_check(parse_tokencheck(obj))


def test_a_list_shows_what_another_schema_makes_of_the_spec_in_the_version_that_is_held() -> None:
    """A CRD that is upgraded or put back changes objects without a new version of them."""
    own, shelf, told, _ = writing()
    other = check("5") | {"spec": {"tokens": [], "interval": "1h"}}
    own.receive("TokenCheck", "MODIFIED", other)
    assert told == []
    own.receive("TokenCheck", None, other)
    assert [one.cause for one in told] == [Cause.SPEC_CHANGED]
    assert held_check(shelf).spec == parse_tokencheck(other).spec
    told.clear()
    own.receive("TokenCheck", None, other)
    own.receive("TokenCheck", None, check("4"))
    assert told == []


def with_interval(version: str) -> Any:
    return check(version) | {"spec": {"tokens": [], "interval": "1h"}}


async def test_a_pass_that_began_before_another_schema_was_listed_does_not_bring_its_spec_back(
    tmp_path: Path,
) -> None:
    """Nobody would have found it: that version has been listed, and no later one moves by it."""
    async with on_the_shelf_of_a_cluster(tmp_path) as (own, cache, told):
        own.receive("TokenCheck", None, check("5"))
        begun = cache.check(KEY)
        assert begun is not None
        own.receive("TokenCheck", None, with_interval("5"))
        cache.put_written(replace(begun, resource_version="6", status={"verdict": "Invalid"}))
        held = cache.check(KEY)
        assert held is not None
        assert held.spec == parse_tokencheck(with_interval("5")).spec
        assert (held.resource_version, held.status) == ("6", {"verdict": "Invalid"})
        assert [one.cause for one in told] == [Cause.SPEC_CHANGED] * 2


async def test_a_check_that_is_deleted_before_its_write_has_its_answer_does_not_come_back(
    tmp_path: Path,
) -> None:
    async with on_the_shelf_of_a_cluster(tmp_path) as (own, cache, _):
        own.receive("TokenCheck", None, check("5"))
        begun = cache.check(KEY)
        assert begun is not None
        own.receive("TokenCheck", "DELETED", check("7"))
        cache.put_written(replace(begun, resource_version="6"))
        assert cache.check(KEY) is None
        own.receive("TokenCheck", None, check("8", uid="u2"))
        cache.put_written(replace(begun, resource_version="9"))
        assert own.held(KEY) == "8"


def test_what_an_older_list_shows_is_not_what_the_newer_one_showed() -> None:
    own, shelf, told, _ = writing()
    own.receive("TokenCheck", "MODIFIED", with_interval("6"))
    own.receive("TokenCheck", None, check("5"))
    told.clear()
    own.receive("TokenCheck", None, check("6"))
    assert [one.cause for one in told] == [Cause.SPEC_CHANGED]
    assert held_check(shelf).spec == parse_tokencheck(check("6")).spec


def test_so_it_is_with_a_provider() -> None:
    own, shelf, told = receiving()
    own.receive("TokenProvider", "ADDED", provider("u1", "5"))
    told.clear()
    own.receive("TokenProvider", None, provider("u1", "5"))
    assert told == []
    other = provider("u1", "5")
    other["spec"]["scopes"] = {"implies": {"admin": ["read"]}}
    own.receive("TokenProvider", None, other)
    assert [one.cause for one in told] == [Cause.PROVIDER_CHANGED]
    assert held_provider(shelf).implies


def test_the_echo_of_a_write_says_nothing_whether_it_comes_before_the_answer_or_after() -> None:
    own, shelf, told, under_way = writing()
    under_way.add(KEY)
    own.receive("TokenCheck", "MODIFIED", check("6", verdict="Invalid"))
    written(shelf, check("6", verdict="Invalid"))
    under_way.clear()
    own.settle(KEY)
    own.receive("TokenCheck", "MODIFIED", check("6", verdict="Invalid"))
    assert told == []


def test_a_status_that_somebody_writes_over_ours_is_judged_when_our_write_has_its_answer() -> None:
    """Both events come before the answer to the first."""
    own, shelf, told, under_way = writing()
    under_way.add(KEY)
    own.receive("TokenCheck", "MODIFIED", check("6", verdict="Invalid"))
    own.receive("TokenCheck", "MODIFIED", check("7", verdict="Valid"))
    assert told == []
    written(shelf, check("6", verdict="Invalid"))
    under_way.clear()
    own.settle(KEY)
    assert [change.cause for change in told] == [Cause.RESYNC]
    assert held_check(shelf).resource_version == "7"


def test_a_new_spec_that_comes_during_a_write_that_fails_is_not_lost() -> None:
    own, shelf, told, under_way = writing()
    under_way.add(KEY)
    own.receive("TokenCheck", "MODIFIED", check("6", generation=2))
    under_way.clear()
    own.settle(KEY)
    own.settle(KEY)
    assert [change.cause for change in told] == [Cause.SPEC_CHANGED]
    assert held_check(shelf).generation == 2


def test_a_check_that_is_deleted_during_a_write_does_not_come_back() -> None:
    own, shelf, told, under_way = writing()
    under_way.add(KEY)
    own.receive("TokenCheck", "MODIFIED", check("6", generation=2))
    own.receive("TokenCheck", "DELETED", check("7", generation=2))
    under_way.clear()
    own.settle(KEY)
    assert shelf.check(KEY) is None
    assert [change.gone for change in told] == [True]


def test_a_late_event_is_no_step_back_in_time_and_an_older_read_is_one() -> None:
    own, shelf, told, _ = writing()
    own.receive("TokenCheck", None, check("4", generation=7))
    assert (held_check(shelf).resource_version, told) == ("5", [])
    assert own.read(KEY, own.held(KEY), check("4", generation=7))
    assert held_check(shelf).resource_version == "4"
    assert [change.cause for change in told] == [Cause.SPEC_CHANGED]


def test_a_read_that_was_overtaken_by_our_own_write_is_no_step_back_in_time() -> None:
    own, shelf, told, _ = writing()
    held = own.held(KEY)
    written(shelf, check("8", verdict="Invalid"))
    assert not own.read(KEY, held, check("6"))
    assert (held_check(shelf).resource_version, told) == ("8", [])


def test_an_older_read_of_a_provider_is_a_step_back_in_time() -> None:
    own, shelf, told = receiving()
    own.receive("TokenProvider", None, provider("u1", "12", generation=2))
    key = Key("TokenProvider", "", "payments")
    assert own.read(key, own.held(key), provider("u1", "5"))
    assert held_provider(shelf).generation == 1
    assert [change.cause for change in told] == [Cause.PROVIDER_CHANGED] * 2


def test_a_change_of_a_check_is_known_when_it_is_not_newer_than_what_is_held() -> None:
    own, _, _, _ = writing()
    place = ("shop", "checkout")
    assert [own.is_known(place, "u1", version) for version in ("4", "5", "6")] == [
        True,
        True,
        False,
    ]
    assert own.is_known(place, "another", "4") is False
    assert own.is_known(("shop", "unheard-of"), "u1", "4") is False


def test_a_change_of_a_check_is_in_doubt_while_its_status_is_written() -> None:
    own, _, _, under_way = writing()
    under_way.add(KEY)
    assert own.is_known(("shop", "checkout"), "u1", "5") is None
    under_way.clear()
    assert own.is_known(("shop", "checkout"), "u1", "5") is True
