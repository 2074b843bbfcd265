"""Checks divided by namespace: each part has one leader, and its successor knows all of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.replicas import PATIENCE_S, Replica, is_status, replicas, wait
from cluster.shop import Shop, listed, ready
from cluster.statuses import Statuses
from controlplane import Api, ControlPlane
from tokencheck.engine.shares import shard_of
from tokencheck.model.lease import lease_names

SHARDS = 4
LEASES = lease_names(SHARDS)
GOOD = ("True", "AllChecksPassed")
EXPIRED = ("False", "TokenExpired")


@pytest.fixture
def shops(admin: Api, sound_statuses: Statuses) -> Iterator[list[Shop]]:
    """A shop in a namespace of each shard."""
    made: list[Shop] = []
    for shard in range(SHARDS):
        name = next(
            name
            for _ in range(1000)
            if shard_of(name := f"shard-{shard}-{secrets.token_hex(3)}", SHARDS) == shard
        )
        admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        made.append(Shop(admin, name, sound_statuses))
    yield made
    for shop in made:
        shop.close()
        admin.delete("Namespace", shop.namespace)


def run(plane: ControlPlane, folder: Path, count: int) -> Any:
    return replicas(plane, folder, shards=SHARDS, count=count)


def led(replica: Replica) -> set[int]:
    return {shard for shard, name in enumerate(LEASES) if replica.leads(name)}


def shared_out(living: list[Replica]) -> bool:
    """Whether each shard has one leader and everybody his share."""
    parts = [led(replica) for replica in living]
    sizes = sorted(map(len, parts))
    return sorted(n for part in parts for n in part) == [*range(SHARDS)] and (
        sizes[-1] - sizes[0] <= 1
    )


def stand(shops: list[Shop]) -> None:
    for shop in shops:
        shop.secret("payments", shop.signer.token())
        shop.check("payments", listed("payments", providerRef={"name": shop.provider()}))
    for shop in shops:
        shop.reads("payments", *GOOD, timeout_s=PATIENCE_S)


def follow(shops: list[Shop]) -> None:
    """All verdicts follow their Secrets, there and back."""
    for shop in shops:
        shop.secret("payments", shop.signer.expired())
    for shop in shops:
        shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
    for shop in shops:
        shop.secret("payments", shop.signer.token())
    for shop in shops:
        shop.reads("payments", *GOOD, timeout_s=PATIENCE_S)


def wrote(replica: Replica) -> set[str]:
    """Namespaces in which it wrote a status."""
    paths = [seen.path for seen in list(replica.road.proxy.seen) if is_status(seen)]
    return {path.split("/namespaces/")[1].split("/")[0] for path in paths if "/namespaces/" in path}


def test_two_replicas_share_four_shards_and_each_writes_its_own(
    shops: list[Shop], controlplane: ControlPlane, tmp_path: Path
) -> None:
    with run(controlplane, tmp_path, 2) as both:
        wait(lambda: shared_out(both))
        stand(shops)
        follow(shops)
        for replica in both:
            assert wrote(replica) == {shops[shard].namespace for shard in led(replica)}


def test_the_shards_of_a_replica_that_crashed_are_taken_over_with_nothing_lost(
    shops: list[Shop], controlplane: ControlPlane, tmp_path: Path
) -> None:
    with run(controlplane, tmp_path, 3) as all_three:
        wait(lambda: shared_out(all_three))
        stand(shops)
        victim, *left = sorted(all_three, key=lambda one: len(led(one)), reverse=True)
        lost = led(victim)
        for shop in shops:
            shop.secret("payments", shop.signer.expired())
        victim.kill()
        took = wait(lambda: shared_out(left))
        print(f"{len(lost)} shards were taken over within {took:.1f} s")
        for shop in shops:
            shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
            told = [e for e in shop.events("payments") if e["reason"] == "TokenExpired"]
            assert len(told) <= 1
        follow(shops)


def test_of_three_replicas_two_judge_a_check_and_the_third_does_not_read_its_secret(
    shops: list[Shop], controlplane: ControlPlane, tmp_path: Path
) -> None:
    with run(controlplane, tmp_path, 3) as all_three:
        wait(lambda: shared_out(all_three))
        stand(shops)
        before = [len(list(replica.road.proxy.seen)) for replica in all_three]
        follow(shops)
        for shop in shops:
            path = f"/api/v1/namespaces/{shop.namespace}/secrets/payments"
            readers = [
                any(seen.path == path for seen in list(replica.road.proxy.seen)[count:])
                for replica, count in zip(all_three, before, strict=True)
            ]
            assert sum(readers) == 2, shop.namespace


def test_a_replica_that_comes_gets_its_share_and_every_verdict_stays(
    shops: list[Shop], controlplane: ControlPlane, tmp_path: Path
) -> None:
    with run(controlplane, tmp_path, 2) as both:
        wait(lambda: shared_out(both))
        stand(shops)
        both[1].process.stop()
        wait(lambda: led(both[0]) == set(range(SHARDS)))
        follow(shops)
        before = [s.admin.get("TokenCheck", "payments", s.namespace) for s in shops]
        both[1].process.start()
        wait(lambda: shared_out(both))
        assert [s.admin.get("TokenCheck", "payments", s.namespace) for s in shops] == before
        follow(shops)
        assert all(ready(one) == GOOD for one in before)
